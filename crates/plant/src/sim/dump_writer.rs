//! The press: prints the dumps of each day and keeps the books of truth and dirt.

use super::board::Inspection;
use super::dump::{Dialect, Dump};
use super::dump_file::{DumpFile, Landing, WriteContext};
use super::faults::{Edit, FaultInjector, FaultKind, InjectedFault, Outcome};
use super::machine::MachineEvent;
use super::random::{Purpose, generator};
use super::site::Site;
use super::stock::MaterialRecord;
use super::truth::Truth;
use super::world::{Day, World};
use super::write::erp;
use super::write::mes::Names;
use crate::time::DAY_S;
use std::collections::{BTreeMap, HashSet};

/// 1970-01-01 was a Thursday.
const MONDAY: i32 = 4;
const WEEK: i32 = 7;
/// When the item register was written: minute 35, which is no hour.
const REGISTERED_S: i64 = 19 * 3_600 + 35 * 60 + 32;

/// How dumps are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpOptions {
    /// A folder for each day instead of whole files.
    pub is_daily: bool,
    pub faults: FaultInjector,
}

/// A row of a Parquet dump: what it says, and a column with another text if it is dirty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<T> {
    pub of: T,
    pub set: Option<(usize, &'static str)>,
}

/// Something to be appended to a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartContent {
    Text(Vec<u8>),
    Stages(Vec<Row<Inspection>>),
    Materials(Vec<Row<MaterialRecord>>),
    /// Items by their number.
    CycleTimes(Vec<Row<u16>>),
}

/// A piece of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub dump: Dump,
    /// The day the file is of; none if it is of all days.
    pub day: Option<i32>,
    pub content: PartContent,
}

/// What becomes of the records of a dump: all that are read are rejected, superseded, or in silver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordBalance {
    pub read: u64,
    pub rejected: u64,
    pub superseded: u64,
    /// Good records of the newest file.
    newest: u64,
}

impl RecordBalance {
    /// The book as a line of JSON.
    pub fn line(&self, dump: Dump) -> String {
        let Self { read, rejected, superseded, .. } = *self;
        let (table, silver) = (dump.about().table, read - rejected - superseded);
        format!(
            "{{\"table\":\"{table}\",\"read\":{read},\"silver\":{silver},\
             \"rejected\":{rejected},\"superseded\":{superseded}}}\n"
        )
    }

    /// Enters the records a page has more than before, and the dirt among them.
    fn enter(&mut self, records: u64, faults: &[InjectedFault], is_whole: bool) {
        let lost = |fault: &&InjectedFault| matches!(fault.outcome, Outcome::Rejected { .. });
        let rejected = faults.iter().filter(lost).count() as u64;
        let superseded =
            faults.iter().filter(|fault| fault.outcome == Outcome::Superseded).count() as u64;
        self.read += records;
        self.rejected += rejected;
        self.superseded += superseded;
        if is_whole {
            self.superseded += self.newest;
            self.newest = records - rejected;
        }
    }
}

/// Prints a plant's dumps, day by day.
#[derive(Debug)]
pub struct DumpWriter {
    pub world: World,
    pub truth: Truth,
    /// The dirt so far.
    pub injected: Vec<InjectedFault>,
    /// What must become of the records of each dump.
    pub balances: BTreeMap<Dump, RecordBalance>,
    options: DumpOptions,
    days: std::ops::RangeInclusive<i32>,
    gap_local_s: Option<i64>,
    pages: BTreeMap<Dump, DumpFile>,
    late: BTreeMap<Dump, Vec<Vec<u8>>>,
    seen: HashSet<u32>,
}

impl DumpWriter {
    /// A press for a plant that works for `days` days from `first_day` on.
    pub fn new(site: Site, first_day: i32, days: u16, options: DumpOptions) -> Self {
        let days_of = first_day..=first_day + i32::from(days) - 1;
        let gap_local_s = gap(&site, days_of.clone());
        Self {
            world: World::new(site, first_day, days),
            truth: Truth::default(),
            injected: Vec::new(),
            balances: BTreeMap::new(),
            options,
            days: days_of,
            gap_local_s,
            pages: BTreeMap::new(),
            late: BTreeMap::new(),
            seen: HashSet::new(),
        }
    }

    /// Whether whole dumps, which show a state and no events, are due on a day.
    fn is_due(&self, day: i32) -> bool {
        self.options.is_daily || day == *self.days.end()
    }

