//! The stream's audience: everybody who looks at what is live.

use super::stream::Audience;
use super::{Flow, now};
use crate::ingest::kafka::Event;
use crate::lake::refine::Refinery;
use crate::live::{HOTTEST_WINDOW_US, Link, LinkState, Live, PartitionLag};
use anyhow::Context as _;
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use plant::reading::{Reading, Registry, SensorId, SensorNumber};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

/// Where what is live after a start comes from.
const TABLE: &str = "silver.temperature";

/// Beyond the longest window, so that a memory filled from the lake is as deep as one that grew.
const RESTORED_US: i64 = HOTTEST_WINDOW_US + 2 * 60_000_000;

/// The newest reading is looked for in this span first, which spares reading years.
const NEAR_US: i64 = 24 * 3_600_000_000;

/// Sensors by their names.
type Numbers = HashMap<String, SensorNumber>;

/// Shows the stream to [`Live`].
pub struct Screen {
    refinery: Refinery,
    live: Live,
    registry: Registry,
    link: Mutex<LinkState>,
}

impl Screen {
    pub fn new(flow: &Flow, live: Live, registry: Registry) -> Self {
        let link = LinkState {
            link: Link::Lost,
            reason: Some("no broker has answered yet".to_owned()),
            lags: Vec::new(),
        };
        live.link(link.clone());
        Self { refinery: flow.refinery.clone(), live, registry, link: Mutex::new(link) }
    }

    /// Shows what the lake has of the last half hour. Done at the start, before any broker answers,
    /// and again when partitions become ours. If it cannot be, the windows begin empty.
    pub async fn restore(&self) {
        if let Err(error) = self.try_restore().await {
            tracing::warn!(error = format!("{error:#}"), "what is live could not be restored");
        }
    }

    async fn try_restore(&self) -> anyhow::Result<()> {
        let session = self.refinery.lake.session(self.refinery.runtime.clone(), 1).await?;
        if !session.table_exist(TABLE)? {
            return Ok(());
        }
        let now_us = now().timestamp_micros();
        let newest_us = match newest(&session, now_us - NEAR_US, now_us).await? {
            Some(newest_us) => newest_us,
            None => match newest(&session, 0, now_us).await? {
                Some(newest_us) => newest_us,
                None => return Ok(()),
            },
        };
        let sql = format!(
            "SELECT sensor, plant, lane, component, manufacturer, at, temp_c FROM {TABLE} \
             WHERE at > {}",
            time(newest_us - RESTORED_US)
        );
        let mut rows = session.sql(&sql).await?.execute_stream().await?;
        let (mut readings, mut numbers) = (Vec::new(), Numbers::new());
        while let Some(batch) = rows.next().await {
            self.read(&as_stored(&batch?)?, &mut numbers, &mut readings);
        }
        self.live.restore(&readings, now_us);
        tracing::info!(readings = readings.len(), "restored what is live");
        Ok(())
    }

    fn read(&self, rows: &RecordBatch, numbers: &mut Numbers, readings: &mut Vec<Reading>) {
        let text = |column: usize| rows.column(column).as_string::<i32>();
        let times = rows.column(5).as_primitive::<TimestampMicrosecondType>();
        let temps = rows.column(6).as_primitive::<Float64Type>();
        let names = text(0);
        for row in 0..rows.num_rows() {
            let known = numbers.get(names.value(row)).copied();
            let sensor = known.unwrap_or_else(|| {
                let [plant, lane, component, manufacturer] =
                    [1, 2, 3, 4].map(|column| text(column).value(row).to_owned());
                let id = SensorId { plant, lane, component, manufacturer };
                let mut sensors = self.registry.write().unwrap_or_else(PoisonError::into_inner);
                let number = sensors.meet(id);
                numbers.insert(names.value(row).to_owned(), number);
                number
            });
            readings.push(Reading { sensor, at_us: times.value(row), temp_c: temps.value(row) });
        }
    }

    /// Changes what is known of the link, and tells it.
    fn tell(&self, change: impl FnOnce(&mut LinkState)) {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut link);
        self.live.link(link.clone());
    }
}

/// Texts and times as silver stores them, whatever form the query's engine gives them.
fn as_stored(batch: &RecordBatch) -> anyhow::Result<RecordBatch> {
    use arrow::datatypes::{DataType, TimeUnit};
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut kinds = vec![DataType::Utf8; 5];
    kinds.extend([time, DataType::Float64]);
    let columns = batch.columns().iter().zip(&kinds);
    let columns = columns.map(|(column, kind)| arrow::compute::cast(column, kind));
    let names = ["sensor", "plant", "lane", "component", "manufacturer", "at", "temp_c"];
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_from_iter(names.into_iter().zip(columns))?)
}

fn time(at_us: i64) -> String {
    format!("arrow_cast({at_us}, 'Timestamp(Microsecond, Some(\"UTC\"))')")
}

/// Newest event time of the table within a span.
async fn newest(session: &SessionContext, from_us: i64, to_us: i64) -> anyhow::Result<Option<i64>> {
    let (from, to) = (time(from_us), time(to_us));
    let sql = format!(
        "SELECT arrow_cast(max(at), 'Int64') FROM {TABLE} WHERE at > {from} AND at <= {to}"
    );
    let found = session.sql(&sql).await?.collect().await?;
    let row = found.iter().find(|batch| batch.num_rows() > 0).context("a maximum has no row")?;
    let newest = row.column(0).as_primitive::<arrow::datatypes::Int64Type>();
    Ok(newest.iter().next().flatten())
}

impl Audience for Screen {
    fn begins(&self) {
        // The reading thread is none of the runtime's own, so it may wait.
        Handle::current().block_on(self.restore());
    }

    fn readings(&self, readings: &[Reading]) {
        self.live.take(readings, now().timestamp_micros());
    }

    fn rejected(&self, count: usize) {
        if count > 0 {
            self.live.rejected(now().timestamp_micros(), count as u64);
        }
    }

    fn event(&self, topic: &str, event: &Event) {
        match event {
            Event::Connected => self.tell(|link| {
                link.link = Link::Connected;
                link.reason = None;
            }),
            Event::Lost { reason } => self.tell(|link| {
                link.link = Link::Lost;
                link.reason = Some(reason.clone());
            }),
            Event::MissingTopic => self.tell(|link| {
                link.link = Link::Lost;
                link.reason = Some(format!("the brokers have no topic {topic}"));
            }),
            Event::Lags(lags) => self.tell(|link| {
                link.lags.retain(|lag| lag.topic != topic);
                link.lags.extend(lags.iter().map(|lag| PartitionLag {
                    topic: topic.to_owned(),
                    partition: lag.partition,
                    lag_messages: lag.messages,
                }));
            }),
            Event::Expired { .. } | Event::Replaced { .. } => {}
        }
    }
}
