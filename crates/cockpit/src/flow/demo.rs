//! The whole program on a simulated plant, without further services.
//!
//! simulator -> dumps in a folder, and a broker within the process -> the usual way of data. Only the lake
//! stores how far the stream was read; the messages of the time since then are sent at the start.

use super::binding::Binding;
use super::serving::Started;
use super::{Flow, now};
use anyhow::Context as _;
use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Days, TimeDelta, Utc};
use config::Config;
use config::location::{self, Purpose};
use config::model::TableName;
use config::settings::{Limits, Origin};
use plant::sim::dump_writer::{DumpOptions, DumpWriter};
use plant::sim::faults::{FaultInjector, FaultLevel};
use plant::sim::site::{Site, Size};
use plant::sim::stream::{MessageFaults, StreamPlan};
use plant::sim::thermal::TemperatureModel;
use plant::sim::thermal::fault::{SensorFault, SensorFaultKind, sensor_fault};
use plant::sim::thermal::sensors::{REFERENCE_SENSORS, Sensor, sensors};
use plant::time::{MINUTE_US, SECOND_US, day_of_us, days_since_epoch};
use simulate::broker::Broker;
use simulate::files;
use simulate::stream::{ProduceOptions, Producer, SentMessages, Throttle};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Time span that is sent at once on the first start, so that no window is empty.
const FIRST: TimeDelta = TimeDelta::minutes(35);

/// Days of dumps before the first start.
const HISTORY_DAYS: u16 = 30;

/// The longest gap that is filled; a longer one would take minutes.
const GAP_MAX: TimeDelta = TimeDelta::hours(24);

/// Messages of one sensor land at most this much later than those of another.
const LAG_MAX: TimeDelta = TimeDelta::hours(1);

/// Maximum number of messages in flight: a fraction of what the broker keeps.
const MOST_AHEAD: u64 = 40_000;

/// Folder of the dumps within the folder of the demo.
const BUCKET: &str = "bucket";

/// File with the seed of the stream, in the folder of the demo.
const STREAM_SEED: &str = "stream_seed";

/// Seeds that are tried for one with a hot component at the start.
const SEEDS_MAX: usize = 2_000;

/// Time before and after the start in which the component is hot.
const HOT_FOR_US: i64 = 3 * MINUTE_US;

/// Temperature of a hot component in degC: above the limit of the reference plant.
const HOT_C: f64 = 53.0;

/// Time that work in progress has to finish after Ctrl-C.
const STOP_WITHIN_S: u64 = 1;

/// Time after Ctrl-C at which everything is cancelled. A round has [`STOP_WITHIN_S`] and then releases the
/// lease, which takes some seconds more on a busy machine.
const CUT_OFF_AFTER: Duration = Duration::from_secs(STOP_WITHIN_S + 19);

/// Notifications of the demo: stored and shown on the page of notifications, and never sent.
const NOTIFICATIONS: &str = r#"
[[channel]]
name = "demo"
kind = "outbox"

[[person]]
name = "line_leader"
channels = ["demo"]

[[person]]
name = "maintenance"
channels = ["demo"]

[[route]]
name = "all"
priorities = [1, 2, 3]
to = ["line_leader"]
returned = true

[[route]]
name = "urgent"
priorities = [1]
to = ["maintenance"]
escalate = [{ after = "5 min", to = ["channel:demo"] }]
"#;

/// The clock of the program, if it differs from that of the machine.
static PACE: OnceLock<Pace> = OnceLock::new();

/// A clock that shows another time and runs at another speed.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Time of the machine when this clock showed `shown_at`.
    began_at: DateTime<Utc>,
    shown_at: DateTime<Utc>,
    speed: f64,
}

impl Pace {
    #[expect(clippy::cast_possible_truncation, reason = "centuries fit")]
    fn show(&self, machine: DateTime<Utc>) -> DateTime<Utc> {
        let gone_us = (machine - self.began_at).num_microseconds().unwrap_or(i64::MAX);
        self.shown_at + TimeDelta::microseconds((gone_us as f64 * self.speed) as i64)
    }
}

/// The time of the program at the time `machine` of the machine.
pub(super) fn shown(machine: DateTime<Utc>) -> DateTime<Utc> {
    PACE.get().map_or(machine, |pace| pace.show(machine))
}

/// How long `gone` lasts by the clock of the program.
pub(super) fn shown_duration(gone: Duration) -> Duration {
    PACE.get().map_or(gone, |pace| gone.mul_f64(pace.speed))
}

/// Options of the demo.
#[derive(Debug, Clone)]
pub struct Demo {
    /// Folder of lake and bucket.
    pub folder: PathBuf,
    /// Port of the pages on this machine; 0 is any that is free.
    pub port: u16,
    /// Speed relative to the clock of the machine.
    pub speed: f64,
    pub seed: u64,
}

