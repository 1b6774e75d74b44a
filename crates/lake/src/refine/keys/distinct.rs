//! The number of different keys, with limited memory.

use crate::refine::keys::Key;
use crate::refine::keys::spill::{PARTITIONS, SpilledRecords};
use std::collections::HashSet;

/// Counts different keys. As many as the limit allows are held in memory; if there are more, all keys are written to
/// disk, partitioned, and one partition at a time is counted.
pub struct DistinctKeys {
    held: HashSet<Key, foldhash::fast::FixedState>,
    max_keys: usize,
    spilled: Option<SpilledRecords<0>>,
}

impl DistinctKeys {
    /// Holds at most `max_keys` keys in memory.
    pub fn new(max_keys: usize) -> Self {
        Self { held: HashSet::default(), max_keys, spilled: None }
    }

    /// # Errors
    /// The temporary file cannot be written.
    pub fn insert(&mut self, key: Key) -> anyhow::Result<()> {
        if let Some(spilled) = &mut self.spilled {
            return spilled.push((key, []));
        }
        self.held.insert(key);
        if self.held.len() > self.max_keys {
            let mut spilled = SpilledRecords::new()?;
            for key in std::mem::take(&mut self.held) {
                spilled.push((key, []))?;
            }
            self.spilled = Some(spilled);
        }
        Ok(())
    }

    /// The number of different keys among those inserted.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn count(self) -> anyhow::Result<usize> {
        let Some(mut spilled) = self.spilled else { return Ok(self.held.len()) };
        let mut count = 0;
        for partition in 0..PARTITIONS {
            let mut records = spilled.read(partition)?;
            records.sort_unstable();
            records.dedup();
            count += records.len();
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_counts_once(
            keys in proptest::collection::vec(0..3_000_u128, 0..5_000),
            max_keys in prop_oneof![0..50_usize, Just(usize::MAX)],
        ) {
            let keys: Vec<Key> = keys.iter().map(|it| it.wrapping_mul(u128::MAX / 3_001)).collect();
            let mut distinct = DistinctKeys::new(max_keys);
            for key in &keys {
                distinct.insert(*key).unwrap();
            }
            prop_assert_eq!(distinct.count().unwrap(), keys.iter().collect::<HashSet<_>>().len());
        }
    }
}
