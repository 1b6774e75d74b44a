//! Conditions on the lake and on the flow of data, evaluated at their intervals.

use super::ExpiredOffsets;
use crate::flow::{Flow, now};
use anyhow::{Context as _, bail};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use config::sentence::sentence;
use futures::StreamExt as _;
use live::Live;
use plant::alarm::{Condition, Place, Rule, SqlCondition, Statement, SuppressionCause};
use plant::time::SECOND_US;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use watch::Alarms;
use watch::evaluate::{Observation, Observed, SuppressedPlace};

/// How often is checked which statements are due.
const CHECKED_EVERY: Duration = Duration::from_secs(1);

/// Time after which a rule is evaluated again that failed, or had nothing to compare: tables that do not exist
/// yet are made by the first round.
const RETRIED_AFTER_US: i64 = 15 * SECOND_US;

/// How long a rule fails before that is logged: a new lake has no tables until its first round has ended.
const LOGGED_AFTER_US: i64 = 120 * SECOND_US;

/// When each rule was last evaluated, and which have failed since they last worked.
#[derive(Default)]
struct Schedule {
    /// With the interval.
    last_us: HashMap<String, (i64, i64)>,
    failed: HashMap<String, Failure>,
}

/// A rule that fails.
struct Failure {
    since_us: i64,
    is_logged: bool,
}

impl Schedule {
    /// Whether a statement is due; if so, it counts as evaluated.
    fn is_due(&mut self, name: String, every_us: i64, now_us: i64) -> bool {
        let last_us = self.last_us.get(&name).map(|(last_us, _)| *last_us);
        // A clock that was set back does not stop the evaluation.
        let is_due = last_us.is_none_or(|last_us| !(0..every_us).contains(&(now_us - last_us)));
        if is_due {
            self.last_us.insert(name, (now_us, every_us));
        }
        is_due
    }

    /// Lets a rule be due after [`RETRIED_AFTER_US`].
    fn retry_soon(&mut self, rule: &str) {
        if let Some((last_us, every_us)) = self.last_us.get_mut(rule) {
            *last_us -= (*every_us - RETRIED_AFTER_US).max(0);
        }
    }

    /// Logs once that a rule fails, when it has failed for [`LOGGED_AFTER_US`]. It is evaluated again soon.
    fn report(&mut self, rule: &str, done: anyhow::Result<()>, now_us: i64) {
        let Err(error) = done else {
            self.failed.remove(rule);
            return;
        };
        self.retry_soon(rule);
        let first = Failure { since_us: now_us, is_logged: false };
        let failure = self.failed.entry(rule.to_owned()).or_insert(first);
        if !failure.is_logged && now_us - failure.since_us >= LOGGED_AFTER_US {
            failure.is_logged = true;
            tracing::warn!(rule, error = sentence(&error), "alarm rule not evaluated");
        }
    }
}

