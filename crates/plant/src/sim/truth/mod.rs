//! Ground truth: the expected rows of every gold table.
//!
//! *In*: the events, record by record, and which of their records are readable in the dumps. *Out*:
//! the rows of each gold table as lines of JSON. *Promise*: computed from the events of the plant,
//! without reading dumps or running SQL.

mod losses;
mod machine;
mod oee;
mod production;
mod quality;
mod rate;
mod spc;
mod stock;
mod time;

use super::board::{DEFECTS, Inspection, Verdict};
use super::machine::MachineEvent;
use super::order::Order;
use super::plan::PlanRow;
use super::site::Site;
use super::stock::{MaterialRecord, StockEntry};
use super::write::mes::needs_reinspection;
use oee::Each;
use std::collections::{BTreeMap, HashMap};
use time::utilisation_hourly;

/// An hour of plant time: day, hour, and index of the shift.
type Hour = (i32, i32, Option<u16>);

/// A day and an hour of plant time.
type Clock = (i32, i32);

/// Production day, index of the shift, and unit.
type ShiftOf = (i32, Option<u16>, u16);

/// Planned boards: quantity and number of rows.
#[derive(Debug, Clone, Copy, Default)]
struct Planned {
    boards: u64,
    rows: u64,
}

/// Counts of inspections.
#[derive(Debug, Clone, Copy, Default)]
struct Looks {
    inspected: u64,
    passed: u64,
    unknown: u64,
    reinspected: u64,
    deviations: u64,
}

/// Boards of an order as known from the dumps.
#[derive(Debug, Clone, Copy, Default)]
struct Boards {
    made: u64,
    first_s: i64,
    last_s: i64,
}

/// An order as known from the dumps.
#[derive(Debug, Clone)]
struct Seen {
    order: Order,
    started_local_s: Option<i64>,
}

/// Everything that can be known from the dumps.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    planned: HashMap<(Hour, u16, u16, u32), Planned>,
    made: HashMap<(Hour, u16, u32), u64>,
    looks: HashMap<(Hour, u16), Looks>,
    /// Verdicts of the quality system on the inspections of the current day.
    verdict_by_inspection: HashMap<u64, (Verdict, Option<u8>)>,
    /// Boards made by verdict (good, scrap, rework, unknown), by production day, shift, unit, hour
    /// and order.
    verdicts: HashMap<(ShiftOf, Clock, u32), [i64; 4]>,
    /// Bad boards by production day, unit, defect and verdict.
    defects: BTreeMap<(i32, u16, Option<&'static str>, &'static str), u64>,
    /// Time of the first and the last inspection at a unit.
    seen_s: HashMap<u16, (i64, i64)>,
    /// Items with a known ideal cycle time.
    cycle_times: Vec<u16>,
    boards: HashMap<u32, Boards>,
    orders: BTreeMap<u32, Seen>,
    /// Numbers of all existing orders.
    numbers: Vec<u32>,
    /// By unit and start.
    events: BTreeMap<(u16, i64), MachineEvent>,
    entries: Vec<StockEntry>,
    records: Vec<MaterialRecord>,
}

impl Truth {
    /// Adds a row of the plan.
    pub fn plan(&mut self, row: &PlanRow) {
        let hour = (row.day, i32::from(row.hour), Some(row.shift));
        let planned = self.planned.entry((hour, row.unit, row.item, row.order)).or_default();
        planned.boards += u64::from(row.quantity);
        planned.rows += 1;
    }

    /// Sets the names of all orders, whether or not the dumps contain them.
    pub fn name_orders(&mut self, orders: &[Order]) {
        let new = &orders[self.numbers.len().min(orders.len())..];
        self.numbers.extend(new.iter().map(|order| order.number));
    }

    /// Adds or replaces an order. `local_s` is its start in plant time.
    pub fn order(&mut self, index: u32, order: &Order, started_local_s: Option<i64>) {
        self.orders.insert(index, Seen { order: order.clone(), started_local_s });
    }

    /// Adds the record of an inspection, and of its stage if that is readable. Its time is in plant
    /// time; if ambiguous, readers take the first.
    pub fn inspection(&mut self, site: &Site, of: &Inspection, has_stage: bool) {
        let at_s = site.utc_s(site.local_s(of.at_s));
        let parts = site.calendar.local_parts(at_s * 1_000_000);
        let hour = (parts.day, parts.hour, parts.shift);
        let seen = self.seen_s.entry(of.unit).or_insert((at_s, at_s));
        *seen = (seen.0.min(at_s), seen.1.max(at_s));
        let looks = self.looks.entry((hour, of.unit)).or_default();
        looks.inspected += 1;
        looks.passed += u64::from(of.verdict == Verdict::Good);
        looks.unknown += u64::from(of.verdict == Verdict::Unknown);
        looks.reinspected += u64::from(needs_reinspection(of));
        looks.deviations += u64::from(of.is_deviation);
        if !has_stage || of.surface != 1 {
            return;
        }
        *self.made.entry((hour, of.unit, of.order)).or_default() += 1;
        let shift = (parts.production_day, parts.shift, of.unit);
        self.judge(of, shift, (parts.day, parts.hour));
        let boards = self.boards.entry(of.order).or_default();
        boards.first_s = if boards.made == 0 { at_s } else { boards.first_s.min(at_s) };
        boards.last_s = if boards.made == 0 { at_s } else { boards.last_s.max(at_s) };
        boards.made += 1;
    }

