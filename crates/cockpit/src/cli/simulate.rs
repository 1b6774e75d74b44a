//! `cockpit simulate`: the dumps of a simulated plant; its stream is in `simulate_stream`.

use super::print::{self, counted};
use super::simulate_stream::{self, Sent, StreamArgs};
use crate::flow;
use anyhow::{Context as _, bail};
use chrono::{DateTime, Days, NaiveDate, Utc};
use config::Config;
use config::location::{self, Purpose};
use plant::sim::dump_writer::{DumpOptions, DumpWriter};
use plant::sim::faults::{FaultInjector, FaultKind, FaultLevel};
use plant::sim::site::{Site, Size};
use plant::sim::stream;
use plant::time::days_since_epoch;
use simulate::files::{self, DumpSummary};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Options of `cockpit simulate`.
#[derive(Debug, Clone, clap::Args)]
pub struct Simulate {
    /// Where to write dumps: s3://bucket/prefix, file:///path or a path
    #[arg(long, value_name = "URL", required_unless_present = "kafka", conflicts_with = "kafka")]
    out: Option<String>,
    /// Brokers to send temperatures to: host:port, separated by commas
    #[arg(long, value_name = "BROKERS")]
    kafka: Option<String>,
    /// Seed of the plant; the same seed gives the same plant on every machine
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Start: a day for dumps, such as 2026-11-01 [default: so that the last day is yesterday]; a time for the
    /// stream, such as 2026-11-01T00:00:00Z [default: now]
    ///
    /// Messages with a time in the past are sent as fast as the broker accepts them.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Level of injected faults: none, usual or filthy; for dumps also KIND=LEVEL for one kind [default: none for
    /// dumps, usual for the stream]
    #[arg(long, value_name = "LEVEL")]
    dirt: Vec<String>,
    /// Where to write the truth: the expected rows of gold or the readings, and the injected faults
    #[arg(long, value_name = "DIR")]
    truth: Option<String>,
    #[command(flatten, next_help_heading = "Dumps")]
    files: FilesArgs,
    #[command(flatten, next_help_heading = "Stream")]
    stream: StreamArgs,
}

/// Options of dumps.
#[derive(Debug, Clone, clap::Args)]
struct FilesArgs {
    /// Number of days
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u16,
    /// Write a folder per day instead of whole files
    #[arg(long)]
    daily: bool,
    /// Day to which ages are computed in the truth [default: today, plant time]
    #[arg(long, value_name = "DATE")]
    as_of: Option<NaiveDate>,
    /// Number of machines
    #[arg(long, value_name = "N", default_value_t = Size::default().units)]
    units: u16,
    /// Number of items
    #[arg(long, value_name = "N", default_value_t = Size::default().items)]
    items: u16,
    /// Number of materials in the warehouse
    #[arg(long, value_name = "N", default_value_t = Size::default().materials)]
    materials: u16,
    /// Number of warehouse entries before the first day
    #[arg(long, value_name = "N", default_value_t = Size::default().entries)]
    entries: u32,
    /// Mean ideal cycle time
    #[arg(long, value_name = "SECONDS", default_value_t = Size::default().cycle_s)]
    cycle_s: u32,
}

/// Simulates, and prints a summary. True if everything was written or delivered.
pub async fn run(config: &Config, args: Simulate) -> anyhow::Result<bool> {
    match &args.kafka {
        Some(brokers) => simulate_stream::run(stream_job(brokers, &args)?).await,
        None => write(config, &args).await,
    }
}

/// The job for the stream.
fn stream_job(brokers: &str, args: &Simulate) -> anyhow::Result<Sent> {
    let level = match &args.dirt[..] {
        [] => FaultLevel::Usual,
        [name] => level(name)?,
        _ => bail!("invalid --dirt: the stream takes one level"),
    };
    Ok(Sent {
        brokers: brokers.to_owned(),
        from: args.from.as_deref().map(start_time).transpose()?,
        seed: args.seed,
        dirt: match level {
            FaultLevel::None => stream::MessageFaults::None,
            FaultLevel::Usual => stream::MessageFaults::Usual,
            FaultLevel::Filthy => stream::MessageFaults::Filthy,
        },
        truth: args.truth.as_ref().map(PathBuf::from),
        more: args.stream.clone(),
    })
}

