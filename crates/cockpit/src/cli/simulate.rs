//! `cockpit simulate`: what the systems of a plant say that is not there. Here its dumps; its stream is
//! next door.

use super::print;
use super::simulate_stream::{self, Sent, StreamArgs};
use crate::flow;
use anyhow::{Context as _, bail};
use chrono::{Days, NaiveDate};
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

/// What to simulate, and where to.
#[derive(Debug, Clone, clap::Args)]
pub struct Simulate {
    /// Where dumps go: s3://bucket/prefix, file:///path or a path
    #[arg(long, value_name = "URL", required_unless_present = "kafka", conflicts_with = "kafka")]
    out: Option<String>,
    /// Brokers to send temperatures to: host:port, with commas between
    #[arg(long, value_name = "BROKERS")]
    kafka: Option<String>,
    /// Which plant; the same number gives the same plant on every machine
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// When it begins: a day for dumps, such as 2026-11-01 [default: so that the last day is
    /// yesterday]; a moment for the stream, such as 2026-11-01T00:00:00Z [default: now]
    ///
    /// Of the stream, what lies in the past is sent as fast as the broker takes it.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// How dirty it is: none, usual or filthy; for dumps also KIND=LEVEL for one kind [default: none
    /// for dumps, usual for the stream]
    #[arg(long, value_name = "LEVEL")]
    dirt: Vec<String>,
    /// Where the truth goes: the rows gold must hold or the readings, and the dirt with its fate
    #[arg(long, value_name = "DIR")]
    truth: Option<String>,
    #[command(flatten, next_help_heading = "Dumps")]
    files: FilesArgs,
    #[command(flatten, next_help_heading = "Stream")]
    stream: StreamArgs,
}

/// What only dumps have.
#[derive(Debug, Clone, clap::Args)]
struct FilesArgs {
    /// How many days the plant works
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u16,
    /// A folder for each day instead of whole files
    #[arg(long)]
    daily: bool,
    /// The day ages are counted to in the truth [default: today, plant time]
    #[arg(long, value_name = "DATE")]
    as_of: Option<NaiveDate>,
    /// How many machines the plant has
    #[arg(long, value_name = "N", default_value_t = Size::default().units)]
    units: u16,
    /// Items the plant makes
    #[arg(long, value_name = "N", default_value_t = Size::default().items)]
    items: u16,
    /// Item numbers of the warehouse
    #[arg(long, value_name = "N", default_value_t = Size::default().materials)]
    materials: u16,
    /// Warehouse entries before the first day
    #[arg(long, value_name = "N", default_value_t = Size::default().entries)]
    entries: u32,
    /// Mean ideal time for one board
    #[arg(long, value_name = "SECONDS", default_value_t = Size::default().cycle_s)]
    cycle_s: u32,
}

/// Simulates, and says what was written or sent; true if all of it is there.
pub async fn run(config: &Config, args: Simulate) -> anyhow::Result<bool> {
    match &args.kafka {
        Some(brokers) => simulate_stream::run(sent(brokers, &args)?).await,
        None => write(config, &args).await,
    }
}

/// What is to be sent.
fn sent(brokers: &str, args: &Simulate) -> anyhow::Result<Sent> {
    let moment =
        |text: &String| text.parse().with_context(|| format!("--from {text} is no moment"));
    let level = match &args.dirt[..] {
        [] => FaultLevel::Usual,
        [word] => level(word)?,
        _ => bail!("the stream has one level of --dirt"),
    };
    Ok(Sent {
        brokers: brokers.to_owned(),
        from: args.from.as_ref().map(moment).transpose()?,
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

async fn write(config: &Config, args: &Simulate) -> anyhow::Result<bool> {
    let today = flow::now().with_timezone(&config.plant.zone).date_naive();
    let from = first_day(args, today)?;
    let files = &args.files;
    let print = DumpOptions { is_daily: files.daily, faults: dirt(&args.dirt)? };
    let site = Site::new(args.seed, size(files)?, config.plant.calendar.clone());
    let mut writer = DumpWriter::new(site, days_since_epoch(from), files.days, print);
    let out = args.out.as_deref().unwrap_or_default();
    let out = location::open(out, Purpose::Write).context("--out cannot be opened")?;
    let summary = files::dumps(&out, &mut writer).await?;
    if let Some(place) = &args.truth {
        let place = location::open(place, Purpose::Write).context("--truth cannot be opened")?;
        files::truth(&place, &writer, days_since_epoch(files.as_of.unwrap_or(today))).await?;
    }
    say(args, from, &out.name, &summary, &writer);
    Ok(true)
}

fn first_day(args: &Simulate, today: NaiveDate) -> anyhow::Result<NaiveDate> {
    let Some(text) = &args.from else {
        let days = Days::new(args.files.days.into());
        return today.checked_sub_days(days).context("--days is too large");
    };
    text.parse().with_context(|| format!("--from {text} is no day; write it as 2026-11-01"))
}

fn size(args: &FilesArgs) -> anyhow::Result<Size> {
    let FilesArgs { units, items, materials, entries, cycle_s, .. } = *args;
    if [units, items, materials, args.days].contains(&0) || cycle_s == 0 {
        bail!("a plant needs at least one day, unit, item and material, and time for a board");
    }
    if cycle_s > 3_600 {
        bail!("--cycle-s is at most 3600: no board takes longer");
    }
    Ok(Size { units, items, materials, entries, cycle_s })
}

fn level(word: &str) -> anyhow::Result<FaultLevel> {
    FaultLevel::from_name(word)
        .with_context(|| format!("`{word}` is none of none, usual and filthy"))
}

/// The dirt of words such as `usual` and `late_file=none`, the later ones winning.
fn dirt(words: &[String]) -> anyhow::Result<FaultInjector> {
    let mut dirt = FaultInjector::new(FaultLevel::None);
    for word in words {
        dirt = match word.split_once('=') {
            None => FaultInjector::new(level(word)?),
            Some((kind, word)) => {
                let known: Vec<&str> = FaultKind::ALL.map(FaultKind::as_str).to_vec();
                let found = FaultKind::from_name(kind);
                let found = found.with_context(|| {
                    format!("`{kind}` is no kind of dirt; known are {}", known.join(", "))
                })?;
                dirt.with(found, level(word)?)
            }
        };
    }
    Ok(dirt)
}

fn say(args: &Simulate, from: NaiveDate, out: &str, summary: &DumpSummary, writer: &DumpWriter) {
    let (seed, FilesArgs { units, days, .. }) = (args.seed, &args.files);
    print::line(&format!("seed {seed}: {days} days of {units} units from {from} on, in {out}"));
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
        print::line(&format!("  dirt: {:<20}{}", kind.as_str(), fates.join(", ")));
    }
    if let Some(truth) = &args.truth {
        print::line(&format!("the truth is in {truth}"));
    }
}