/// The running demo, as it is printed.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Where the pages are.
    pub address: SocketAddr,
    pub brokers: String,
    pub topic: String,
    pub lake: String,
    pub sensors: usize,
    /// Start of the stream.
    pub from: DateTime<Utc>,
}

/// How far the stream was read.
#[derive(Debug, Clone, Default)]
struct StreamProgress {
    sent: SentMessages,
    last_at: Option<DateTime<Utc>>,
}

impl StreamProgress {
    /// Start of the missing messages, not before `earliest`: the last message of the sensor that is furthest
    /// behind. Sensors that have been silent for long are ignored.
    fn from(&self, earliest: DateTime<Utc>) -> DateTime<Utc> {
        let Some(last_at) = self.last_at else { return earliest };
        let least_s = self.sent.last_s.values().min();
        let least_at = least_s.and_then(|it| DateTime::from_timestamp(*it, 0)).unwrap_or(last_at);
        least_at.max(last_at - LAG_MAX).max(earliest)
    }
}

/// Runs until `stop`, and calls `on_ready` once pages and broker are reachable.
pub async fn run(
    mut config: Config,
    demo: &Demo,
    stop: CancellationToken,
    on_ready: impl Fn(&Ready),
) -> anyhow::Result<bool> {
    let began_at = now();
    let topic = rename_topic(&mut config, began_at)?;
    let broker = Broker::start(&topic)?;
    point(&mut config, demo, &broker);
    write_history(&config, demo, began_at).await?;
    let mut flow = Flow::open(&config, Purpose::Write).await?;
    flow.is_simulated = true;
    let progress = last_read(&flow, began_at).await?;
    let shown_at = progress.last_at.map_or(began_at, |last_at| last_at.max(began_at));
    // The clock is set once; a second demo within one program does not occur.
    PACE.get_or_init(|| Pace { began_at, shown_at, speed: demo.speed });
    let earliest = shown_at - progress.last_at.map_or(FIRST, |_| GAP_MAX);
    let from = progress.from(earliest);
    let plan = StreamPlan {
        sensors: REFERENCE_SENSORS,
        interval_us: SECOND_US,
        seed: stream_seed(demo, shown_at)?,
        faults: MessageFaults::Usual,
    };
    let ready = |address| Ready {
        address,
        brokers: broker.address(),
        topic: topic.clone(),
        lake: config.lake.0.clone(),
        sensors: plan.sensors,
        from,
    };
    let producer =
        Producer::connect(&broker.address(), &topic, plan.clone(), from.timestamp_micros())?;
    let throttle = Throttle { received: flow.messages_read.clone(), in_flight_max: MOST_AHEAD };
    let options = ProduceOptions {
        already_sent: progress.sent,
        throttle: Some(throttle),
        simulated_timestamps: true,
        ..ProduceOptions::default()
    };
    let silent = stop.clone();
    let speaking = tokio::task::spawn_blocking(move || {
        let produced = producer.produce(
            || now().timestamp_micros(),
            &options,
            &silent,
            &mut |_message, _payload| Ok(()),
        );
        silent.cancel();
        produced
    });
    let ready = |started: Started| on_ready(&ready(started.address));
    let serving = Box::pin(flow.serve(Binding::local(demo.port), true, stop.clone(), ready));
    // Cancelled work is repeated by the next start.
    let served = tokio::select! {
        served = serving => served,
        () = over(&stop) => Ok(true),
    };
    stop.cancel();
    speaking.await.context("the stream was interrupted")??;
    served
}

/// The seed of the stream: on the first start the first one from that of the demo on with which a component is
/// too hot at `shown_at`, so that there is an alarm to see; later the same.
fn stream_seed(demo: &Demo, shown_at: DateTime<Utc>) -> anyhow::Result<u64> {
    let file = demo.folder.join(STREAM_SEED);
    if let Some(seed) =
        std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok())
    {
        return Ok(seed);
    }
    let at_us = shown_at.timestamp_micros();
    let seeds = (demo.seed..).take(SEEDS_MAX);
    let seed = seeds.into_iter().find(|seed| has_hot_component(*seed, at_us)).unwrap_or(demo.seed);
    std::fs::write(&file, seed.to_string()).context("cannot write the seed of the stream")?;
    Ok(seed)
}

/// Whether a component is too hot because its fan failed some minutes ago.
fn has_hot_component(seed: u64, at_us: i64) -> bool {
    let is_hot = |sensor: &Sensor| {
        let fault = sensor_fault(seed, sensor.number, day_of_us(at_us));
        let fault = fault.filter(|it| it.kind == SensorFaultKind::FanFailure);
        let lasts = |it: SensorFault| it.holds(at_us - HOT_FOR_US) && it.holds(at_us + HOT_FOR_US);
        fault.is_some_and(lasts)
            && TemperatureModel::new(seed, sensor).true_c(at_us - HOT_FOR_US) > HOT_C
    };
    sensors(REFERENCE_SENSORS, seed).iter().any(is_hot)
}