impl Flow {
    /// Evaluates conditions on the lake and on the flow of data at their intervals, one after the other, until
    /// `stop`.
    pub(super) async fn run_statements(
        &self,
        alarms: &Alarms,
        live: &Live,
        expired: &ExpiredOffsets,
        stop: &CancellationToken,
    ) {
        let mut schedule = Schedule::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(CHECKED_EVERY) => {}
            }
            for rule in alarms.rules().iter().filter(|rule| rule.is_enabled) {
                let work = self.evaluate_rule(rule, alarms, live, expired, &mut schedule);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = work => {}
                }
            }
        }
    }

    async fn evaluate_rule(
        &self,
        rule: &Arc<Rule>,
        alarms: &Alarms,
        live: &Live,
        expired: &ExpiredOffsets,
        schedule: &mut Schedule,
    ) {
        let now_us = now().timestamp_micros();
        if let Some(statement) = suppressing(rule)
            && schedule.is_due(format!("{} suppression", rule.name), statement.every_us, now_us)
        {
            let found = self.within_time(self.suppressed(statement, now_us)).await;
            let done = found.map(|places| alarms.suppress(&rule.name, places));
            schedule.report(&format!("{} suppression", rule.name), done, now_us);
        }
        let Some(every_us) = interval_us(&rule.condition) else { return };
        if !schedule.is_due(rule.name.to_string(), every_us, now_us) {
            return;
        }
        let observed = async {
            match &rule.condition {
                Condition::Sql(sql) => self.sql_values(sql, now_us).await.map(|it| (it, true)),
                Condition::Kpi(kpi) => self.kpi_values(kpi, now_us).await.map(|it| (it, false)),
                Condition::Data(data) => self.data_values(data, live, expired, now_us).await,
                _ => Ok((Vec::new(), false)),
            }
        };
        let found = self.within_time(observed).await;
        if found.as_ref().is_ok_and(|(values, _)| values.is_empty()) {
            schedule.retry_soon(&rule.name);
        }
        let done = found.map(|(values, is_complete)| {
            let rule = Arc::clone(&rule.name);
            alarms.observe(Observation { rule, values, is_complete });
        });
        schedule.report(&rule.name, done, now_us);
    }

    async fn within_time<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let limit_s = self.lake().limits().alarm.alarm_statement_time_s;
        let done = tokio::time::timeout(Duration::from_secs(limit_s), work).await;
        done.with_context(|| format!("longer than alarm_statement_time_s = {limit_s}")).flatten()
    }

    /// The rows of a read-only statement.
    async fn statement_rows(
        &self,
        statement: &Statement,
        now_us: i64,
    ) -> anyhow::Result<Vec<RecordBatch>> {
        let rows_max = self.lake().limits().alarm.alarm_statement_rows;
        let sql = statement.sql_at(now_us, self.refinery.plant.zone);
        let mut stream = self.run_sql(&sql).await?.execute_stream().await?;
        let (mut batches, mut rows) = (Vec::new(), 0);
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            rows += batch.num_rows();
            if rows > rows_max {
                bail!("more than alarm_statement_rows = {rows_max} rows");
            }
            batches.push(batch);
        }
        Ok(batches)
    }

    async fn sql_values(
        &self,
        condition: &SqlCondition,
        now_us: i64,
    ) -> anyhow::Result<Vec<Observed>> {
        let mut found = Vec::new();
        for batch in self.statement_rows(&condition.statement, now_us).await? {
            let objects = texts(&batch, &condition.object)?;
            let value = batch.column_by_name(&condition.value).with_context(|| {
                format!("the result of the statement has no column {}", condition.value)
            })?;
            let values = cast(value, &DataType::Float64)?;
            let values = values.as_primitive::<Float64Type>();
            for (row, object) in objects.into_iter().enumerate() {
                let Some(object) = object else { continue };
                let value = (!values.is_null(row)).then(|| values.value(row));
                found.push(Observed { object, value, evidence: None });
            }
        }
        Ok(found)
    }

    async fn suppressed(
        &self,
        statement: &Statement,
        now_us: i64,
    ) -> anyhow::Result<Vec<SuppressedPlace>> {
        let mut places = Vec::new();
        for batch in self.statement_rows(statement, now_us).await? {
            let column = |name: &str| match batch.column_by_name(name) {
                Some(_) => texts(&batch, name),
                None => Ok(vec![None; batch.num_rows()]),
            };
            let [plant, lane, unit] = [column("plant")?, column("lane")?, column("unit")?];
            let [line, area, object] = [column("line")?, column("area")?, column("object")?];
            for row in 0..batch.num_rows() {
                let place = Place {
                    plant: plant[row].clone(),
                    lane: lane[row].clone(),
                    unit: unit[row].clone(),
                    line: line[row].clone(),
                    area: area[row].clone(),
                };
                let found = SuppressedPlace { object: object[row].clone(), place };
                // A row without any value names no place.
                places.extend(Some(found).filter(|it| *it != SuppressedPlace::default()));
            }
        }
        Ok(places)
    }
}

/// The values of a column as texts.
fn texts(batch: &RecordBatch, name: &str) -> anyhow::Result<Vec<Option<String>>> {
    let column = batch
        .column_by_name(name)
        .with_context(|| format!("the result of the statement has no column {name}"))?;
    let column = cast(column, &DataType::Utf8)?;
    Ok(column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
}

fn suppressing(rule: &Rule) -> Option<&Statement> {
    match &rule.suppress_while.as_ref()?.cause {
        SuppressionCause::Sql(statement) => Some(statement),
        SuppressionCause::Rule(_) => None,
    }
}

/// The interval of a condition that is not on readings.
fn interval_us(condition: &Condition) -> Option<i64> {
    match condition {
        Condition::Sql(sql) => Some(sql.statement.every_us),
        Condition::Kpi(kpi) => Some(kpi.every_us),
        Condition::Data(data) => Some(data.every_us),
        _ => None,
    }
}
