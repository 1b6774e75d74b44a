//! The warehouse: receipts, issues and the material records of the ERP.

use super::random::{Purpose, Rng, generator, happens, pick};
use super::site::Site;
use rand::RngExt as _;
use std::borrow::Cow;

pub const POSTING_GROUPS: [&str; 3] = ["RM", "PM", "CN"];
pub const DISC_GROUPS: [&str; 5] = ["D654", "D655", "D666", "D667", "D668"];
pub const BINS: [&str; 6] = ["TMG", "IGS", "A-01", "A-02", "B-01", "B-02"];
pub const BOMS: [&str; 2] = ["1000456-SMT", "1000457-SMT"];

/// Quantities are in ten-thousandths of a unit.
pub const UNIT_E4: i64 = 10_000;
/// Maximum number of records per material, so that the rounding of their mean price has no ties.
const MAX_RECORDS: usize = 30;
const OLDEST_D: i32 = 800;
const LOTS: u16 = 280;
const RECEIPTS: [i64; 4] = [175, 200, 250, 1_000];
const ISSUE_PER_100K: u32 = 30_000;
const NO_BIN_PER_100K: u32 = 2_000;
const NO_LOT_PER_100K: u32 = 3_000;
const BOM_LINES_PER_MATERIAL: usize = 2;

/// A warehouse entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockEntry {
    pub no: u64,
    pub material: u16,
    /// Day of registration, plant time.
    pub day: i32,
    /// Index into [`BINS`].
    pub bin: Option<u8>,
    pub lot: Option<u16>,
    /// Quantity received; negative if issued.
    pub quantity_e4: i64,
    /// End of warranty and expiry, plant time.
    pub warranty_local_s: i64,
    pub expires_local_s: i64,
    pub is_issue: bool,
}

/// A record of the item dump of the ERP; a material has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaterialRecord {
    pub material: u16,
    /// Index into [`POSTING_GROUPS`].
    pub posting: u8,
    /// Index into [`DISC_GROUPS`].
    pub disc: u8,
    /// Whether the record has another description than the material.
    pub is_renamed: bool,
    /// In whole currency units.
    pub unit_price: Option<u32>,
    pub unit_cost: u32,
    /// Index into [`BOMS`].
    pub bom: Option<u8>,
}

impl MaterialRecord {
    /// The description in the record, given that of the material.
    pub fn description(&self, description: &'static str) -> Cow<'static, str> {
        if self.is_renamed {
            Cow::Owned(format!("{description} (OLD)"))
        } else {
            Cow::Borrowed(description)
        }
    }
}

/// A line of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BomLine {
    pub line_no: u32,
    pub bom: Option<u8>,
    pub material: u16,
    pub quantity: u16,
    pub quantity_per: u16,
    pub lead_time_d: u8,
    pub starts_on: i32,
    pub ends_on: i32,
}

/// The warehouse and its records in the ERP.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    entries: u64,
    pub records: Vec<MaterialRecord>,
    pub bom_lines: Vec<BomLine>,
    records_of: Vec<usize>,
}

impl Stock {
    /// Creates the stock before the first day and appends its entries to `out`.
    pub fn opening(site: &Site, first_day: i32, out: &mut Vec<StockEntry>) -> Self {
        let mut stock = Self { records_of: vec![0; site.materials.len()], ..Self::default() };
        let mut rng = generator(site.seed, Purpose::Stock, first_day, 1);
        for _ in 0..site.size.entries {
            let day = first_day - rng.random_range(1..OLDEST_D);
            out.push(stock.entry(site, day, &mut rng));
        }
        for material in 0..site.size.materials {
            for _ in 0..rng.random_range(1..MAX_RECORDS / 2) {
                stock.record(site, material, &mut rng);
            }
            for _ in 0..BOM_LINES_PER_MATERIAL {
                stock.bom_lines.push(bom_line(material, first_day, &mut rng));
            }
        }
        stock
    }

    /// Appends the entries of a day.
    pub fn day(&mut self, site: &Site, day: i32, out: &mut Vec<StockEntry>) {
        let mut rng = generator(site.seed, Purpose::Stock, day, 0);
        for _ in 0..=site.size.entries / 100 {
            out.push(self.entry(site, day, &mut rng));
        }
        for _ in 0..3 {
            let material = rng.random_range(0..site.size.materials);
            self.record(site, material, &mut rng);
        }
    }

    fn entry(&mut self, site: &Site, day: i32, rng: &mut Rng) -> StockEntry {
        self.entries += 1;
        let material = rng.random_range(0..site.size.materials);
        let is_issue = happens(rng, ISSUE_PER_100K);
        let is_counted = site.materials[usize::from(material)].is_counted;
        let received_e4 = *pick(rng, &RECEIPTS) * UNIT_E4;
        let issued_e4 = -rng.random_range(1..200) * UNIT_E4;
        let part_e4 = if is_counted { 0 } else { rng.random_range(0..UNIT_E4) };
        let midnight = i64::from(day) * 86_400;
        let minute_in = |days: std::ops::Range<i64>, rng: &mut Rng| {
            midnight + rng.random_range(days.start * 1_440..days.end * 1_440) * 60
        };
        StockEntry {
            no: self.entries,
            material,
            day,
            bin: (!happens(rng, NO_BIN_PER_100K)).then(|| rng.random_range(0..BINS.len() as u8)),
            lot: (!happens(rng, NO_LOT_PER_100K)).then(|| rng.random_range(1..LOTS)),
            quantity_e4: part_e4 + if is_issue { issued_e4 } else { received_e4 },
            warranty_local_s: minute_in(900..1_500, rng),
            expires_local_s: minute_in(300..1_200, rng),
            is_issue,
        }
    }

    fn record(&mut self, site: &Site, material: u16, rng: &mut Rng) {
        let about = &site.materials[usize::from(material)];
        let records = &mut self.records_of[usize::from(material)];
        if !about.is_listed || *records >= MAX_RECORDS {
            return;
        }
        *records += 1;
        let unit_price = about.is_priced && !happens(rng, 3_000);
        self.records.push(MaterialRecord {
            material,
            posting: rng.random_range(0..POSTING_GROUPS.len() as u8),
            disc: rng.random_range(0..DISC_GROUPS.len() as u8),
            is_renamed: happens(rng, 8_000),
            unit_price: unit_price.then(|| rng.random_range(200..700)),
            unit_cost: rng.random_range(2_400..4_000),
            bom: (!happens(rng, 33_000)).then(|| rng.random_range(0..BOMS.len() as u8)),
        });
    }
}

fn bom_line(material: u16, first_day: i32, rng: &mut Rng) -> BomLine {
    BomLine {
        line_no: rng.random_range(1..1_200) * 10_000,
        bom: (!happens(rng, 33_000)).then(|| rng.random_range(0..BOMS.len() as u8)),
        material,
        quantity: rng.random_range(1..100),
        quantity_per: rng.random_range(1..100),
        lead_time_d: rng.random_range(10..16),
        starts_on: first_day - rng.random_range(500..900),
        ends_on: first_day + rng.random_range(500..900),
    }
}
