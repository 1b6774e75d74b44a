//! How far a figure can be relied on: whether its day was over when it was made, and whether a later
//! dump has changed it since.

use super::statement::by_table;
use super::{Asked, By, Each, Place};
use crate::refine::{Refinery, restate};
use chrono::NaiveDate;
use config::kpi::Kpi;
use config::model::TableName;
use plant::time::days_since_epoch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How far a figure can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Its production day was not over when the newest dump was taken in.
    Provisional,
    /// A dump came after its production day was over, and none has changed it since.
    Certified,
    /// A dump changed it after it had been certified; `meta.restatements` tells from what to what.
    Restated,
}

/// A row of a table that was restated, as far as places know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Key {
    day: Option<NaiveDate>,
    shift: Option<String>,
    unit: Option<String>,
}

/// What is known of the tables behind some KPIs.
pub struct Told {
    /// When the table that was made longest ago was made, in seconds since 1970 UTC.
    at_s: i64,
    restated: Vec<Key>,
    line_of: BTreeMap<String, String>,
}

impl Told {
    /// Looks when the tables of the KPIs were made and what was restated in them.
    ///
    /// # Errors
    /// Fails if a table cannot be opened.
    pub async fn of(refinery: &Refinery, kpis: &[Kpi]) -> anyhow::Result<Self> {
        let mut at_s = i64::MAX;
        // Hours are made before the shifts they are part of, and restated with them.
        let tables: Vec<&TableName> = by_table(kpis, Each::Shift).into_keys().collect();
        for table in &tables {
            let state = refinery.lake.state(table).await?;
            let made_ms = state.and_then(|state| state.modified_ms()).unwrap_or(i64::MIN);
            at_s = at_s.min(made_ms / 1000);
        }
        let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
        let rows: Vec<restate::Restatement> = refinery.lake.meta_rows(&restate::table()).await?;
        let of_these = rows.iter().filter(|row| names.contains(&row.table_name));
        let units = refinery.plant.equipment.units.iter();
        Ok(Self {
            at_s,
            restated: of_these.map(|row| Key::read(&row.row_key)).collect(),
            line_of: units.map(|unit| (unit.name.clone(), unit.line.clone())).collect(),
        })
    }

    /// How the figures of a place stand that was asked for so. `days` are the first and the last one of
    /// places that are of no single day.
    pub fn standing(
        &self,
        place: &Place,
        asked: &Asked,
        days: (Option<NaiveDate>, Option<NaiveDate>),
        end_s: impl Fn(i32) -> i64,
    ) -> Standing {
        let Some(last) = place.production_day.or(days.1) else { return Standing::Provisional };
        let first = place.production_day.or(days.0);
        if end_s(days_since_epoch(last)) > self.at_s {
            return Standing::Provisional;
        }
        // A part that was not summed over is itself, also where it is none: time outside every shift.
        let is_same = |is_kept: bool, place: &Option<String>, filter, of: Option<&String>| {
            let filter: &Option<String> = filter;
            match is_kept {
                true => place.as_ref() == of,
                false => filter.is_none() || filter.as_ref() == of,
            }
        };
        let is_in = |key: &Key| {
            let line = key.unit.as_ref().and_then(|unit| self.line_of.get(unit));
            let is_day = first.is_none_or(|first| key.day.is_some_and(|day| day >= first))
                && key.day.is_none_or(|day| day <= last);
            let is_shift = matches!(asked.each, Each::Hour | Each::Shift);
            is_day
                && is_same(is_shift, &place.shift, &asked.shift, key.shift.as_ref())
                && is_same(asked.by == By::Unit, &place.unit, &asked.unit, key.unit.as_ref())
                && is_same(asked.by == By::Line, &place.line, &asked.line, line)
        };
        match self.restated.iter().any(is_in) {
            true => Standing::Restated,
            false => Standing::Certified,
        }
    }
}

impl Key {
    /// A row's key as restatements spell it: `production_day=2026-11-01, shift=A, unit=BC-0001`.
    fn read(spelled: &str) -> Self {
        let mut key = Self::default();
        for (name, value) in spelled.split(", ").filter_map(|part| part.split_once('=')) {
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

    fn told() -> Told {
        Told {
            at_s: i64::from(days_since_epoch(day(4))) * DAY_S,
            restated: vec![Key::read("production_day=2026-11-02, shift=A, unit=U1")],
            line_of: [("U1", "L1"), ("U2", "L2")].map(|(u, l)| (u.into(), l.into())).into(),
        }
    }

    #[track_caller]
    fn check(
        (by, each): (By, Each),
        place: (Option<u32>, Option<&str>, Option<&str>, Option<&str>),
        expected: Standing,
    ) {
        let place = Place {
            production_day: place.0.map(day),
            shift: place.1.map(str::to_owned),
            line: place.2.map(str::to_owned),
            unit: place.3.map(str::to_owned),
            ..Place::default()
        };
        let asked = Asked { by, each, ..Asked::default() };
        let midnight = |day: i32| (i64::from(day) + 1) * DAY_S;
        let standing = told().standing(&place, &asked, (Some(day(1)), Some(day(3))), midnight);
        assert_eq!(standing, expected, "{asked:?} {place:?}");
    }

    #[test]
    fn a_figure_stands_as_its_day_and_its_restatements_say() {
        let shift = (By::Unit, Each::Shift);
        check(shift, (Some(4), Some("A"), None, Some("U1")), Standing::Provisional);
        check(shift, (Some(3), Some("A"), Some("L1"), Some("U1")), Standing::Certified);
        check(shift, (Some(2), Some("A"), Some("L1"), Some("U1")), Standing::Restated);
        check(shift, (Some(2), Some("B"), Some("L1"), Some("U1")), Standing::Certified);
        check(shift, (Some(2), None, Some("L1"), Some("U1")), Standing::Certified);
        check(shift, (Some(2), Some("A"), Some("L2"), Some("U2")), Standing::Certified);
        check((By::Plant, Each::Day), (Some(2), None, None, None), Standing::Restated);
        check((By::Line, Each::Day), (Some(2), None, Some("L1"), None), Standing::Restated);
        check((By::Line, Each::Day), (Some(2), None, Some("L2"), None), Standing::Certified);
        check((By::Plant, Each::Range), (None, None, None, None), Standing::Restated);
        check((By::Unit, Each::Range), (None, None, Some("L2"), Some("U2")), Standing::Certified);
    }
}
