//! Writes the dumps of each day, and records the truth and the injected faults.

use super::board::Inspection;
use super::dump::{Dialect, Dump};
use super::dump_file::{DumpFile, Landing, WriteContext};
use super::faults::{Edit, FaultInjector, FaultKind, InjectedFault, Outcome};
use super::machine::MachineEvent;
use super::plan::PlanRow;
use super::random::{Purpose, generator};
use super::site::Site;
use super::stock::{MaterialRecord, StockEntry};
use super::truth::Truth;
use super::world::{Day, World};
use super::write::erp;
use super::write::mes::Names;
use crate::time::{DAY_S, HOUR_S, MINUTE_S};
use std::collections::{BTreeMap, HashSet};

/// 1970-01-01 was a Thursday.
const MONDAY: i32 = 4;
const WEEK: i32 = 7;
/// Time of day of the entries in the item register. Minute 35 is not a valid hour, so swapped hours
/// and minutes are detectable.
const REGISTERED_S: i64 = 19 * HOUR_S + 35 * MINUTE_S + 32;

/// Options of the dumps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpOptions {
    /// A folder for each day instead of one file for all days.
    pub is_daily: bool,
    pub faults: FaultInjector,
}

/// A row of a Parquet dump, and the column whose text is replaced by a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<T> {
    pub record: T,
    pub replaced: Option<(usize, &'static str)>,
}

/// Content to append to a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartContent {
    Text(Vec<u8>),
    Stages(Vec<Row<Inspection>>),
    Materials(Vec<Row<MaterialRecord>>),
    /// Items by their number.
    CycleTimes(Vec<Row<u16>>),
}

/// A part of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub dump: Dump,
    /// The day of the file; `None` for a file of all days.
    pub day: Option<i32>,
    pub content: PartContent,
}

/// The row balance of a dump: every record read is rejected, superseded or in silver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordBalance {
    pub read: u64,
    pub rejected: u64,
    pub superseded: u64,
    /// Valid records of the newest file.
    newest: u64,
}

impl RecordBalance {
    /// The balance as a line of JSON.
    pub fn line(&self, dump: Dump) -> String {
        let Self { read, rejected, superseded, .. } = *self;
        let (table, silver) = (dump.about().table, read - rejected - superseded);
        format!(
            "{{\"table\":\"{table}\",\"read\":{read},\"silver\":{silver},\
             \"rejected\":{rejected},\"superseded\":{superseded}}}\n"
        )
    }

    /// Adds records written to a file, and the faults among them.
    fn add(&mut self, records: u64, faults: &[InjectedFault], is_whole: bool) {
        let rejected = count(faults, |outcome| matches!(outcome, Outcome::Rejected { .. }));
        self.read += records;
        self.rejected += rejected;
        self.superseded += count(faults, |outcome| outcome == Outcome::Superseded);
        if is_whole {
            self.superseded += self.newest;
            self.newest = records - rejected;
        }
    }
}

fn count(faults: &[InjectedFault], is_counted: impl Fn(Outcome) -> bool) -> u64 {
    faults.iter().filter(|fault| is_counted(fault.outcome)).count() as u64
}

/// Writes the dumps of a plant, day by day.
#[derive(Debug)]
pub struct DumpWriter {
    pub world: World,
    pub truth: Truth,
    /// The faults injected so far.
    pub injected: Vec<InjectedFault>,
    /// The expected row balance of each dump.
    pub balances: BTreeMap<Dump, RecordBalance>,
    options: DumpOptions,
    days: std::ops::RangeInclusive<i32>,
    gap_local_s: Option<i64>,
    files: BTreeMap<Dump, DumpFile>,
    late: BTreeMap<Dump, Vec<Vec<u8>>>,
    seen_orders: HashSet<u32>,
}

/// A file while the records of a day are written to it.
struct Output<'a> {
    world: &'a World,
    truth: &'a mut Truth,
    file: DumpFile,
    context: WriteContext<'a>,
    line: Vec<u8>,
}