    /// Writes into the page of a dump and returns what is to be appended to its file.
    fn file<T>(
        &mut self,
        dump: Dump,
        day: i32,
        write: impl FnOnce(&World, &mut DumpFile, &mut WriteContext<'_>, &mut Truth) -> T,
    ) -> (T, Part) {
        let rng = generator(self.world.site.seed, Purpose::Dirt, day, dump as u32);
        let is_last = day == *self.days.end();
        let logged = self.injected.len();
        let mut context = WriteContext {
            faults: &self.options.faults,
            rng,
            injected: &mut self.injected,
            gap_local_s: self.gap_local_s,
            has_tomorrow: !is_last,
        };
        let of = self.options.is_daily.then_some(day);
        let monday = match of {
            Some(day) => day.rem_euclid(WEEK) == MONDAY,
            None => self.days.clone().any(|day| day.rem_euclid(WEEK) == MONDAY),
        };
        let mut file = self.pages.remove(&dump).unwrap_or_else(|| {
            let is_open = dump.about().has_header
                || matches!(dump.about().dialect, Dialect::JsonLines | Dialect::JsonArray);
            let is_new =
                monday && is_open && context.faults.strikes(FaultKind::NewColumn, &mut context.rng);
            DumpFile::new(dump, of, is_new)
        });
        let records = file.records;
        file.catch_up(self.late.remove(&dump).unwrap_or_default(), &mut context);
        let done = write(&self.world, &mut file, &mut context, &mut self.truth);
        let late = std::mem::take(&mut file.late);
        self.late.insert(dump, late);
        if self.options.is_daily || is_last {
            file.close(&mut context);
        }
        if self.options.is_daily {
            file.delay(&mut context);
        }
        let balance = self.balances.entry(dump).or_default();
        let is_whole = matches!(dump, Dump::Materials | Dump::Bom);
        balance.enter(file.records - records, &self.injected[logged..], is_whole);
        let text = std::mem::take(&mut file.text);
        if !self.options.is_daily {
            self.pages.insert(dump, file);
        }
        (done, Part { dump, day: of, content: PartContent::Text(text) })
    }

    fn plans(&mut self, day: &Day) -> Part {
        let write = |world: &World,
                     file: &mut DumpFile,
                     context: &mut WriteContext<'_>,
                     truth: &mut Truth| {
            let names = names(world);
            let mut line = Vec::new();
            for row in &day.plan {
                line.clear();
                names.plan(&mut line, row);
                match file.write(&line, context) {
                    Landing::Whole => truth.plan(row),
                    Landing::OtherDay(day) => {
                        truth.plan(&super::plan::PlanRow { day, ..row.clone() });
                    }
                    Landing::Earlier(_) | Landing::Lost => {}
                }
            }
        };
        self.file(Dump::Plans, day.day, write).1
    }

    fn work_orders(&mut self, day: &Day) -> Part {
        let is_daily = self.options.is_daily;
        let write = |world: &World,
                     file: &mut DumpFile,
                     context: &mut WriteContext<'_>,
                     truth: &mut Truth| {
            let names = names(world);
            let mut line = Vec::new();
            let mut landed = Vec::new();
            for (index, order) in (0..).zip(&world.orders) {
                if is_daily && !order.is_changed {
                    continue;
                }
                line.clear();
                names.order(&mut line, index);
                let local_s = order.started_s.map(|at_s| world.site.local_s(at_s));
                match file.write(&line, context) {
                    Landing::Earlier(_) | Landing::Lost => continue,
                    Landing::Whole => truth.order(index, order, local_s),
                    Landing::OtherDay(day) => {
                        let clock_s = local_s.map_or(0, |at_s| at_s.rem_euclid(DAY_S));
                        truth.order(index, order, Some(i64::from(day) * DAY_S + clock_s));
                    }
                }
                landed.push(index);
            }
            landed
        };
        let (landed, part) = self.file(Dump::WorkOrders, day.day, write);
        let again = landed.into_iter().filter(|index| !self.seen.insert(*index)).count();
        self.balances.entry(Dump::WorkOrders).or_default().superseded += again as u64;
        self.world.orders.iter_mut().for_each(|order| order.is_changed = false);
        part
    }

    /// Inspections and the stages behind them, and what each says of the other.
    fn boards(&mut self, day: &Day) -> [Part; 2] {
        let write =
            |_: &World, file: &mut DumpFile, context: &mut WriteContext<'_>, _: &mut Truth| {
                let mut rows = Vec::with_capacity(day.inspections.len());
                let mut has_stage = Vec::with_capacity(day.inspections.len());
                for of in &day.inspections {
                    let (edit, landing) = file.count(context);
                    push_row(&mut rows, *of, edit);
                    has_stage.push(landing == Landing::Whole);
                }
                (rows, has_stage)
            };
        let ((rows, has_stage), part) = self.file(Dump::RoutingStages, day.day, write);
        let stages = Part { content: PartContent::Stages(rows), ..part };
        let write = |world: &World,
                     file: &mut DumpFile,
                     context: &mut WriteContext<'_>,
                     truth: &mut Truth| {
            let names = names(world);
            let mut line = Vec::new();
            for (of, has_stage) in day.inspections.iter().zip(has_stage) {
                line.clear();
                names.result(&mut line, of);
                if file.write(&line, context) == Landing::Whole {
                    truth.inspection(&world.site, of, has_stage);
                }
            }
        };
        [self.file(Dump::Results, day.day, write).1, stages]
    }

