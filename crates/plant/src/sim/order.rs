//! Work orders.

use super::random::{Purpose, generator, happens, pick, shuffled};
use super::site::Site;
use rand::RngExt as _;

/// Range of order numbers, which have six digits.
const NUMBERS: u64 = 900_000;
const FIRST_NUMBER: u64 = 100_000;
const NUMBER_FACTOR: u64 = 618_031;
/// Boards of an order: a sixth to half of a shift of twelve hours.
const LENGTH_S: std::ops::Range<u32> = 7_200..21_600;

/// An order to make boards of one item at one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Number of six digits; the name of the order is `W-` and this number.
    pub number: u32,
    pub item: u16,
    pub unit: u16,
    pub line_no: u16,
    /// Boards ordered.
    pub quantity: u32,
    /// Boards that will be made; fewer than ordered if the order will be closed short.
    pub aim: u32,
    /// Boards made so far.
    pub made: u32,
    pub started_s: Option<i64>,
    pub ended_s: Option<i64>,
    pub is_blocked: bool,
    pub routing: Option<u16>,
    /// Price of a board in whole currency units.
    pub unit_price: u16,
    pub is_moisture_locked: bool,
    /// Whether the next dump has to include it again.
    pub is_changed: bool,
}

impl Order {
    /// Creates the `index`-th order of the plant, for one unit.
    pub fn new(site: &Site, index: u32, unit: u16, items: &[u16]) -> Self {
        let mut rng = generator(site.seed, Purpose::Order, index.cast_signed(), unit.into());
        let item = *pick(&mut rng, items);
        let cycle_ms = site.items[usize::from(item)].ideal_cycle_ms;
        let quantity = (rng.random_range(LENGTH_S) * 1_000 / cycle_ms).max(2);
        let is_short = happens(&mut rng, 4_000);
        let offset = site.seed % NUMBERS;
        let number = FIRST_NUMBER + shuffled(index.into(), NUMBER_FACTOR, offset, NUMBERS);
        let routing = rng.random_range(1..5_000_u16);
        Self {
            number: number as u32,
            item,
            unit,
            line_no: if happens(&mut rng, 34_000) { 100 } else { 10 },
            quantity,
            aim: if is_short { (quantity * 3 / 4).max(1) } else { quantity },
            made: 0,
            started_s: None,
            ended_s: None,
            is_blocked: happens(&mut rng, 3_000),
            routing: (!happens(&mut rng, 40_000)).then_some(routing),
            unit_price: rng.random_range(1..1_000),
            is_moisture_locked: happens(&mut rng, 18_000),
            is_changed: true,
        }
    }

    /// Boards canceled by closing the order short.
    pub fn short_closed(&self) -> u32 {
        if self.ended_s.is_some() { self.quantity - self.made } else { 0 }
    }

    /// Boards still to be made.
    pub fn left(&self) -> u32 {
        self.aim.saturating_sub(self.made)
    }
}
