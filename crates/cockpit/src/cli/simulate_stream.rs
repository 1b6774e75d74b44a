//! `cockpit simulate --kafka`: the simulated temperature stream on a broker.

use super::{print, stop_token};
use crate::flow;
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use plant::sim::stream::{Message, MessageFaults, StreamPlan};
use plant::sim::thermal::sensors::{REFERENCE_SENSORS, sensors};
use plant::time::{DAY_S, SECOND_US};
use simulate::stream::{End, ProduceOptions, Producer, StreamSummary};
use simulate::truth::{self, StreamTruth};
use std::path::PathBuf;
use std::time::Duration;

/// Options of the stream.
#[derive(Debug, Clone, clap::Args)]
pub struct StreamArgs {
    /// Topic to send to
    #[arg(long, value_name = "NAME", default_value = "IOTTemperatureStream01")]
    topic: String,
    /// Number of sensors
    #[arg(long, value_name = "N", default_value_t = REFERENCE_SENSORS)]
    sensors: usize,
    /// Messages per second of each sensor
    #[arg(long, value_name = "R", default_value_t = 1.0)]
    hz: f64,
    /// Simulated time after which to stop, such as 90s, 10m, 2h or 3d [default: never]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    lasts: Option<Duration>,
    /// Number of messages after which to stop
    #[arg(long, value_name = "N")]
    messages: Option<u64>,
    /// Speed of simulated time relative to the clock; above 1 it runs ahead of the clock
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
}

/// What to send, and where.
#[derive(Debug, Clone)]
pub struct Sent {
    pub brokers: String,
    /// Simulated start time; `None` for now.
    pub from: Option<DateTime<Utc>>,
    pub seed: u64,
    pub dirt: MessageFaults,
    /// Folder for the truth: readings and faults as JSON lines.
    pub truth: Option<PathBuf>,
    pub more: StreamArgs,
}

/// Sends until the end or Ctrl-C; true if every message arrived.
pub async fn run(args: Sent) -> anyhow::Result<bool> {
    let stop = stop_token();
    let work = move || speak(&args, &stop);
    let summary =
        tokio::task::spawn_blocking(work).await.context("the stream was interrupted")??;
    print_summary(&summary);
    Ok(summary.undelivered == 0)
}

fn speak(args: &Sent, stop: &tokio_util::sync::CancellationToken) -> anyhow::Result<StreamSummary> {
    let plan = plan(args)?;
    if !args.more.speed.is_finite() || args.more.speed <= 0.0 {
        bail!("invalid --speed {}: expected a number greater than 0", args.more.speed);
    }
    let begun_us = flow::now().timestamp_micros();
    let from_us = args.from.map_or(begun_us, |from| from.timestamp_micros());
    let lasts_us = args.more.lasts.map(|it| i64::try_from(it.as_micros()).unwrap_or(i64::MAX));
    let end = End {
        before_us: lasts_us.map(|lasts_us| from_us.saturating_add(lasts_us)),
        messages: args.more.messages,
    };
    // Where simulated time leaves the clock behind, messages must not seem to come from the future.
    let speed = args.more.speed;
    let stamps = (speed - 1.0).abs() > f64::EPSILON;
    let options = ProduceOptions { end, simulated_timestamps: stamps, ..ProduceOptions::default() };
    let producer = Producer::connect(&args.brokers, &args.more.topic, plan.clone(), from_us)?;
    #[expect(clippy::cast_possible_truncation, reason = "centuries fit")]
    let clock_us = move || {
        let gone_us = flow::now().timestamp_micros() - begun_us;
        begun_us + (gone_us as f64 * speed) as i64
    };
    let Some(folder) = &args.truth else {
        return producer.produce(clock_us, &options, stop, &mut |_, _| Ok(()));
    };
    let mut truth = StreamTruth::create(folder)?;
    let sensors = sensors(plan.sensors, plan.seed);
    let ids: Vec<String> = sensors.iter().map(|sensor| sensor.id.to_string()).collect();
    let mut number = 0;
    let mut note = |message: &Message, _: &[u8]| {
        truth.record(number, &ids[message.sensor], message)?;
        number += 1;
        Ok(())
    };
    let summary = producer.produce(clock_us, &options, stop, &mut note)?;
    truth.finish()?;
    truth::write_faults(folder, plan.seed, &sensors, from_us, summary.until_us)?;
    Ok(summary)
}

fn plan(args: &Sent) -> anyhow::Result<StreamPlan> {
    let interval_us = (SECOND_US as f64 / args.more.hz).round();
    if !(1.0..=(DAY_S * SECOND_US) as f64).contains(&interval_us) || args.more.sensors == 0 {
        bail!(
            "invalid stream of {} sensors at {} Hz: expected at least one sensor, and from one message per day \
             to a million per second",
            args.more.sensors,
            args.more.hz
        );
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most a day, as checked above")]
    let interval_us = interval_us as i64;
    Ok(StreamPlan { sensors: args.more.sensors, interval_us, seed: args.seed, faults: args.dirt })
}

fn print_summary(summary: &StreamSummary) {
    let StreamSummary { messages, bytes, landed, rejected, undelivered, delivery_error, until_us } =
        summary;
    let until = DateTime::from_timestamp_micros(*until_us).unwrap_or_default();
    print::line(&format!(
        "{messages} messages ({:.1} MB) up to {}: {landed} readings, {rejected} to be rejected",
        *bytes as f64 / 1e6,
        until.format("%Y-%m-%d %H:%M:%S UTC")
    ));
    if *undelivered > 0 {
        let why = delivery_error.as_deref().unwrap_or("unknown");
        print::line(&format!("{undelivered} OF THEM WERE NOT DELIVERED: {why}"));
    }
}

/// A number of seconds, minutes, hours or days, such as 90s.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "invalid duration `{text}`: expected a number and a unit, such as 90s, 10m, 2h or 3d"
        )
    };
    let unit = text.chars().last().ok_or_else(wrong)?;
    let unit_s = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_error| wrong())?;
    number.checked_mul(unit_s).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, expected_s) in [("90s", 90), ("10m", 600), ("2h", 7_200), ("3d", 259_200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(expected_s)));
        }
        for text in ["", "s", "10", "1.5h", "-3s", "3ss", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