    /// Counts a board by the verdict of the quality system, if there is one.
    fn judge(&mut self, of: &Inspection, shift: ShiftOf, clock: Clock) {
        let (verdict, defect) =
            self.verdict_by_inspection.get(&of.id).copied().unwrap_or((Verdict::Unknown, None));
        let column = match verdict {
            Verdict::Good => 0,
            Verdict::Scrap => 1,
            Verdict::Rework => 2,
            Verdict::Unknown => 3,
        };
        self.verdicts.entry((shift, clock, of.order)).or_default()[column] += 1;
        if let (Verdict::Scrap | Verdict::Rework, Some(word)) = (verdict, verdict.as_str()) {
            let defect = defect.map(|defect| DEFECTS[usize::from(defect)]);
            *self.defects.entry((shift.0, of.unit, defect, word)).or_default() += 1;
        }
    }

    /// Adds the verdict of the quality system on an inspection, before the record of the
    /// inspection.
    pub fn verdict(&mut self, of: &Inspection) {
        self.verdict_by_inspection.insert(of.id, (of.verdict, of.defect));
    }

    /// The ideal cycle time of the boards of an order, if its item and the time of that item are
    /// known.
    fn ideal_ms(&self, site: &Site, order: u32) -> Option<i64> {
        let item = self.orders.get(&order)?.order.item;
        let is_known = self.cycle_times.contains(&item);
        is_known.then(|| i64::from(site.items[usize::from(item)].ideal_cycle_ms))
    }

    /// Ends a day after all of its records were added.
    pub fn day_is_over(&mut self) {
        self.verdict_by_inspection.clear();
    }

    /// Adds the ideal cycle time of an item.
    pub fn cycle_time(&mut self, item: u16) {
        self.cycle_times.push(item);
    }

    /// Adds a machine state; it replaces one with the same start.
    pub fn event(&mut self, event: &MachineEvent) {
        self.events.insert((event.unit, event.from_s), *event);
    }

    /// Adds a warehouse entry.
    pub fn entry(&mut self, entry: &StockEntry) {
        self.entries.push(*entry);
    }

    /// Replaces the item dump.
    pub fn materials(&mut self, records: Vec<MaterialRecord>) {
        self.records = records;
    }

    /// The rows of every gold table as lines of JSON, with the name of the table. Ages are computed
    /// for the day `as_of`.
    pub fn tables(&self, site: &Site, as_of: i32) -> Vec<(&'static str, String)> {
        let production = self.production(site);
        let stock = self.stock(site);
        let time = self.time(site);
        vec![
            ("production_hourly", production.hourly()),
            ("production_daily", production.daily()),
            ("top_items_daily", production.top_items()),
            ("quality_hourly", self.quality(site)),
            ("machine_time_daily", self.machine_time(site)),
            ("time_ledger", self.time_ledger(site, &time)),
            ("utilisation_hourly", utilisation_hourly(site, &time)),
            ("oee_hourly", self.oee(site, &time, Each::Hour)),
            ("oee_shift", self.oee(site, &time, Each::Shift)),
            ("losses_shift", self.losses_shift(site, &time)),
            ("production_rate", self.production_rate(site, &time)),
            ("quality_daily", self.quality_daily(site)),
            ("defects_daily", self.defects_daily(site)),
            ("spc_yield", self.spc(site, &time, false)),
            ("spc", self.spc(site, &time, true)),
            ("work_order_progress", self.progress(site)),
            ("inventory_by_category", stock.by_category()),
            ("inventory_by_bin", stock.by_bin()),
            ("inventory_by_lot", stock.by_lot()),
            ("inventory_ageing", stock.ageing(as_of)),
        ]
    }
}

/// Lines of JSON being built.
#[derive(Debug, Default)]
struct Lines(String);

/// A value of a row.
enum Value<'a> {
    Null,
    Whole(i64),
    /// A decimal number: units of the last of this many decimal places.
    Decimal(i128, u32),
    Real(f64),
    Flag(bool),
    Text(&'a str),
}

impl Lines {
    fn push(&mut self, row: &[(&str, Value<'_>)]) {
        for (number, (name, value)) in row.iter().enumerate() {
            self.0.push_str(if number == 0 { "{\"" } else { ",\"" });
            self.0.push_str(name);
            self.0.push_str("\":");
            self.value(value);
        }
        self.0.push_str("}\n");
    }

    fn value(&mut self, value: &Value<'_>) {
        match value {
            Value::Null => self.0.push_str("null"),
            Value::Whole(number) => self.0.push_str(&number.to_string()),
            // `Debug` keeps the decimal point of whole numbers, as JSON expects.
            Value::Real(number) => self.0.push_str(&format!("{number:?}")),
            Value::Flag(is_so) => self.0.push_str(if *is_so { "true" } else { "false" }),
            Value::Text(text) => {
                self.0.push('"');
                self.0.push_str(text);
                self.0.push('"');
            }
            Value::Decimal(number, places) => {
                let one = 10_u128.pow(*places);
                let sign = if *number < 0 { "-" } else { "" };
                let (whole, part) = (number.unsigned_abs() / one, number.unsigned_abs() % one);
                let width = *places as usize;
                self.0.push_str(&format!("{sign}{whole}.{part:0width$}"));
            }
        }
    }
}

impl<'a> Value<'a> {
    fn count(count: u64) -> Self {
        Self::Whole(count.cast_signed())
    }

    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

/// A timestamp in JSON.
fn moment(at_s: i64) -> String {
    let at = chrono::DateTime::from_timestamp(at_s, 0).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