    fn entries(&mut self, day: &Day) -> Part {
        let write = |world: &World,
                     file: &mut DumpFile,
                     context: &mut WriteContext<'_>,
                     truth: &mut Truth| {
            let mut line = Vec::new();
            for entry in &day.entries {
                line.clear();
                erp::entry(&world.site, &mut line, entry);
                match file.write(&line, context) {
                    Landing::Whole => truth.entry(entry),
                    Landing::OtherDay(day) => {
                        truth.entry(&super::stock::StockEntry { day, ..*entry });
                    }
                    Landing::Earlier(_) | Landing::Lost => {}
                }
            }
        };
        self.file(Dump::Warehouse, day.day, write).1
    }

    fn materials(&mut self, day: &Day) -> Part {
        let write = |world: &World,
                     file: &mut DumpFile,
                     context: &mut WriteContext<'_>,
                     truth: &mut Truth| {
            let mut rows = Vec::new();
            let mut landed = Vec::new();
            for record in &world.stock.records {
                let (edit, landing) = file.count(context);
                push_row(&mut rows, *record, edit);
                landed.extend((landing == Landing::Whole).then_some(*record));
            }
            truth.materials(landed);
            rows
        };
        let (rows, part) = self.file(Dump::Materials, day.day, write);
        Part { content: PartContent::Materials(rows), ..part }
    }

    fn cycle_times(&mut self, day: &Day) -> Part {
        let write = |world: &World,
                     file: &mut DumpFile,
                     context: &mut WriteContext<'_>,
                     truth: &mut Truth| {
            let mut rows = Vec::new();
            for item in 0..world.site.size.items {
                let (edit, landing) = file.count(context);
                push_row(&mut rows, item, edit);
                if landing == Landing::Whole {
                    truth.cycle_time(item);
                }
            }
            rows
        };
        let (rows, part) = self.file(Dump::CycleTimes, day.day, write);
        Part { content: PartContent::CycleTimes(rows), ..part }
    }

    /// A dump of lines whose records no gold table counts.
    fn lines<T>(
        &mut self,
        dump: Dump,
        day: i32,
        records: &[T],
        options: impl Fn(&World, &mut Vec<u8>, &T),
    ) -> Part {
        let write =
            |world: &World, file: &mut DumpFile, context: &mut WriteContext<'_>, _: &mut Truth| {
                let mut line = Vec::new();
                for record in records {
                    line.clear();
                    options(world, &mut line, record);
                    file.write(&line, context);
                }
            };
        self.file(dump, day, write).1
    }

    fn events(&mut self, day: &Day) -> Part {
        let write = |world: &World,
                     file: &mut DumpFile,
                     context: &mut WriteContext<'_>,
                     truth: &mut Truth| {
            let names = names(world);
            let mut line = Vec::new();
            for event in &day.events {
                line.clear();
                names.event(&mut line, event);
                match file.write(&line, context) {
                    Landing::Whole => truth.event(event),
                    Landing::Earlier(by_s) => {
                        truth.event(&MachineEvent { from_s: event.from_s - by_s, ..*event });
                    }
                    Landing::OtherDay(_) | Landing::Lost => {}
                }
            }
        };
        self.file(Dump::MachineEvents, day.day, write).1
    }

    fn looks(&mut self, day: &Day) -> Part {
        let write = |world: &World,
                     file: &mut DumpFile,
                     context: &mut WriteContext<'_>,
                     truth: &mut Truth| {
            let names = names(world);
            let mut line = Vec::new();
            for of in &day.inspections {
                line.clear();
                names.inspection(&mut line, of);
                if file.write(&line, context) == Landing::Whole {
                    truth.verdict(of);
                }
            }
        };
        self.file(Dump::Quality, day.day, write).1
    }

    fn register(&mut self, day: i32) -> Part {
        let items: Vec<u16> = (0..self.world.site.size.items).collect();
        let registered_s = i64::from(*self.days.start() - 1) * DAY_S + REGISTERED_S;
        self.lines(Dump::Items, day, &items, |world, line, item| {
            names(world).item_entry(line, *item, registered_s);
        })
    }

    fn bom(&mut self, day: i32) -> Part {
        let lines = self.world.stock.bom_lines.clone();
        let options =
            |world: &World, line: &mut Vec<u8>, of: &_| erp::bom_line(&world.site, line, of);
        self.lines(Dump::Bom, day, &lines, options)
    }
}

