//! Ground truth of a simulated stream, as files of JSON lines.

use anyhow::Context as _;
use plant::sim::stream::{Message, MessageOutcome};
use plant::sim::thermal::fault::{self, SensorFault};
use plant::sim::thermal::sensors::Sensor;
use plant::time::{SECOND_US, day_of_us};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// The files that grow with the stream.
pub struct StreamTruth {
    readings: BufWriter<File>,
    rejected: BufWriter<File>,
}

/// A reading expected in `silver.temperature`.
#[derive(Serialize)]
struct Reading<'a> {
    sensor: &'a str,
    /// Seconds since 1970-01-01T00:00:00Z.
    at_s: i64,
    temp_c: f64,
}

/// A message expected in `silver.rejected`.
#[derive(Serialize)]
struct Rejected<'a> {
    /// Its number in the stream, from 0.
    message: u64,
    sensor: &'a str,
    kind: &'a str,
    reason: &'a str,
    /// The failed expectation, if that is the reason.
    rule: Option<&'a str>,
}

/// A sensor fault.
#[derive(Serialize)]
struct FaultRow<'a> {
    sensor: &'a str,
    kind: &'a str,
    from_s: i64,
    to_s: i64,
}

impl StreamTruth {
    /// Creates the files `temperature.jsonl` and `temperature_dirt.jsonl` in a folder.
    pub fn create(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        Ok(Self {
            readings: create_file(&folder.join("temperature.jsonl"))?,
            rejected: create_file(&folder.join("temperature_dirt.jsonl"))?,
        })
    }

    /// Records a message of a sensor, the `number`-th that was sent.
    pub fn record(&mut self, number: u64, sensor: &str, message: &Message) -> anyhow::Result<()> {
        match message.outcome {
            MessageOutcome::Landed { at_s, temp_centi } => {
                let temp_c = f64::from(temp_centi) / 100.0;
                line(&mut self.readings, &Reading { sensor, at_s, temp_c })
            }
            MessageOutcome::Rejected(reason) => {
                let kind = message.kind.name();
                let (reason, rule) = (reason.code, reason.rule);
                line(&mut self.rejected, &Rejected { message: number, sensor, kind, reason, rule })
            }
        }
    }

    pub fn finish(mut self) -> anyhow::Result<()> {
        self.readings.flush()?;
        self.rejected.flush()?;
        Ok(())
    }
}

/// Writes `temperature_fault.jsonl`: the faults of these sensors between two times, in microseconds
/// since 1970-01-01T00:00:00Z.
pub fn write_faults(
    folder: &Path,
    seed: u64,
    sensors: &[Sensor],
    from_us: i64,
    to_us: i64,
) -> anyhow::Result<()> {
    let mut out = create_file(&folder.join("temperature_fault.jsonl"))?;
    for sensor in sensors {
        let id = sensor.id.to_string();
        for day in day_of_us(from_us)..=day_of_us(to_us) {
            let faults = [
                fault::sensor_fault(seed, sensor.number, day),
                fault::gateway_fault(seed, sensor.gateway, day),
            ];
            let is_within = |it: &SensorFault| it.from_us < to_us && from_us < it.to_us;
            for fault in faults.into_iter().flatten().filter(is_within) {
                let (from_s, to_s) = (fault.from_us / SECOND_US, fault.to_us / SECOND_US);
                line(&mut out, &FaultRow { sensor: &id, kind: fault.kind.name(), from_s, to_s })?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn create_file(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path);
    Ok(BufWriter::new(file.with_context(|| format!("cannot create {}", path.display()))?))
}

fn line(out: &mut BufWriter<File>, row: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")?;
    Ok(())
}
