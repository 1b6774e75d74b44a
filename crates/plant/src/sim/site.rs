//! Master data of the simulated plant: units, items, materials and working hours.

use super::random::{Purpose, Rng, generator, happens, pick, shuffled};
use crate::calendar::Calendar;
use crate::time::{DAY_S, HOUR_S, MINUTE_S};
use rand::RngExt as _;

/// The station families of the reference plant.
pub const FAMILIES: [&str; 5] = ["TS", "BC", "EP", "EE", "SB"];
const COUNTRIES: [&str; 6] = ["BR", "CH", "IN", "JP", "UK", "US"];
const DESCRIPTIONS: [&str; 12] = [
    "STATIC SHIELDED BAGS OF SIZE 280x220",
    "RoHS,Label, 4X6 inch",
    "RoHSLabel, 3.5 X 1 inch blank (outer box labels/",
    "RoHS,Security Tape",
    "RoHS,DRAM-1",
    "OTCT-377*192*309MM-200PCS DIMM-Y",
    "INCT-CB-293*216*90-SHIPPER SODIMM 2-PK TRAY-Y",
    "ROHS,Attention Tape",
    "RoHS CARTON,SINGLE OUTPUT  PSU",
    "RoHS PCB BOARD, IQ CONTROLLER",
    "FUJI-FILTER 02",
    "OTCT-650*478*228MM-1000PCS SODIMM-Y",
];

/// 1970-01-01 was a Thursday; the plant rests on Sundays.
const SUNDAY: i32 = 3;
const WEEK: i32 = 7;
/// Rest days besides Sundays.
const HOLIDAYS_PER_100K: u32 = 2_500;

/// Size of the plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Machines that make boards.
    pub units: u16,
    /// Items the plant makes.
    pub items: u16,
    /// Materials in the warehouse.
    pub materials: u16,
    /// Warehouse entries before the first day; each day adds a hundredth of them.
    pub entries: u32,
    /// Mean ideal cycle time of a board in seconds.
    pub cycle_s: u32,
}

/// Size of the reference plant.
impl Default for Size {
    fn default() -> Self {
        Self { units: 5, items: 100, materials: 386, entries: 12_000, cycle_s: 25 }
    }
}

/// Master data of a plant.
#[derive(Debug, Clone)]
pub struct Site {
    pub seed: u64,
    pub size: Size,
    pub calendar: Calendar,
    pub units: Vec<SiteUnit>,
    pub items: Vec<Item>,
    pub materials: Vec<Material>,
}

/// A machine, which is also a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteUnit {
    /// Name, such as `TS-0001`.
    pub code: String,
    /// Index into [`FAMILIES`].
    pub family: usize,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name, such as `Items-EE-07197264-UK`.
    pub id: String,
    pub family: usize,
    pub country: &'static str,
    /// Ideal cycle time of a board.
    pub ideal_cycle_ms: u32,
    /// Whether its boards have components on both sides.
    pub is_two_sided: bool,
}

/// A material in the warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    pub no: String,
    pub description: &'static str,
    /// Whether it is counted in pieces; otherwise it is measured in liters.
    pub is_counted: bool,
    /// Whether it is in the item dump.
    pub is_listed: bool,
    /// Whether it has a price.
    pub is_priced: bool,
}

/// A shift on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkWindow {
    pub from_s: i64,
    pub to_s: i64,
    /// Index of the shift in the calendar.
    pub shift: u16,
    /// Breaks in order.
    pub breaks: Vec<(i64, i64)>,
}

impl Site {
    /// Creates the master data for a seed.
    pub fn new(seed: u64, size: Size, calendar: Calendar) -> Self {
        let mut rng = generator(seed, Purpose::Item, 0, 0);
        let items = (0..size.items).map(|number| item(number, &size, &mut rng)).collect();
        let mut rng = generator(seed, Purpose::Material, 0, 0);
        let material = |number| material(number, &mut rng);
        let materials = (0..size.materials).map(material).collect();
        let units = (0..size.units).map(unit).collect();
        Self { seed, size, calendar, units, items, materials }
    }

    /// Converts UTC to plant time, in seconds since 1970-01-01T00:00:00.
    pub fn local_s(&self, utc_s: i64) -> i64 {
        utc_s + i64::from(self.calendar.zone().offset_s(utc_s))
    }

    /// Converts plant time to UTC: the first of two times if ambiguous, an hour later if the time
    /// does not exist.
    pub fn utc_s(&self, local_s: i64) -> i64 {
        let zone = self.calendar.zone();
        let later = || zone.utc_s(local_s + HOUR_S).unwrap_or(local_s);
        zone.utc_s(local_s).unwrap_or_else(later)
    }

    /// Whether the plant rests on a day.
    pub fn is_holiday(&self, day: i32) -> bool {
        let mut rng = generator(self.seed, Purpose::Holiday, day, 0);
        day.rem_euclid(WEEK) == SUNDAY || happens(&mut rng, HOLIDAYS_PER_100K)
    }

