//! The status of figures: whether the day was over when the figure was computed, and whether a later dump has
//! changed it since.

use crate::context::LakeContext;
use crate::kpi::statement::by_table;
use crate::kpi::{Dimensions, FigureStatus, Granularity, KpiQuery, Level};
use crate::meta::{self, restatements};
use chrono::NaiveDate;
use config::kpi::Kpi;
use config::model::TableName;
use plant::time::days_since_epoch;
use std::collections::BTreeMap;

/// The dimensions of a restated row of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct RestatedRow {
    day: Option<NaiveDate>,
    shift: Option<String>,
    unit: Option<String>,
}

/// When the tables of some KPIs were written, and which of their rows were restated.
pub struct PublishedState {
    /// When the oldest of the tables was written, in seconds since 1970 UTC.
    written_s: i64,
    restated: Vec<RestatedRow>,
    line_of: BTreeMap<String, String>,
}

impl PublishedState {
    /// Loads the state of the tables of some KPIs.
    ///
    /// # Errors
    /// Fails if a table cannot be opened.
    pub async fn load(context: &LakeContext, kpis: &[Kpi]) -> anyhow::Result<Self> {
        let mut written_s = i64::MAX;
        // Hours are computed before the shifts that contain them, and restated with them.
        let tables: Vec<&TableName> = by_table(kpis, Granularity::Shift).into_keys().collect();
        for table in &tables {
            let state = context.lake.state(table).await?;
            let written_ms = state.and_then(|state| state.modified_ms()).unwrap_or(i64::MIN);
            written_s = written_s.min(written_ms / 1000);
        }
        let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
        let rows: Vec<restatements::Restatement> =
            meta::rows(&context.lake, &restatements::table()).await?;
        let restated = rows.iter().filter(|row| names.contains(&row.table_name));
        let units = context.plant.equipment.units.iter();
        Ok(Self {
            written_s,
            restated: restated.map(|row| RestatedRow::parse(&row.row_key)).collect(),
            line_of: units.map(|unit| (unit.name.clone(), unit.line.clone())).collect(),
        })
    }

    /// The status of the figures of a row. `days` are the first and the last day of a row without a single day;
    /// `end_s` returns the end of a production day, given as days since 1970.
    pub fn status(
        &self,
        dimensions: &Dimensions,
        query: &KpiQuery,
        days: (Option<NaiveDate>, Option<NaiveDate>),
        end_s: impl Fn(i32) -> i64,
    ) -> FigureStatus {
        let Some(last) = dimensions.production_day.or(days.1) else {
            return FigureStatus::Provisional;
        };
        let first = dimensions.production_day.or(days.0);
        if end_s(days_since_epoch(last)) > self.written_s {
            return FigureStatus::Provisional;
        }
        let is_in = |key: &RestatedRow| {
            let line = key.unit.as_ref().and_then(|unit| self.line_of.get(unit));
            let is_day = first.is_none_or(|first| key.day.is_some_and(|day| day >= first))
                && key.day.is_none_or(|day| day <= last);
            let (is_unit, is_line) = (query.level == Level::Unit, query.level == Level::Line);
            let is_shift = matches!(query.granularity, Granularity::Hour | Granularity::Shift);
            is_day
                && is_equal(is_shift, (&dimensions.shift, &query.shift), key.shift.as_ref())
                && is_equal(is_unit, (&dimensions.unit, &query.unit), key.unit.as_ref())
                && is_equal(is_line, (&dimensions.line, &query.line), line)
        };
        match self.restated.iter().any(is_in) {
            true => FigureStatus::Restated,
            false => FigureStatus::Certified,
        }
    }
}

/// Whether a restated row has the value of a dimension. A dimension that was not summed over must be equal,
/// also if it is `None` (time outside every shift); one that was summed over only has to pass the filter.
fn is_equal(
    is_kept: bool,
    (dimension, filter): (&Option<String>, &Option<String>),
    restated: Option<&String>,
) -> bool {
    match is_kept {
        true => dimension.as_ref() == restated,
        false => filter.is_none() || filter.as_ref() == restated,
    }
}

impl RestatedRow {
    /// The key of a row in `meta.restatements`, such as `production_day=2026-11-01, shift=A, unit=BC-0001`.
    fn parse(row_key: &str) -> Self {
        let mut key = Self::default();
        for (name, value) in row_key.split(", ").filter_map(|part| part.split_once('=')) {
            let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
            match name {
                "production_day" | "day_local" => key.day = value.parse().ok(),
                "shift" => key.shift = text(),
                "unit" | "station" => key.unit = text(),
                _ => {}
            }
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::time::DAY_S;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, number).unwrap()
    }

    fn published() -> PublishedState {
        PublishedState {
            written_s: i64::from(days_since_epoch(day(4))) * DAY_S,
            restated: vec![RestatedRow::parse("production_day=2026-11-02, shift=A, unit=U1")],
            line_of: [("U1", "L1"), ("U2", "L2")].map(|(u, l)| (u.into(), l.into())).into(),
        }
    }

    #[track_caller]
    fn check(
        (level, granularity): (Level, Granularity),
        row: (Option<u32>, Option<&str>, Option<&str>, Option<&str>),
        expected: FigureStatus,
    ) {
        let dimensions = Dimensions {
            production_day: row.0.map(day),
            shift: row.1.map(str::to_owned),
            line: row.2.map(str::to_owned),
            unit: row.3.map(str::to_owned),
            ..Dimensions::default()
        };
        let query = KpiQuery { level, granularity, ..KpiQuery::default() };
        let midnight = |day: i32| (i64::from(day) + 1) * DAY_S;
        let status =
            published().status(&dimensions, &query, (Some(day(1)), Some(day(3))), midnight);
        assert_eq!(status, expected, "{query:?} {dimensions:?}");
    }

    #[test]
    fn the_status_follows_from_the_day_and_the_restatements() {
        let shift = (Level::Unit, Granularity::Shift);
        check(shift, (Some(4), Some("A"), None, Some("U1")), FigureStatus::Provisional);
        check(shift, (Some(3), Some("A"), Some("L1"), Some("U1")), FigureStatus::Certified);
        check(shift, (Some(2), Some("A"), Some("L1"), Some("U1")), FigureStatus::Restated);
        check(shift, (Some(2), Some("B"), Some("L1"), Some("U1")), FigureStatus::Certified);
        check(shift, (Some(2), None, Some("L1"), Some("U1")), FigureStatus::Certified);
        check(shift, (Some(2), Some("A"), Some("L2"), Some("U2")), FigureStatus::Certified);
        check(
            (Level::Plant, Granularity::Day),
            (Some(2), None, None, None),
            FigureStatus::Restated,
        );
        check(
            (Level::Line, Granularity::Day),
            (Some(2), None, Some("L1"), None),
            FigureStatus::Restated,
        );
        check(
            (Level::Line, Granularity::Day),
            (Some(2), None, Some("L2"), None),
            FigureStatus::Certified,
        );
        check((Level::Plant, Granularity::Range), (None, None, None, None), FigureStatus::Restated);
        check(
            (Level::Unit, Granularity::Range),
            (None, None, Some("L2"), Some("U2")),
            FigureStatus::Certified,
        );
    }
}
