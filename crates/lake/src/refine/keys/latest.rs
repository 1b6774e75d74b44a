//! The newest record of each key, with limited memory.
//!
//! As many keys as the limit allows are held in a map. When it is full, its records are written to disk,
//! partitioned by key, and a filter remembers which keys may be there. A later record of such a key is
//! *uncertain*: it is written apart from the others. At the end the partitions are compared one after the
//! other.

use crate::refine::bits::Bits;
use crate::refine::keys::Key;
use crate::refine::keys::seen::SeenKeys;
use crate::refine::keys::spill::{PARTITIONS, SpilledRecords};
use std::collections::HashMap;

/// A row of the files being written: the file's number and the row in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    pub file: u32,
    pub row: u32,
}

/// The position of a record among those of its key: the rank of its dump (0 is newest) and its number in
/// the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    pub dump: u32,
    pub record: u32,
}

impl Rank {
    /// Whether this record supersedes `other`: its dump is newer, or it is later in the same dump.
    pub fn supersedes(self, other: Self) -> bool {
        (other.dump, self.record) > (self.dump, other.record)
    }
}

/// What is known about a record when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is the newest of its key so far.
    Newest,
    /// An earlier record on disk may have its key.
    Uncertain,
    /// A newer record of its key has been read.
    Older,
}

/// The newest record of each key, by key.
type ByKey = HashMap<Key, (Rank, Written), foldhash::fast::FixedState>;

/// Rows that do not count, by the number of their file.
pub type RowsByFile = HashMap<u32, Bits>;

/// The records on disk.
struct Spilled {
    records: SpilledRecords<4>,
    seen: SeenKeys,
}

/// Collects the newest record of each key among those read so far, in any order.
pub struct LatestByKey {
    by_key: ByKey,
    max_keys: usize,
    spilled: Option<Spilled>,
    withdrawn: RowsByFile,
}

impl LatestByKey {
    /// Holds at most `max_keys` keys in memory.
    pub fn new(max_keys: usize) -> Self {
        let (by_key, withdrawn) = (ByKey::default(), RowsByFile::default());
        Self { by_key, max_keys, spilled: None, withdrawn }
    }

    /// What is known about a record of `key`.
    pub fn look_up(&self, key: Key, rank: Rank) -> Seen {
        if self.by_key.get(&key).is_some_and(|known| !rank.supersedes(known.0)) {
            return Seen::Older;
        }
        let is_uncertain = self.spilled.as_ref().is_some_and(|it| it.seen.may_contain(key));
        if is_uncertain { Seen::Uncertain } else { Seen::Newest }
    }

    /// Adds a record that is not [`Seen::Older`] and is written at `at`; the one it supersedes is withdrawn.
    pub fn insert(&mut self, key: Key, rank: Rank, at: Written) {
        if let Some((_, superseded)) = self.by_key.insert(key, (rank, at)) {
            withdraw(&mut self.withdrawn, superseded);
        }
    }

    /// Writes the records to disk if they are more than the limit. Call it between batches.
    pub fn spill_if_full(&mut self) -> anyhow::Result<()> {
        if self.by_key.len() >= self.max_keys { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> anyhow::Result<()> {
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            None => {
                let records = SpilledRecords::new()?;
                self.spilled.insert(Spilled { records, seen: SeenKeys::new() })
            }
        };
        for (key, (rank, at)) in self.by_key.drain() {
            spilled.seen.insert(key);
            spilled.records.push((key, [rank.dump, rank.record, at.file, at.row]))?;
        }
        Ok(())
    }

    /// The newest records, after the last one was added.
    pub fn finish(mut self) -> anyhow::Result<Latest> {
        if self.spilled.is_some() {
            self.spill()?;
            self.by_key = ByKey::default();
        }
        let Self { by_key, spilled, withdrawn, .. } = self;
        Ok(Latest { by_key, spilled, withdrawn })
    }
}

fn withdraw(withdrawn: &mut RowsByFile, at: Written) {
    withdrawn.entry(at.file).or_default().insert(at.row);
}

/// A row of the table as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldRow {
    pub at: Written,
    /// How many of the dumps that are read are not older than its dump: those with a lower rank.
    pub newer_dumps: u32,
    /// Whether its dump no longer counts.
    pub is_void: bool,
}