/// Some time after `stop`.
async fn over(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(CUT_OFF_AFTER).await;
}

/// Gives the topic a name of its own for each start, because the broker loses its messages when it ends, and
/// offsets of another broker are not valid for it.
fn rename_topic(config: &mut Config, began_at: DateTime<Utc>) -> anyhow::Result<String> {
    let contracts = config.plant.contracts.values_mut();
    let mut streams = contracts.filter(|it| it.is_stream() && it.mqtt.is_none());
    let contract = streams.next().context("this plant has no stream to simulate")?;
    let name = contract.topics.first().context("the stream has no topic")?;
    let name = format!("{name}-{}", began_at.format("%Y%m%dT%H%M%S%3f"));
    contract.topics = vec![name.clone()];
    Ok(name)
}

/// Changes the configuration to the locations of the demo.
fn point(config: &mut Config, demo: &Demo, broker: &Broker) {
    let lake = demo.folder.join("lake").to_string_lossy().into_owned();
    config.lake = (lake, Origin::Flag);
    let bucket = demo.folder.join(BUCKET).to_string_lossy().into_owned();
    config.bucket = Some((bucket, Origin::Flag));
    config.kafka = Some((broker.address(), Origin::Flag));
    config.plant.kafka = config::kafka::Kafka::default();
    config.plant.kafka.brokers = broker.address();
    // The demo needs no other service.
    config.plant.contracts.values_mut().for_each(|it| it.mqtt = None);
    config.plant.notifications = config.plant.alarms_from(NOTIFICATIONS).notifications;
    reduce_limits(&mut config.plant.limits);
}

/// Reduces the limits for a machine that is shared with other programs.
fn reduce_limits(limits: &mut Limits) {
    limits.refine.stop_within_s = STOP_WITHIN_S;
    limits.refine.memory_bytes = 128 << 20;
    limits.refine.refine_steps = 1;
    limits.kafka.kafka_queue_bytes = 8 << 20;
    limits.stream.dedupe_readings = 200_000;
}

/// Writes the dumps of the days before the first start, unless they exist. They appear as a whole, so that an
/// interrupted start is repeated by the next.
async fn write_history(
    config: &Config,
    demo: &Demo,
    began_at: DateTime<Utc>,
) -> anyhow::Result<()> {
    let bucket = demo.folder.join(BUCKET);
    if bucket.exists() {
        return Ok(());
    }
    let unfinished = bucket.with_extension("unfinished");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)
            .context("cannot remove the unfinished simulated bucket")?;
    }
    let today = began_at.with_timezone(&config.plant.zone).date_naive();
    let first = today - Days::new(HISTORY_DAYS.into());
    let first_day = days_since_epoch(first);
    let site = Site::new(demo.seed, Size::default(), config.plant.calendar.clone());
    let print = DumpOptions { is_daily: false, faults: FaultInjector::new(FaultLevel::Usual) };
    let mut writer = DumpWriter::new(site, first_day, HISTORY_DAYS, print);
    let out = location::open(&unfinished.to_string_lossy(), Purpose::Write)?;
    files::dumps(&out, &mut writer).await?;
    std::fs::rename(&unfinished, &bucket).context("cannot create the simulated bucket")
}

/// Queries how far each sensor was read.
async fn last_read(flow: &Flow, began_at: DateTime<Utc>) -> anyhow::Result<StreamProgress> {
    let silver = TableName::new("silver", "temperature");
    if flow.refinery.lake.state(&silver).await?.is_none() {
        return Ok(StreamProgress::default());
    }
    let least = (began_at - GAP_MAX).format("%Y-%m-%dT%H:%M:%SZ");
    let question = format!(
        "SELECT sensor, CAST(max(extract(epoch FROM at)) AS BIGINT) AS last_s \
         FROM silver.temperature WHERE at >= '{least}' GROUP BY sensor"
    );
    let mut last_s = HashMap::new();
    for batch in flow.run_sql(&question).await?.collect().await? {
        let sensors = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8)?;
        let seconds = batch.column(1).as_primitive::<Int64Type>();
        let rows = sensors.as_string::<i32>().iter().zip(seconds.iter());
        let known = rows.filter_map(|(sensor, second)| Some((sensor?.to_owned(), second?)));
        last_s.extend(known);
    }
    let last_at = last_s.values().max().and_then(|last| DateTime::from_timestamp(*last, 0));
    Ok(StreamProgress { sent: SentMessages { last_s }, last_at })
}