impl Output<'_> {
    /// Writes the line of one record.
    fn write(&mut self, compose: impl FnOnce(&World, &mut Vec<u8>)) -> Landing {
        self.line.clear();
        compose(self.world, &mut self.line);
        self.file.write(&self.line, &mut self.context)
    }

    /// Writes a row of a Parquet dump.
    fn push<T: Copy>(&mut self, rows: &mut Vec<Row<T>>, record: T) -> Landing {
        let (edit, landing) = self.file.count(&mut self.context);
        let unchanged = Row { record, replaced: None };
        match edit {
            Some(Edit::Set(at, text)) => rows.push(Row { record, replaced: Some((at, text)) }),
            Some(Edit::Before(at, text)) => {
                rows.extend([Row { record, replaced: Some((at, text)) }, unchanged]);
            }
            Some(Edit::Twice) => rows.extend([unchanged, unchanged]),
            _ => rows.push(unchanged),
        }
        landing
    }
}

impl DumpWriter {
    /// A writer for a plant that works for `days` days from `first_day` on.
    pub fn new(site: Site, first_day: i32, days: u16, options: DumpOptions) -> Self {
        let all_days = first_day..=first_day + i32::from(days) - 1;
        let gap_local_s = first_gap_s(&site, all_days.clone());
        Self {
            world: World::new(site, first_day, days),
            truth: Truth::default(),
            injected: Vec::new(),
            balances: BTreeMap::new(),
            options,
            days: all_days,
            gap_local_s,
            files: BTreeMap::new(),
            late: BTreeMap::new(),
            seen_orders: HashSet::new(),
        }
    }

    /// Whether snapshots, dumps of a state instead of events, are written on a day.
    fn is_due(&self, day: i32) -> bool {
        self.options.is_daily || day == *self.days.end()
    }

    /// Writes records of a day to the file of a dump and returns the part to append.
    fn file<T>(
        &mut self,
        dump: Dump,
        day: i32,
        write: impl FnOnce(&mut Output<'_>) -> T,
    ) -> (T, Part) {
        let is_daily = self.options.is_daily;
        let is_last = day == *self.days.end();
        let injected_before = self.injected.len();
        let open = self.files.remove(&dump);
        let file_day = is_daily.then_some(day);
        let has_monday = self.has_monday(file_day);
        let mut context = WriteContext {
            faults: &self.options.faults,
            rng: generator(self.world.site.seed, Purpose::Faults, day, dump as u32),
            injected: &mut self.injected,
            gap_local_s: self.gap_local_s,
            has_tomorrow: !is_last,
        };
        let file = open.unwrap_or_else(|| new_file(dump, file_day, has_monday, &mut context));
        let records_before = file.records;
        let mut output =
            Output { world: &self.world, truth: &mut self.truth, file, context, line: Vec::new() };
        let late = self.late.remove(&dump).unwrap_or_default();
        output.file.catch_up(late, &mut output.context);
        let result = write(&mut output);
        let Output { mut file, mut context, .. } = output;
        if is_daily || is_last {
            file.close(&mut context);
        }
        if is_daily {
            file.delay(&mut context);
        }
        let is_whole = matches!(dump, Dump::Materials | Dump::Bom);
        let faults = &self.injected[injected_before..];
        let balance = self.balances.entry(dump).or_default();
        balance.add(file.records - records_before, faults, is_whole);
        self.late.insert(dump, std::mem::take(&mut file.late));
        let content = PartContent::Text(std::mem::take(&mut file.text));
        if !is_daily {
            self.files.insert(dump, file);
        }
        (result, Part { dump, day: file_day, content })
    }

    /// Whether a file, of one day or of all, covers a Monday, when systems are updated.
    fn has_monday(&self, file_day: Option<i32>) -> bool {
        let mut days = file_day.map_or_else(|| self.days.clone(), |day| day..=day);
        days.any(|day| day.rem_euclid(WEEK) == MONDAY)
    }

    fn plans(&mut self, day: &Day) -> Part {
        let write = |out: &mut Output<'_>| {
            for row in &day.plan {
                match out.write(|world, line| names(world).plan(line, row)) {
                    Landing::Whole => out.truth.plan(row),
                    Landing::OtherDay(day) => out.truth.plan(&PlanRow { day, ..row.clone() }),
                    Landing::Earlier(_) | Landing::Lost => {}
                }
            }
        };
        self.file(Dump::Plans, day.day, write).1
    }

