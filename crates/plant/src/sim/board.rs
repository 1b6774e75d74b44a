//! Boards and their inspection.

use super::machine::Made;
use super::random::{Rng, happens, shuffled};
use super::site::Site;
use rand::RngExt as _;

/// Range of board and stage numbers, which have at most eleven digits.
const NUMBERS: u64 = 100_000_000_000;
const NUMBER_FACTOR: u64 = 61_803_398_873;
const COPIES: u8 = 30;

const SCRAP_PER_100K: u32 = 700;
const REWORK_PER_100K: u32 = 2_500;
const UNKNOWN_PER_100K: u32 = 400;
const DEVIATION_PER_100K: u32 = 500;
const REWORKED_WELL_PER_100K: u32 = 85_000;
const REWORK_S: std::ops::Range<i64> = 600..2_400;

/// Defect codes as inspection writes them.
pub const DEFECTS: [&str; 6] = [
    "solder_bridge",
    "missing_part",
    "tombstone",
    "wrong_polarity",
    "insufficient_solder",
    "crack",
];

/// Result of an inspection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Good,
    Rework,
    Scrap,
    /// Not recorded.
    Unknown,
}

impl Verdict {
    /// Status code of the MES.
    pub const fn status(self) -> Option<u8> {
        match self {
            Self::Good => Some(0),
            Self::Rework => Some(1),
            Self::Scrap => Some(2),
            Self::Unknown => None,
        }
    }

    /// Verdict of the quality system.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Good => Some("good"),
            Self::Rework => Some("rework"),
            Self::Scrap => Some("scrap"),
            Self::Unknown => None,
        }
    }
}

/// One inspection of a board, with the routing stage passed at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection {
    pub id: u64,
    pub unit: u16,
    pub order: u32,
    /// Number of the board's first stage, which identifies the board.
    pub board: u64,
    /// Copy of the board on its panel.
    pub copy: u8,
    /// Number of the stage.
    pub stage: u64,
    /// 1 for the stage at which a board counts as made, passed once by each board; 2 for the second
    /// side and for inspections after rework.
    pub surface: u8,
    pub at_s: i64,
    /// Position of the board in its order, from 0.
    pub place: u32,
    pub verdict: Verdict,
    pub is_deviation: bool,
    /// Whether the board was reworked before.
    pub is_after_rework: bool,
    /// The defect, as an index into [`DEFECTS`].
    pub defect: Option<u8>,
}

/// Counters of the numbers assigned so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers {
    inspections: u64,
    stages: u64,
}

impl Numbers {
    fn inspection(&mut self) -> u64 {
        self.inspections += 1;
        self.inspections
    }

    fn stage(&mut self) -> u64 {
        self.stages += 1;
        shuffled(self.stages, NUMBER_FACTOR, 0, NUMBERS)
    }

    /// A further inspection of a board, at its next stage.
    fn second(&mut self, first: &Inspection, at_s: i64) -> Inspection {
        Inspection { id: self.inspection(), stage: self.stage(), surface: 2, at_s, ..*first }
    }
}

/// Inspects a board: its first side, its second side if it has one, and again after rework.
pub fn inspect(
    made: &Made,
    site: &Site,
    item: u16,
    numbers: &mut Numbers,
    rng: &mut Rng,
    out: &mut Vec<Inspection>,
) {
    let verdict = verdict(rng);
    let stage = numbers.stage();
    let first = Inspection {
        id: numbers.inspection(),
        unit: made.unit,
        order: made.order,
        board: stage,
        copy: rng.random_range(1..=COPIES),
        stage,
        surface: 1,
        at_s: made.at_s,
        place: made.place,
        verdict,
        is_deviation: happens(rng, DEVIATION_PER_100K),
        is_after_rework: false,
        defect: defect(verdict, rng),
    };
    out.push(first);
    let item = &site.items[usize::from(item)];
    if item.is_two_sided && verdict == Verdict::Good {
        let at_s = made.at_s + i64::from(item.ideal_cycle_ms / 2_000);
        out.push(numbers.second(&first, at_s));
    }
    if verdict == Verdict::Rework {
        let is_good = happens(rng, REWORKED_WELL_PER_100K);
        let verdict = if is_good { Verdict::Good } else { Verdict::Scrap };
        let second = numbers.second(&first, made.at_s + rng.random_range(REWORK_S));
        let defect = defect(verdict, rng);
        out.push(Inspection { verdict, is_after_rework: true, defect, ..second });
    }
}

fn verdict(rng: &mut Rng) -> Verdict {
    let at = rng.random_range(0..100_000_u32);
    match at {
        _ if at < SCRAP_PER_100K => Verdict::Scrap,
        _ if at < SCRAP_PER_100K + REWORK_PER_100K => Verdict::Rework,
        _ if at < SCRAP_PER_100K + REWORK_PER_100K + UNKNOWN_PER_100K => Verdict::Unknown,
        _ => Verdict::Good,
    }
}

fn defect(verdict: Verdict, rng: &mut Rng) -> Option<u8> {
    let is_bad = matches!(verdict, Verdict::Rework | Verdict::Scrap);
    is_bad.then(|| rng.random_range(0..DEFECTS.len() as u8))
}