fn start_time(text: &str) -> anyhow::Result<DateTime<Utc>> {
    text.parse().with_context(|| {
        format!("invalid --from {text}: expected a time such as 2026-11-01T00:00:00Z")
    })
}

async fn write(config: &Config, args: &Simulate) -> anyhow::Result<bool> {
    let today = flow::now().with_timezone(&config.plant.zone).date_naive();
    let from = first_day(args, today)?;
    let files = &args.files;
    let print = DumpOptions { is_daily: files.daily, faults: fault_injector(&args.dirt)? };
    let site = Site::new(args.seed, size(files)?, config.plant.calendar.clone());
    let mut writer = DumpWriter::new(site, days_since_epoch(from), files.days, print);
    let out = args.out.as_deref().unwrap_or_default();
    let out = location::open(out, Purpose::Write).context("cannot open --out")?;
    let summary = files::dumps(&out, &mut writer).await?;
    if let Some(place) = &args.truth {
        let place = location::open(place, Purpose::Write).context("cannot open --truth")?;
        files::truth(&place, &writer, days_since_epoch(files.as_of.unwrap_or(today))).await?;
    }
    print_summary(args, from, &out.name, &summary, &writer);
    Ok(true)
}

fn first_day(args: &Simulate, today: NaiveDate) -> anyhow::Result<NaiveDate> {
    let Some(text) = &args.from else {
        let days = Days::new(args.files.days.into());
        return today.checked_sub_days(days).context("--days is too large");
    };
    text.parse()
        .with_context(|| format!("invalid --from {text}: expected a day such as 2026-11-01"))
}

fn size(args: &FilesArgs) -> anyhow::Result<Size> {
    let FilesArgs { units, items, materials, entries, cycle_s, .. } = *args;
    if [units, items, materials, args.days].contains(&0) || cycle_s == 0 {
        bail!(
            "invalid size: expected at least one day, unit, item, material and second of cycle time"
        );
    }
    if cycle_s > 3_600 {
        bail!("invalid --cycle-s {cycle_s}: expected at most 3600");
    }
    Ok(Size { units, items, materials, entries, cycle_s })
}

fn level(name: &str) -> anyhow::Result<FaultLevel> {
    FaultLevel::from_name(name)
        .with_context(|| format!("invalid level `{name}`: expected none, usual or filthy"))
}

/// The faults of options such as `usual` and `late_file=none`; later ones override earlier ones.
fn fault_injector(options: &[String]) -> anyhow::Result<FaultInjector> {
    let mut faults = FaultInjector::new(FaultLevel::None);
    for option in options {
        faults = match option.split_once('=') {
            None => FaultInjector::new(level(option)?),
            Some((kind, name)) => {
                let known: Vec<&str> = FaultKind::ALL.map(FaultKind::as_str).to_vec();
                let found = FaultKind::from_name(kind);
                let found = found.with_context(|| {
                    format!("invalid kind `{kind}`: expected one of {}", known.join(", "))
                })?;
                faults.with(found, level(name)?)
            }
        };
    }
    Ok(faults)
}

fn print_summary(
    args: &Simulate,
    from: NaiveDate,
    out: &str,
    summary: &DumpSummary,
    writer: &DumpWriter,
) {
    let (seed, FilesArgs { units, days, .. }) = (args.seed, &args.files);
    print::line(&format!(
        "seed {seed}: {} of {} from {from} on, in {out}",
        counted((*days).into(), "day"),
        counted((*units).into(), "unit")
    ));
    for (dump, book) in &writer.balances {
        let (folder, name) = dump.about().place;
        print::line(&format!("  {:<56}{:>12} records", format!("{folder}/{name}"), book.read));
    }
    let records: u64 = writer.balances.values().map(|book| book.read).sum();
    let (files, bytes) = (summary.files, summary.bytes);
    print::line(&format!("{files} files, {records} records, {bytes} bytes"));
    let mut kinds: BTreeMap<FaultKind, Vec<String>> = BTreeMap::new();
    for ((kind, fate), count) in &summary.faults {
        kinds.entry(*kind).or_default().push(format!("{count} {fate}"));
    }
    for (kind, fates) in kinds {
        print::line(&format!("  fault: {:<20}{}", kind.as_str(), fates.join(", ")));
    }
    if let Some(truth) = &args.truth {
        print::line(&format!("truth written to {truth}"));
    }
}
