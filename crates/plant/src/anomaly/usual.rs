//! The usual extreme of a statistic.
//!
//! Time is divided into blocks. The largest value of the statistic in a block is an extreme; its
//! logarithm has a mean, a deviation by time of day, and a spread, which are learned robustly. A
//! value is judged by the distance of its logarithm from the usual extreme, in spreads. So no
//! distribution of the statistic itself is assumed, and the result does not depend on its unit.

/// Blocks of a day, each with an extreme of its own.
pub const SLOTS: usize = 8;

/// Blocks before values are judged.
const BLOCKS_MIN: u16 = 6;

/// Blocks until the mean and the spread are learned as slowly as they are later: a week.
const MEMORY_BLOCKS: f32 = 56.0;

/// Days until the deviation of a slot is learned as slowly as it is later.
const MEMORY_DAYS: f32 = 7.0;

/// A smaller spread, of logarithms, counts as this: extremes differ by a fifth by chance.
const SPREAD_MIN: f32 = 0.2;

/// The spread before anything is learned, of logarithms.
const SPREAD_FIRST: f32 = 0.6;

/// An extreme counts at most so many spreads above the usual one while learning, so that a fault
/// does not become usual.
const LEARN_SPREADS_MAX: f32 = 1.5;

/// The usual extreme of a statistic by time of day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// Logarithm of the largest value in the running block.
    block_max: f32,
    /// Mean logarithm of the extremes of blocks.
    mean: f32,
    /// Mean absolute deviation of the logarithms.
    spread: f32,
    /// Mean deviation of the blocks of a slot.
    slots: [f32; SLOTS],
    /// Logarithm of the extreme of a slot on the day before.
    days_before: [f32; SLOTS],
    blocks: u16,
}

impl Usual {
    pub const fn new() -> Self {
        Self {
            block_max: f32::NEG_INFINITY,
            mean: 0.0,
            spread: SPREAD_FIRST,
            slots: [0.0; SLOTS],
            days_before: [f32::NEG_INFINITY; SLOTS],
            blocks: 0,
        }
    }

    /// Adds a value, which is greater than 0, and returns how far it exceeds the usual extreme of
    /// its time of day, in spreads: 0 within it and while too few blocks are known.
    pub fn judge(&mut self, value: f64, slot: usize) -> f32 {
        let log = log(value);
        self.block_max = self.block_max.max(log);
        self.excess(log, slot)
    }

    /// As [`Usual::judge`], without adding the value.
    pub fn look(&self, value: f64, slot: usize) -> f32 {
        self.excess(log(value), slot)
    }

    fn excess(&self, log: f32, slot: usize) -> f32 {
        if self.blocks < BLOCKS_MIN {
            return 0.0;
        }
        let spread =
            self.spread.max(SPREAD_MIN) * (1.0 + f32::from(BLOCKS_MIN) / f32::from(self.blocks));
        ((log - self.at(slot)) / spread).max(0.0)
    }

    /// Logarithm of the usual extreme in a slot. The slots beside it count too, because the daily
    /// cycle does not begin at the minute.
    fn at(&self, slot: usize) -> f32 {
        let beside = |step: usize| self.slots[(slot + step) % SLOTS] * 0.7;
        self.mean + self.slots[slot % SLOTS].max(beside(1)).max(beside(SLOTS - 1))
    }

    /// The usual extreme in a slot, `None` until the first block ends.
    pub fn extreme(&self, slot: usize) -> Option<f64> {
        (self.blocks > 0).then(|| f64::from(self.at(slot)).exp())
    }

    /// Learns from the block that ends in `slot`, and begins the next one.
    pub fn end_block(&mut self, slot: usize) {
        let log = std::mem::replace(&mut self.block_max, f32::NEG_INFINITY);
        if !log.is_finite() {
            return;
        }
        if self.blocks == 0 {
            self.mean = log;
        }
        self.blocks = self.blocks.saturating_add(1);
        let known = f32::from(self.blocks);
        let slot = slot % SLOTS;
        let spread = self.spread.max(SPREAD_MIN);
        let above = LEARN_SPREADS_MAX * spread;
        let off = log - self.mean - self.slots[slot];
        let held = off.clamp(-3.0 * spread, above);
        self.mean += held / known.min(MEMORY_BLOCKS);
        self.spread += (held.abs() - self.spread) / (known + 6.0).min(MEMORY_BLOCKS);
        // What exceeds the usual at the same time of two days is a cycle.
        let before = std::mem::replace(&mut self.days_before[slot], log);
        let repeated = off.min(before - self.mean - self.slots[slot]);
        let days = (known / SLOTS as f32).clamp(1.0, MEMORY_DAYS);
        self.slots[slot] += if repeated > above { repeated / 2.0 } else { held / (days + 1.0) };
    }
}

fn log(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "logarithms are below 800")]
    let log = value.ln() as f32;
    log
}
