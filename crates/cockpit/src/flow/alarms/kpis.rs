//! Conditions on KPIs: the figure of the newest period that is over.

use crate::flow::Flow;
use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveDate, TimeDelta};
use lake::kpi::{Dimensions, Granularity, KpiQuery, Level, Row};
use plant::alarm::{KpiCondition, KpiLevel, KpiPeriod};
use plant::time::{date_from_days, days_since_epoch};
use std::collections::BTreeMap;
use watch::evaluate::Observed;

/// Days back in which the newest period is searched for.
const DAYS_BACK: u64 = 3;

/// A period: its day, and its hour or the position of its shift.
type Period = (NaiveDate, usize);

impl Flow {
    /// The value of each unit or line, or of the plant.
    pub(super) async fn kpi_values(
        &self,
        condition: &KpiCondition,
        now_us: i64,
    ) -> anyhow::Result<Vec<Observed>> {
        let kpis = &self.refinery.plant.kpis;
        let kpi = kpis.iter().find(|kpi| kpi.name == condition.kpi);
        let kpi = kpi.with_context(|| format!("there is no KPI {}", condition.kpi))?;
        let today = DateTime::from_timestamp_micros(now_us).context("no such time")?;
        let today = today.with_timezone(&self.refinery.plant.zone).date_naive();
        let query = KpiQuery {
            level: match condition.by {
                KpiLevel::Unit => Level::Unit,
                KpiLevel::Line => Level::Line,
                KpiLevel::Plant => Level::Plant,
            },
            granularity: match condition.period {
                KpiPeriod::Hour => Granularity::Hour,
                KpiPeriod::Shift => Granularity::Shift,
                KpiPeriod::Day => Granularity::Day,
            },
            from: today.checked_sub_days(Days::new(DAYS_BACK)),
            to: Some(today),
            ..KpiQuery::default()
        };
        let rows = self.kpi_rows(std::slice::from_ref(kpi), &query).await?;
        Ok(self.newest_values(&rows, condition, now_us))
    }

    fn newest_values(&self, rows: &[Row], condition: &KpiCondition, now_us: i64) -> Vec<Observed> {
        let mut newest: BTreeMap<String, (Period, Option<f64>)> = BTreeMap::new();
        for row in rows {
            let object = match condition.by {
                KpiLevel::Unit => row.dimensions.unit.clone(),
                KpiLevel::Line => row.dimensions.line.clone(),
                KpiLevel::Plant => Some("plant".to_owned()),
            };
            let Some(object) = object.filter(|it| condition.objects.matches(it)) else { continue };
            let Some(period) = self.period_over(&row.dimensions, condition.period, now_us) else {
                continue;
            };
            let value = row.kpis.get(&condition.kpi).and_then(|figure| figure.value);
            let value = value.map(|value| value * condition.scale);
            let known = newest.entry(object).or_insert((period, value));
            if period >= known.0 {
                *known = (period, value);
            }
        }
        let observed = |(object, (_, value))| Observed { object, value, evidence: None };
        newest.into_iter().map(observed).collect()
    }

    /// The period of a row, if it is over.
    fn period_over(&self, row: &Dimensions, period: KpiPeriod, now_us: i64) -> Option<Period> {
        let calendar = &self.refinery.plant.calendar;
        let current = calendar.local_parts(now_us);
        match period {
            KpiPeriod::Hour => {
                let (day, hour) = (row.day_local?, row.hour_local?);
                let begin = day.and_hms_opt(hour, 0, 0)?;
                let begin = begin.and_local_timezone(self.refinery.plant.zone).latest()?;
                let end_us = (begin + TimeDelta::hours(1)).timestamp_micros();
                (end_us <= now_us).then_some((day, usize::try_from(hour).ok()?))
            }
            KpiPeriod::Shift => {
                let (day, name) = (row.production_day?, row.shift.as_ref()?);
                let position = calendar.shifts().iter().position(|it| it.name == *name)?;
                let running = date_from_days(current.production_day)?;
                let is_over = match current.shift {
                    Some(shift) => (day, position) < (running, usize::from(shift)),
                    None => day < running,
                };
                is_over.then_some((day, position))
            }
            KpiPeriod::Day => {
                let day = row.production_day?;
                let (_, end_s) = calendar.production_day(days_since_epoch(day));
                (end_s <= now_us.div_euclid(1_000_000)).then_some((day, 0))
            }
        }
    }
}