/// What each day adds to the dumps.
impl Iterator for DumpWriter {
    type Item = Vec<Part>;

    fn next(&mut self) -> Option<Vec<Part>> {
        let day = self.world.next()?;
        self.truth.name_orders(&self.world.orders);
        let mut parts =
            vec![self.plans(&day), self.entries(&day), self.events(&day), self.looks(&day)];
        parts.extend(self.boards(&day));
        self.truth.day_is_over();
        if self.is_due(day.day) {
            parts.push(self.work_orders(&day));
            parts.push(self.materials(&day));
            parts.push(self.bom(day.day));
        }
        let is_first = day.day == *self.days.start();
        if if self.options.is_daily { is_first } else { day.day == *self.days.end() } {
            parts.push(self.register(day.day));
            parts.push(self.cycle_times(&day));
        }
        Some(parts)
    }
}

fn names(world: &World) -> Names<'_> {
    Names { site: &world.site, orders: &world.orders }
}

/// Adds a row with what was done to it.
fn push_row<T: Copy>(rows: &mut Vec<Row<T>>, of: T, edit: Option<Edit>) {
    let clean = Row { of, set: None };
    match edit {
        Some(Edit::Set(at, text)) => rows.push(Row { of, set: Some((at, text)) }),
        Some(Edit::Before(at, text)) => rows.extend([Row { of, set: Some((at, text)) }, clean]),
        Some(Edit::Twice) => rows.extend([clean, clean]),
        _ => rows.push(clean),
    }
}

/// A time of the days that the plant's clock never shows.
fn gap(site: &Site, mut days: std::ops::RangeInclusive<i32>) -> Option<i64> {
    let halves = |day: i32| (0..48).map(move |half| i64::from(day) * DAY_S + half * 1_800);
    days.find_map(|day| halves(day).find(|at_s| site.calendar.zone().utc_s(*at_s).is_none()))
}

#[cfg(test)]
mod tests {
    use super::super::faults::FaultLevel;
    use super::super::site::tests::site;
    use super::*;
    use chrono_tz::Tz;

    /// 2024-03-28, three days before the clocks of Berlin are set forward.
    const FIRST: i32 = 19_810;

    /// The texts of dumps by their file.
    type Texts = BTreeMap<(Dump, Option<i32>), Vec<u8>>;

    fn writer(level: FaultLevel, is_daily: bool) -> (DumpWriter, Texts) {
        let site = site(Tz::Europe__Berlin, &[("A", 6, 14), ("B", 14, 22), ("C", 22, 6)]);
        let options = DumpOptions { is_daily, faults: FaultInjector::new(level) };
        let mut writer = DumpWriter::new(site, FIRST, 4, options);
        let mut files = Texts::new();
        for part in writer.by_ref().flatten() {
            if let PartContent::Text(text) = part.content {
                files.entry((part.dump, part.day)).or_default().extend(text);
            }
        }
        (writer, files)
    }

    #[test]
    fn every_line_has_the_fields_of_its_layout() {
        let (_, files) = writer(FaultLevel::None, false);
        for ((dump, _), text) in files {
            let about = dump.about();
            let Dialect::Delimited(delimiter) = about.dialect else { continue };
            let width = about.header.bytes().filter(|byte| *byte == delimiter).count();
            let text = String::from_utf8(text).unwrap();
            assert!(text.ends_with(about.line_end));
            for line in text.split_terminator(about.line_end) {
                let mut is_quoted = false;
                let delimits = |byte: &u8| {
                    is_quoted ^= *byte == b'"';
                    *byte == delimiter && !is_quoted
                };
                assert_eq!(
                    line.as_bytes().iter().copied().filter(delimits).count(),
                    width,
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn daily_files_and_whole_ones_tell_the_same_truth() {
        let truth = |is_daily| {
            let (writer, _) = writer(FaultLevel::None, is_daily);
            writer.truth.tables(&writer.world.site, FIRST + 4)
        };
        assert_eq!(truth(true), truth(false));
    }

    #[test]
    fn dirt_lies_in_records_that_are_there() {
        let (writer, _) = writer(FaultLevel::Filthy, false);
        for fault in &writer.injected {
            let read = writer.balances[&fault.dump].read;
            assert!(fault.record.is_none_or(|record| (1..=read).contains(&record)), "{fault:?}");
        }
        let rejected: u64 = writer.balances.values().map(|balance| balance.rejected).sum();
        let is_rejected =
            |fault: &&InjectedFault| matches!(fault.outcome, Outcome::Rejected { .. });
        assert_eq!(writer.injected.iter().filter(is_rejected).count() as u64, rejected);
        assert!(rejected > 100);
    }
}
