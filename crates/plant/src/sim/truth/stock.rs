//! Quantities and values of the warehouse.

use super::{Lines, Truth, Value};
use crate::sim::dump::date;
use crate::sim::site::Site;
use crate::sim::stock::{BINS, DISC_GROUPS, MaterialRecord, POSTING_GROUPS, StockEntry, UNIT_E4};
use crate::sim::write::erp::push_lot;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The age classes: last day, counted back from the reference day, and name.
const AGES: [(&str, i32, i32); 8] = [
    ("0-30", 0, 30),
    ("31-60", 31, 60),
    ("61-90", 61, 90),
    ("91-180", 91, 180),
    ("181-365", 181, 365),
    ("366-540", 366, 540),
    ("541-720", 541, 720),
    ("over 720", 721, i32::MAX),
];

/// A material as described by the item dump.
#[derive(Debug, Clone, PartialEq, Eq)]
struct About {
    description: Cow<'static, str>,
    disc: &'static str,
    posting: &'static str,
    /// Mean price in ten-thousandths.
    price_e4: Option<i64>,
}

/// The warehouse with its prices.
pub(super) struct StockTruth<'a> {
    site: &'a Site,
    entries: &'a [StockEntry],
    materials: BTreeMap<u16, About>,
}

/// Sums over entries.
#[derive(Debug, Default)]
struct Sums {
    entries: u64,
    quantity_e4: i128,
    /// In hundredths; `None` if no entry has a price.
    value_e2: Option<i128>,
    unpriced_e4: i128,
}

impl Sums {
    fn add(&mut self, entry: &StockEntry, price_e4: Option<i64>) {
        let quantity_e4 = i128::from(entry.quantity_e4);
        self.entries += 1;
        self.quantity_e4 += quantity_e4;
        match price_e4 {
            None => self.unpriced_e4 += quantity_e4,
            Some(price_e4) => {
                let value_e2 = rounded(quantity_e4 * i128::from(price_e4), 1_000_000);
                *self.value_e2.get_or_insert(0) += value_e2;
            }
        }
    }

    fn values(&self) -> [(&'static str, Value<'static>); 4] {
        [
            ("entries", Value::count(self.entries)),
            ("quantity", Value::Decimal(self.quantity_e4, 4)),
            ("value", self.value_e2.map_or(Value::Null, |value| Value::Decimal(value, 2))),
            ("unpriced_quantity", Value::Decimal(self.unpriced_e4, 4)),
        ]
    }
}

/// Quotient rounded to the nearest integer, halves away from zero.
fn rounded(number: i128, by: i128) -> i128 {
    (2 * number.abs() + by) / (2 * by) * number.signum()
}

impl Truth {
    pub(super) fn stock<'a>(&'a self, site: &'a Site) -> StockTruth<'a> {
        let mut records: BTreeMap<u16, Vec<&MaterialRecord>> = BTreeMap::new();
        for record in &self.records {
            records.entry(record.material).or_default().push(record);
        }
        let about = |(material, records): (u16, Vec<&MaterialRecord>)| {
            (material, About::of(site.materials[usize::from(material)].description, &records))
        };
        let materials = records.into_iter().map(about).collect();
        StockTruth { site, entries: &self.entries, materials }
    }
}

impl About {
    fn of(description: &'static str, records: &[&MaterialRecord]) -> Self {
        let prices: Vec<i128> =
            records.iter().filter_map(|it| it.unit_price).map(i128::from).collect();
        let count = prices.len() as i128;
        let sum: i128 = prices.iter().sum();
        let mean_e4 = (count > 0).then(|| rounded(sum * i128::from(UNIT_E4), count) as i64);
        let names = records.iter().map(|it| it.description(description));
        let discs = records.iter().map(|it| DISC_GROUPS[usize::from(it.disc)]);
        let postings = records.iter().map(|it| POSTING_GROUPS[usize::from(it.posting)]);
        Self {
            description: most_frequent(names),
            disc: most_frequent(discs),
            posting: most_frequent(postings),
            price_e4: mean_e4,
        }
    }
}

/// The most frequent value; of equally frequent ones the first in ascending order.
fn most_frequent<T: Ord + Default>(values: impl Iterator<Item = T>) -> T {
    let mut counts: BTreeMap<T, u32> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    // `max_by_key` returns the last of equals, hence the reversed order.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or_else(T::default, |it| it.0)
}

