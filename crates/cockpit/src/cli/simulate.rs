//! `cockpit simulate`: dumps of a plant that is not there.

use super::print;
use crate::config::Config;
use crate::config::location::{self, Purpose};
use crate::flow;
use crate::simulate::{self, Summary};
use anyhow::{Context as _, bail};
use chrono::{Datelike as _, Days, NaiveDate};
use plant::sim::dirt::{Dirt, Kind, Level};
use plant::sim::press::{Press, Print};
use plant::sim::site::{Site, Size};
use std::collections::BTreeMap;

/// What to simulate.
#[derive(Debug, Clone, clap::Args)]
pub struct Simulate {
    /// Where the dumps go: s3://bucket/prefix, file:///path or a path
    #[arg(long, value_name = "URL")]
    out: String,
    /// How many days the plant works
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u16,
    /// Which plant; the same number gives the same plant on every machine
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The first day, plant time [default: so that the last one is yesterday]
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// A folder for each day instead of whole files
    #[arg(long)]
    daily: bool,
    /// How dirty the dumps are: none, usual or filthy, or KIND=LEVEL for one kind
    #[arg(long, value_name = "LEVEL", default_value = "none")]
    dirt: Vec<String>,
    /// Where the rows every gold table must hold go, and the list of dirt with its fate
    #[arg(long, value_name = "DIR")]
    truth: Option<String>,
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

/// Simulates, writes, and says what was written.
pub async fn run(config: &Config, said: &Simulate) -> anyhow::Result<bool> {
    let today = flow::now().with_timezone(&config.plant.zone).date_naive();
    let yesterdays = Days::new(said.days.into());
    let from = said.from.or_else(|| today.checked_sub_days(yesterdays));
    let from = from.context("--days is too large")?;
    let print = Print { is_daily: said.daily, dirt: dirt(&said.dirt)? };
    let site = Site::new(said.seed, size(said)?, config.plant.calendar.clone());
    let mut press = Press::new(site, number(from), said.days, print);
    let out = location::open(&said.out, Purpose::Write).context("--out cannot be opened")?;
    let summary = simulate::dumps(&out, &mut press).await?;
    if let Some(place) = &said.truth {
        let place = location::open(place, Purpose::Write).context("--truth cannot be opened")?;
        simulate::truth(&place, &press, number(said.as_of.unwrap_or(today))).await?;
    }
    say(said, from, &out.name, &summary, &press);
    Ok(true)
}

fn size(said: &Simulate) -> anyhow::Result<Size> {
    let Simulate { units, items, materials, entries, cycle_s, .. } = *said;
    if [units, items, materials, said.days].contains(&0) || cycle_s == 0 {
        bail!("a plant needs at least one day, unit, item and material, and time for a board");
    }
    if cycle_s > 3_600 {
        bail!("--cycle-s is at most 3600: no board takes longer");
    }
    Ok(Size { units, items, materials, entries, cycle_s })
}

/// Days since 1970-01-01.
fn number(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

/// The dirt of words such as `usual` and `late_file=none`, the later ones winning.
fn dirt(words: &[String]) -> anyhow::Result<Dirt> {
    let level = |word: &str| {
        Level::of(word).with_context(|| format!("`{word}` is none of none, usual and filthy"))
    };
    let mut dirt = Dirt::new(Level::None);
    for word in words {
        dirt = match word.split_once('=') {
            None => Dirt::new(level(word)?),
            Some((kind, word)) => {
                let known: Vec<&str> = Kind::ALL.map(Kind::word).to_vec();
                let found = Kind::of(kind);
                let found = found.with_context(|| {
                    format!("`{kind}` is no kind of dirt; known are {}", known.join(", "))
                })?;
                dirt.with(found, level(word)?)
            }
        };
    }
    Ok(dirt)
}

fn say(said: &Simulate, from: NaiveDate, out: &str, summary: &Summary, press: &Press) {
    let Simulate { seed, units, days, .. } = said;
    print::line(&format!("seed {seed}: {days} days of {units} units from {from} on, in {out}"));
    for (dump, book) in &press.books {
        let (folder, name) = dump.about().place;
        print::line(&format!("  {:<56}{:>12} records", format!("{folder}/{name}"), book.read));
    }
    let records: u64 = press.books.values().map(|book| book.read).sum();
    let (files, bytes) = (summary.files, summary.bytes);
    print::line(&format!("{files} files, {records} records, {bytes} bytes"));
    let mut kinds: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for ((kind, fate), count) in &summary.dirt {
        kinds.entry(*kind).or_default().push(format!("{count} {fate}"));
    }
    for (kind, fates) in kinds {
        print::line(&format!("  dirt: {:<20}{}", kind.word(), fates.join(", ")));
    }
    if let Some(truth) = &said.truth {
        print::line(&format!("the truth is in {truth}"));
    }
}