/// The newest record of each key among those read.
pub struct Latest {
    by_key: ByKey,
    spilled: Option<Spilled>,
    withdrawn: RowsByFile,
}

impl Latest {
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.spilled.is_none()
    }

    /// Begins to compare them with the rows of the table.
    pub fn compare(self) -> anyhow::Result<Comparison> {
        let old = match self.spilled {
            Some(_) => Some(SpilledRecords::new()?),
            None => None,
        };
        let (superseded, is_determined) = (RowsByFile::default(), true);
        Ok(Comparison { latest: self, old, superseded, is_determined })
    }
}

/// What a comparison found.
#[derive(Debug, PartialEq, Eq)]
pub struct Compared {
    /// New rows that do not count.
    pub withdrawn: RowsByFile,
    /// Rows of the table that no longer count.
    pub superseded: RowsByFile,
}

/// A comparison of the newest records with the rows of the table.
pub struct Comparison {
    latest: Latest,
    /// Rows of the table that wait until the records of their partition are read.
    old: Option<SpilledRecords<4>>,
    superseded: RowsByFile,
    is_determined: bool,
}

impl Comparison {
    /// Whether an older record of some key may count again.
    pub fn is_determined(&self) -> bool {
        self.is_determined
    }

    /// Adds a row of the table.
    pub fn add(&mut self, key: Key, row: OldRow) -> anyhow::Result<()> {
        let Some(spilled) = &self.latest.spilled else {
            self.judge(key, row);
            return Ok(());
        };
        if !row.is_void && !spilled.seen.may_contain(key) {
            return Ok(());
        }
        if let Some(old) = &mut self.old {
            old.push((key, [row.newer_dumps, row.is_void.into(), row.at.file, row.at.row]))?;
        }
        Ok(())
    }

    /// Compares what waits. `None` if an older record of some key may count again.
    pub fn finish(mut self) -> anyhow::Result<Option<Compared>> {
        if let Some(mut spilled) = self.latest.spilled.take() {
            for partition in 0..PARTITIONS {
                self.load(&mut spilled.records, partition)?;
                let old = self.old.as_mut().map(|old| old.read(partition)).transpose()?;
                for (key, [newer_dumps, is_void, file, row]) in old.into_iter().flatten() {
                    let at = Written { file, row };
                    self.judge(key, OldRow { at, newer_dumps, is_void: is_void != 0 });
                }
            }
        }
        let Self { latest, superseded, is_determined, .. } = self;
        Ok(is_determined.then_some(Compared { withdrawn: latest.withdrawn, superseded }))
    }

    /// Loads the newest records of a partition; the others of its keys are withdrawn.
    fn load(&mut self, records: &mut SpilledRecords<4>, partition: usize) -> anyhow::Result<()> {
        let Latest { by_key, withdrawn, .. } = &mut self.latest;
        by_key.clear();
        for (key, [dump, record, file, row]) in records.read(partition)? {
            let (rank, at) = (Rank { dump, record }, Written { file, row });
            let superseded = match by_key.get(&key) {
                Some((known, _)) if !rank.supersedes(*known) => Some(at),
                _ => by_key.insert(key, (rank, at)).map(|it| it.1),
            };
            if let Some(superseded) = superseded {
                withdraw(withdrawn, superseded);
            }
        }
        Ok(())
    }

    /// Decides whether a row of the table stays. Where it is newer, the new record is withdrawn.
    fn judge(&mut self, key: Key, row: OldRow) {
        let Latest { by_key, withdrawn, .. } = &mut self.latest;
        let new = by_key.get(&key).map(|(rank, at)| (rank.dump < row.newer_dumps, *at));
        match new {
            Some((true, _)) => withdraw(&mut self.superseded, row.at),
            // An older record of the key, which is not read, may count again.
            _ if row.is_void => self.is_determined = false,
            Some((false, at)) => {
                by_key.remove(&key);
                withdraw(withdrawn, at);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