impl StockTruth<'_> {
    fn price_e4(&self, entry: &StockEntry) -> Option<i64> {
        self.materials.get(&entry.material).and_then(|about| about.price_e4)
    }

    fn grouped<K: Ord>(&self, key: impl Fn(&StockEntry) -> K) -> BTreeMap<K, Sums> {
        let mut groups: BTreeMap<K, Sums> = BTreeMap::new();
        for entry in self.entries {
            groups.entry(key(entry)).or_default().add(entry, self.price_e4(entry));
        }
        groups
    }

    pub(super) fn by_category(&self) -> String {
        let of = |entry: &StockEntry| {
            let about = self.materials.get(&entry.material);
            (about.map(|about| about.disc), about.map(|about| about.posting))
        };
        let mut items: BTreeMap<_, BTreeSet<u16>> = BTreeMap::new();
        for entry in self.entries {
            items.entry(of(entry)).or_default().insert(entry.material);
        }
        let mut lines = Lines::default();
        for (group, sums) in self.grouped(of) {
            let count = items.get(&group).map_or(0, BTreeSet::len) as u64;
            let head = [
                ("disc_group", Value::text(group.0)),
                ("posting_group", Value::text(group.1)),
                ("items", Value::count(count)),
            ];
            lines.push(&head.into_iter().chain(sums.values()).collect::<Vec<_>>());
        }
        lines.0
    }

    pub(super) fn by_bin(&self) -> String {
        let mut lines = Lines::default();
        for (bin, sums) in self.grouped(|entry| entry.bin.map(|bin| BINS[usize::from(bin)])) {
            let head = [("bin", Value::text(bin))];
            lines.push(&head.into_iter().chain(sums.values()).collect::<Vec<_>>());
        }
        lines.0
    }

    pub(super) fn by_lot(&self) -> String {
        let of = |entry: &StockEntry| (entry.lot, entry.material);
        let mut days: BTreeMap<_, (i32, i32)> = BTreeMap::new();
        for entry in self.entries {
            let seen = days.entry(of(entry)).or_insert((entry.day, entry.day));
            *seen = (seen.0.min(entry.day), seen.1.max(entry.day));
        }
        let mut lines = Lines::default();
        for (group, sums) in self.grouped(of) {
            let (lot, material) = group;
            let mut name = Vec::new();
            push_lot(&mut name, lot);
            let name = String::from_utf8_lossy(&name).into_owned();
            let (first, last) = days.get(&group).copied().unwrap_or_default();
            let (first, last) = (date(first).to_string(), date(last).to_string());
            let about = self.materials.get(&material);
            let head = [
                ("lot_no", Value::text(lot.map(|_| name.as_str()))),
                ("item_no", Value::Text(&self.site.materials[usize::from(material)].no)),
                ("description", Value::text(about.map(|about| about.description.as_ref()))),
                ("first_registered_on", Value::Text(&first)),
                ("last_registered_on", Value::Text(&last)),
            ];
            lines.push(&head.into_iter().chain(sums.values()).collect::<Vec<_>>());
        }
        lines.0
    }

    pub(super) fn ageing(&self, as_of: i32) -> String {
        let of = |entry: &StockEntry| {
            let age = as_of - entry.day;
            AGES.iter().position(|(_, from, to)| (*from..=*to).contains(&age))
        };
        let today = date(as_of).to_string();
        let mut lines = Lines::default();
        for (bucket, sums) in self.grouped(of) {
            let (name, from) = bucket.map_or(("after the as-of day", -1), |at| {
                let (name, from, _) = AGES[at];
                (name, from)
            });
            let head = [
                ("as_of", Value::Text(&today)),
                ("age_bucket", Value::Text(name)),
                ("age_from_d", Value::Whole(from.into())),
            ];
            lines.push(&head.into_iter().chain(sums.values()).collect::<Vec<_>>());
        }
        lines.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (number, by, expected) in [(5, 10, 1), (-5, 10, -1), (4, 10, 0), (7, 2, 4), (0, 3, 0)] {
            assert_eq!(rounded(number, by), expected, "{number} / {by}");
        }
    }

    #[test]
    fn the_most_frequent_value_wins_and_of_equals_the_first() {
        assert_eq!(most_frequent(["b", "a", "b"].into_iter()), "b");
        assert_eq!(most_frequent(["b", "a"].into_iter()), "a");
    }
}
