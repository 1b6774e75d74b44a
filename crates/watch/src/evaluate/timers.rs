//! Times at which something is due without a reading.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A delay or shelving of this alarm.
    Delay(u32),
    /// A sensor, by number, may be silent: the position of the slot.
    Silence { sensor: u32, slot: u32 },
    /// A count of this group falls because readings leave the window.
    Count(u32),
}

/// What is due in engine time, the earliest first. An entry may be outdated: the consumer checks it.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(i64, Due)>>,
}

impl Timers {
    pub fn push(&mut self, at_us: i64, due: Due) {
        self.heap.push(Reverse((at_us, due)));
    }

    /// Removes the earliest that is due at `engine_us`.
    pub fn pop(&mut self, engine_us: i64) -> Option<Due> {
        let Reverse((at_us, due)) = *self.heap.peek()?;
        if at_us > engine_us {
            return None;
        }
        self.heap.pop();
        Some(due)
    }

    pub fn next_us(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse((at_us, _))| *at_us)
    }

    pub fn clear(&mut self) {
        self.heap.clear();
    }
}
