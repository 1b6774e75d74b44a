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
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

/// Where what is live after a start comes from.
const TABLE: &str = "silver.temperature";

/// Beyond the longest window, so that a memory filled from the lake is as deep as one that grew.
const RESTORED_US: i64 = HOTTEST_WINDOW_US + 2 * 60_000_000;

/// The newest reading is looked for in this span first, which spares reading years.
const NEAR_US: i64 = 24 * 3_600_000_000;

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

    /// Fills what is live with the last half hour of the lake.
    async fn restore(&self) -> anyhow::Result<()> {
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
            "SELECT plant, lane, component, manufacturer, at, temp_c FROM {TABLE} WHERE at > {}",
            time(newest_us - RESTORED_US)
        );
        let mut rows = session.sql(&sql).await?.execute_stream().await?;
        let mut readings = Vec::new();
        while let Some(batch) = rows.next().await {
            readings.extend(self.readings(&batch?)?);
        }
        self.live.restore(&readings, now_us);
        tracing::info!(readings = readings.len(), "restored what is live");
        Ok(())
    }

    fn readings(&self, batch: &RecordBatch) -> anyhow::Result<Vec<Reading>> {
        let batch = as_stored(batch)?;
        let text = |column: usize| batch.column(column).as_string::<i32>();
        let times = batch.column(4).as_primitive::<TimestampMicrosecondType>();
        let temps = batch.column(5).as_primitive::<Float64Type>();
        let mut sensors = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let reading = |row: usize| {
            let [plant, lane, component, manufacturer] =
                [0, 1, 2, 3].map(|column| text(column).value(row).to_owned());
            let sensor: SensorNumber =
                sensors.meet(SensorId { plant, lane, component, manufacturer });
            Reading { sensor, at_us: times.value(row), temp_c: temps.value(row) }
        };
        Ok((0..batch.num_rows()).map(reading).collect())
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
    let mut kinds = vec![DataType::Utf8; 4];
    kinds.extend([time, DataType::Float64]);
    let columns = batch.columns().iter().zip(&kinds);
    let columns = columns.map(|(column, kind)| arrow::compute::cast(column, kind));
    let names = ["plant", "lane", "component", "manufacturer", "at", "temp_c"];
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
        if let Err(error) = Handle::current().block_on(self.restore()) {
            tracing::warn!(error = format!("{error:#}"), "windows begin empty");
        }
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
