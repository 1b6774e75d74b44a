//! Past readings from the lake.

use crate::error::Error;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, SecondsFormat};
use config::model::TableName;
use futures::StreamExt as _;
use lake::context::LakeContext;
use lake::session;
use plant::equipment::Equipment;
use plant::reading::{Reading, Registry, SensorId, SensorNumber};
use plant::time::{HOUR_US, date_from_days};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// Columns of silver that make a reading.
const COLUMNS: [&str; 7] = ["sensor", "plant", "lane", "component", "manufacturer", "at", "temp_c"];

/// Time that is sorted in memory at once.
const SLICE_US: i64 = HOUR_US;

/// The readings of the lake.
#[derive(Clone)]
pub struct History {
    context: LakeContext,
}

impl History {
    pub fn new(context: LakeContext) -> Self {
        Self { context }
    }

    /// The equipment of the plant.
    pub fn equipment(&self) -> Arc<Equipment> {
        Arc::new(self.context.plant.equipment.clone())
    }

    /// The day of a time, in plant time.
    pub fn day(&self, at_us: i64) -> Option<NaiveDate> {
        date_from_days(self.context.plant.calendar.local_parts(at_us).day)
    }

    /// Tables of silver with the columns of a reading.
    fn tables(&self) -> impl Iterator<Item = &TableName> {
        let is_reading = |step: &&lake::plan::Step| {
            step.name().schema == "silver"
                && COLUMNS.iter().all(|name| step.schema.field_with_name(name).is_ok())
        };
        self.context.steps.iter().filter(is_reading).map(lake::plan::Step::name)
    }

    /// Passes the readings of a period to `sink`, in order of time and sensor, and returns their number.
    /// With `sensors`, only theirs.
    ///
    /// # Errors
    /// The lake cannot be read, or `sink` failed.
    pub async fn read(
        &self,
        (from_us, to_us): (i64, i64),
        sensors: Option<&[Arc<str>]>,
        registry: &Registry,
        mut sink: impl FnMut(&[Reading]) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut count = 0;
        let mut converter = Converter::new(registry);
        let mut begin_us = from_us;
        while begin_us < to_us {
            let end_us = (begin_us.div_euclid(SLICE_US) + 1).saturating_mul(SLICE_US).min(to_us);
            let rows = self.slice((begin_us, end_us), sensors).await;
            let mut rows = rows.map_err(failed)?;
            while let Some(batch) = rows.next().await {
                let batch = batch.map_err(failed)?;
                let readings = converter.convert(&batch).map_err(failed)?;
                count += readings.len() as u64;
                sink(readings)?;
            }
            begin_us = end_us;
        }
        Ok(count)
    }

    async fn slice(
        &self,
        period: (i64, i64),
        sensors: Option<&[Arc<str>]>,
    ) -> anyhow::Result<futures::stream::BoxStream<'static, anyhow::Result<RecordBatch>>> {
        let session = session::open(&self.context.lake, self.context.runtime.clone(), 1).await?;
        let mut selects = Vec::new();
        for table in self.tables() {
            // A table without rows does not exist yet.
            if self.context.lake.state(table).await?.is_some() {
                selects.push(select(table, period, sensors));
            }
        }
        if selects.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let sql = format!("{} ORDER BY at, sensor", selects.join(" UNION ALL "));
        let rows = session.sql(&sql).await?.execute_stream().await?;
        Ok(rows.map(|batch| batch.map_err(anyhow::Error::from)).boxed())
    }
}

fn failed(error: anyhow::Error) -> Error {
    Error::Failed(format!("the readings of the lake cannot be read: {error:#}"))
}

fn select(table: &TableName, (from_us, to_us): (i64, i64), sensors: Option<&[Arc<str>]>) -> String {
    let columns = COLUMNS.join(", ");
    let (from, to) = (literal(from_us), literal(to_us));
    let mut sql = format!("SELECT {columns} FROM {table} WHERE at >= {from} AND at < {to}");
    if let Some(sensors) = sensors {
        let quoted = sensors.iter().map(|it| format!("'{}'", it.replace('\'', "''")));
        sql.push_str(&format!(" AND sensor IN ({})", quoted.collect::<Vec<_>>().join(", ")));
    }
    sql
}

fn literal(at_us: i64) -> String {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or(DateTime::UNIX_EPOCH);
    format!("TIMESTAMP '{}'", at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// Rows as readings.
struct Converter<'a> {
    registry: &'a Registry,
    numbers: HashMap<String, SensorNumber, foldhash::fast::RandomState>,
    readings: Vec<Reading>,
}

impl<'a> Converter<'a> {
    fn new(registry: &'a Registry) -> Self {
        Self { registry, numbers: HashMap::default(), readings: Vec::new() }
    }

    /// The readings of a batch, valid until the next call.
    fn convert(&mut self, batch: &RecordBatch) -> anyhow::Result<&[Reading]> {
        let sensors = cast(batch.column(0), &DataType::Utf8)?;
        let sensors = sensors.as_string::<i32>();
        let at = cast(batch.column(5), &DataType::Timestamp(TimeUnit::Microsecond, None))?;
        let at = at.as_primitive::<TimestampMicrosecondType>().values();
        let temps = cast(batch.column(6), &DataType::Float64)?;
        let temps = temps.as_primitive::<Float64Type>();
        self.readings.clear();
        for row in 0..batch.num_rows() {
            let sensor = match self.numbers.get(sensors.value(row)) {
                Some(number) => *number,
                None => self.register(batch, row, sensors.value(row))?,
            };
            if temps.is_valid(row) {
                let reading = Reading { sensor, at_us: at[row], temp_c: temps.value(row) };
                self.readings.push(reading);
            }
        }
        Ok(&self.readings)
    }

    fn register(
        &mut self,
        batch: &RecordBatch,
        row: usize,
        name: &str,
    ) -> anyhow::Result<SensorNumber> {
        let part = |column: usize| -> anyhow::Result<String> {
            let texts = cast(batch.column(column), &DataType::Utf8)?;
            Ok(texts.as_string::<i32>().value(row).to_owned())
        };
        let (plant, lane) = (part(1)?, part(2)?);
        let (component, manufacturer) = (part(3)?, part(4)?);
        let id = SensorId { plant, lane, component, manufacturer };
        let mut known = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let number = known.register(id);
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }
}