    fn work_orders(&mut self, day: &Day) -> Part {
        let is_daily = self.options.is_daily;
        let write = |out: &mut Output<'_>| {
            let mut landed = Vec::new();
            for (index, order) in (0..).zip(&out.world.orders) {
                if is_daily && !order.is_changed {
                    continue;
                }
                let local_s = order.started_s.map(|at_s| out.world.site.local_s(at_s));
                match out.write(|world, line| names(world).order(line, index)) {
                    Landing::Earlier(_) | Landing::Lost => continue,
                    Landing::Whole => out.truth.order(index, order, local_s),
                    Landing::OtherDay(day) => {
                        let clock_s = local_s.map_or(0, |at_s| at_s.rem_euclid(DAY_S));
                        out.truth.order(index, order, Some(i64::from(day) * DAY_S + clock_s));
                    }
                }
                landed.push(index);
            }
            landed
        };
        let (landed, part) = self.file(Dump::WorkOrders, day.day, write);
        let repeated = landed.into_iter().filter(|it| !self.seen_orders.insert(*it)).count();
        self.balances.entry(Dump::WorkOrders).or_default().superseded += repeated as u64;
        self.world.orders.iter_mut().for_each(|order| order.is_changed = false);
        part
    }

    /// Inspection results and the routing stages they refer to.
    fn boards(&mut self, day: &Day) -> [Part; 2] {
        let write = |out: &mut Output<'_>| {
            let mut rows = Vec::with_capacity(day.inspections.len());
            let mut has_stage = Vec::with_capacity(day.inspections.len());
            for inspection in &day.inspections {
                has_stage.push(out.push(&mut rows, *inspection) == Landing::Whole);
            }
            (rows, has_stage)
        };
        let ((rows, has_stage), part) = self.file(Dump::RoutingStages, day.day, write);
        let stages = Part { content: PartContent::Stages(rows), ..part };
        let write = |out: &mut Output<'_>| {
            for (inspection, has_stage) in day.inspections.iter().zip(has_stage) {
                let landing = out.write(|world, line| names(world).result(line, inspection));
                if landing == Landing::Whole {
                    out.truth.inspection(&out.world.site, inspection, has_stage);
                }
            }
        };
        [self.file(Dump::Results, day.day, write).1, stages]
    }

    fn entries(&mut self, day: &Day) -> Part {
        let write = |out: &mut Output<'_>| {
            for entry in &day.entries {
                match out.write(|world, line| erp::entry(&world.site, line, entry)) {
                    Landing::Whole => out.truth.entry(entry),
                    Landing::OtherDay(day) => out.truth.entry(&StockEntry { day, ..*entry }),
                    Landing::Earlier(_) | Landing::Lost => {}
                }
            }
        };
        self.file(Dump::Warehouse, day.day, write).1
    }

    fn materials(&mut self, day: &Day) -> Part {
        let write = |out: &mut Output<'_>| {
            let (mut rows, mut landed) = (Vec::new(), Vec::new());
            for record in &out.world.stock.records {
                let landing = out.push(&mut rows, *record);
                landed.extend((landing == Landing::Whole).then_some(*record));
            }
            out.truth.materials(landed);
            rows
        };
        let (rows, part) = self.file(Dump::Materials, day.day, write);
        Part { content: PartContent::Materials(rows), ..part }
    }

    fn cycle_times(&mut self, day: &Day) -> Part {
        let write = |out: &mut Output<'_>| {
            let mut rows = Vec::new();
            for item in 0..out.world.site.size.items {
                if out.push(&mut rows, item) == Landing::Whole {
                    out.truth.cycle_time(item);
                }
            }
            rows
        };
        let (rows, part) = self.file(Dump::CycleTimes, day.day, write);
        Part { content: PartContent::CycleTimes(rows), ..part }
    }

    fn events(&mut self, day: &Day) -> Part {
        let write = |out: &mut Output<'_>| {
            for event in &day.events {
                match out.write(|world, line| names(world).event(line, event)) {
                    Landing::Whole => out.truth.event(event),
                    Landing::Earlier(by_s) => {
                        let from_s = event.from_s - by_s;
                        out.truth.event(&MachineEvent { from_s, ..*event });
                    }
                    Landing::OtherDay(_) | Landing::Lost => {}
                }
            }
        };
        self.file(Dump::MachineEvents, day.day, write).1
    }

    /// Inspections as the quality system writes them.
    fn quality(&mut self, day: &Day) -> Part {
        let write = |out: &mut Output<'_>| {
            for inspection in &day.inspections {
                let landing = out.write(|world, line| names(world).inspection(line, inspection));
                if landing == Landing::Whole {
                    out.truth.verdict(inspection);
                }
            }
        };
        self.file(Dump::Quality, day.day, write).1
    }

    /// The item register; no gold table uses it.
    fn register(&mut self, day: i32) -> Part {
        let registered_s = i64::from(*self.days.start() - 1) * DAY_S + REGISTERED_S;
        let write = |out: &mut Output<'_>| {
            for item in 0..out.world.site.size.items {
                out.write(|world, line| names(world).item_entry(line, item, registered_s));
            }
        };
        self.file(Dump::Items, day, write).1
    }

    /// The bill of materials; no gold table uses it.
    fn bom(&mut self, day: i32) -> Part {
        let write = |out: &mut Output<'_>| {
            for bom_line in &out.world.stock.bom_lines {
                out.write(|world, line| erp::bom_line(&world.site, line, bom_line));
            }
        };
        self.file(Dump::Bom, day, write).1
    }
}