    /// The shifts that start on a day, in order; none on a holiday.
    pub fn windows(&self, day: i32) -> Vec<WorkWindow> {
        if self.is_holiday(day) {
            return Vec::new();
        }
        let midnight = i64::from(day) * DAY_S;
        let mut windows = Vec::new();
        for (number, shift) in (0..).zip(self.calendar.shifts()) {
            let from = midnight + i64::from(shift.start_min) * MINUTE_S;
            let next_day = if shift.end_min <= shift.start_min { DAY_S } else { 0 };
            let to = midnight + i64::from(shift.end_min) * MINUTE_S + next_day;
            let (from_s, to_s) = (self.utc_s(from), self.utc_s(to));
            let breaks = breaks(from_s, to_s);
            windows.push(WorkWindow { from_s, to_s, shift: number, breaks });
        }
        windows.sort_by_key(|window| window.from_s);
        windows
    }

    /// The items a unit can make; all items if there are none of its family.
    pub fn items_of(&self, unit: usize) -> Vec<u16> {
        let family = self.units[unit].family;
        let own = |number: &u16| self.items[usize::from(*number)].family == family;
        let mut found: Vec<u16> = (0..self.size.items).filter(own).collect();
        if found.is_empty() {
            found = (0..self.size.items).collect();
        }
        found
    }
}

/// Half an hour in the middle of a shift; an hour in shifts of ten hours or more, plus half an hour
/// after three quarters.
fn breaks(from_s: i64, to_s: i64) -> Vec<(i64, i64)> {
    let hours = (to_s - from_s) / HOUR_S;
    let at = |hour: i64| from_s + hour * HOUR_S;
    let half = HOUR_S / 2;
    match hours {
        ..4 => Vec::new(),
        4..10 => vec![(at(hours / 2), at(hours / 2) + half)],
        _ => {
            let (first, second) = (at(hours / 2 - 2), at(hours * 3 / 4));
            vec![(first, first + HOUR_S), (second, second + half)]
        }
    }
}

fn unit(number: u16) -> SiteUnit {
    let family = usize::from(number) % FAMILIES.len();
    let place = usize::from(number) / FAMILIES.len() + 1;
    SiteUnit { code: format!("{}-{place:04}", FAMILIES[family]), family }
}

fn item(number: u16, size: &Size, rng: &mut Rng) -> Item {
    let family = usize::from(number) % FAMILIES.len();
    let country = *pick(rng, &COUNTRIES);
    let digits = shuffled(number.into(), 6_180_339, rng.random_range(0..1_000), 10_000_000);
    let percent = rng.random_range(60..=140_u32);
    Item {
        id: format!("Items-{}-{digits:08}-{country}", FAMILIES[family]),
        family,
        country,
        ideal_cycle_ms: (size.cycle_s * percent * 10).max(1_000),
        is_two_sided: happens(rng, 40_000),
    }
}

fn material(number: u16, rng: &mut Rng) -> Material {
    let no = 100_000 + shuffled(number.into(), 6_187, 0, 90_000);
    Material {
        no: no.to_string(),
        description: DESCRIPTIONS[usize::from(number) % DESCRIPTIONS.len()],
        is_counted: !happens(rng, 5_000),
        is_listed: number == 0 || !happens(rng, 4_000),
        is_priced: number == 0 || !happens(rng, 4_000),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::calendar::Shift;
    use chrono_tz::Tz;
    use std::collections::HashSet;

    pub fn site(zone: Tz, shifts: &[(&str, u16, u16)]) -> Site {
        let shift = |(name, start, end): &(&str, u16, u16)| Shift {
            name: (*name).to_owned(),
            start_min: start * 60,
            end_min: end * 60,
            ..Shift::default()
        };
        let calendar = Calendar::new(zone, shifts.iter().map(shift).collect()).unwrap();
        let size = Size { units: 5, items: 20, materials: 30, entries: 100, cycle_s: 120 };
        Site::new(1, size, calendar)
    }

    #[test]
    fn names_are_unique() {
        let site = site(Tz::Asia__Kolkata, &[("G", 9, 21)]);
        let items: HashSet<&String> = site.items.iter().map(|item| &item.id).collect();
        let materials: HashSet<&String> = site.materials.iter().map(|it| &it.no).collect();
        assert_eq!((items.len(), materials.len()), (20, 30));
        assert_eq!(site.units[0].code, "TS-0001");
        assert_eq!(unit(5).code, "TS-0002");
    }

    #[test]
    fn shifts_start_at_local_time() {
        let site = site(Tz::Europe__Berlin, &[("A", 6, 14), ("B", 14, 22), ("C", 22, 6)]);
        // 2024-10-26, the night in which clocks are set back; 2024-10-27 is a Sunday.
        let windows = site.windows(20_022);
        let hours: Vec<i64> = windows.iter().map(|it| (it.to_s - it.from_s) / HOUR_S).collect();
        assert_eq!(hours, [8, 8, 9]);
        assert!(site.windows(20_023).is_empty());
        assert_eq!(windows[0].breaks.len(), 1);
        assert_eq!(site.local_s(windows[2].to_s) % DAY_S, 6 * HOUR_S);
    }
}