/// The parts that each day adds to the dumps.
impl Iterator for DumpWriter {
    type Item = Vec<Part>;

    fn next(&mut self) -> Option<Vec<Part>> {
        let day = self.world.next()?;
        self.truth.name_orders(&self.world.orders);
        let mut parts =
            vec![self.plans(&day), self.entries(&day), self.events(&day), self.quality(&day)];
        parts.extend(self.boards(&day));
        self.truth.day_is_over();
        if self.is_due(day.day) {
            parts.push(self.work_orders(&day));
            parts.push(self.materials(&day));
            parts.push(self.bom(day.day));
        }
        let once = if self.options.is_daily { self.days.start() } else { self.days.end() };
        if day.day == *once {
            parts.push(self.register(day.day));
            parts.push(self.cycle_times(&day));
        }
        Some(parts)
    }
}

/// An empty file, with an additional column if that fault is injected.
fn new_file(
    dump: Dump,
    day: Option<i32>,
    has_monday: bool,
    context: &mut WriteContext<'_>,
) -> DumpFile {
    let about = dump.about();
    let is_extensible =
        about.has_header || matches!(about.dialect, Dialect::JsonLines | Dialect::JsonArray);
    let has_new_column = has_monday
        && is_extensible
        && context.faults.strikes(FaultKind::NewColumn, &mut context.rng);
    DumpFile::new(dump, day, has_new_column)
}

fn names(world: &World) -> Names<'_> {
    Names { site: &world.site, orders: &world.orders }
}

/// The first local time of the days that does not exist because clocks are set forward.
fn first_gap_s(site: &Site, mut days: std::ops::RangeInclusive<i32>) -> Option<i64> {
    let half_hours = |day: i32| (0..48).map(move |half| i64::from(day) * DAY_S + half * 1_800);
    let zone = site.calendar.zone();
    days.find_map(|day| half_hours(day).find(|local_s| zone.utc_s(*local_s).is_none()))
}

#[cfg(test)]
mod tests;
