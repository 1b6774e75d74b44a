//! Records of keys on disk, partitioned by key, so that those of one partition fit into memory.

use crate::refine::keys::Key;
use anyhow::Context as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

/// Partitions: with a thousand million keys each has four million.
pub const PARTITIONS: usize = 256;

/// Records of a partition that are written at a time.
const BLOCK_RECORDS: usize = 1_024;

/// A key with `N` numbers, whose meaning is up to the caller.
pub type Record<const N: usize> = (Key, [u32; N]);

/// Records in a temporary file without a name, which the system deletes when it is closed.
pub struct SpilledRecords<const N: usize> {
    file: File,
    /// Bytes written.
    end: u64,
    partitions: Vec<Partition>,
}

#[derive(Default)]
struct Partition {
    /// Records that are not written yet.
    waiting: Vec<u8>,
    /// Where its blocks are in the file.
    blocks: Vec<u64>,
}

impl<const N: usize> SpilledRecords<N> {
    const RECORD_BYTES: usize = size_of::<Key>() + N * size_of::<u32>();
    const BLOCK_BYTES: usize = BLOCK_RECORDS * Self::RECORD_BYTES;

    pub fn new() -> anyhow::Result<Self> {
        let file = tempfile::tempfile().context("creating a temporary file for keys")?;
        let partitions = (0..PARTITIONS).map(|_| Partition::default()).collect();
        Ok(Self { file, end: 0, partitions })
    }

    /// Adds a record to the partition of its key.
    pub fn push(&mut self, (key, numbers): Record<N>) -> anyhow::Result<()> {
        let partition = &mut self.partitions[partition(key)];
        partition.waiting.extend_from_slice(&key.to_le_bytes());
        for number in numbers {
            partition.waiting.extend_from_slice(&number.to_le_bytes());
        }
        if partition.waiting.len() == Self::BLOCK_BYTES {
            self.file.write_all(&partition.waiting).context("writing keys to a temporary file")?;
            partition.waiting.clear();
            partition.blocks.push(self.end);
            self.end += Self::BLOCK_BYTES as u64;
        }
        Ok(())
    }

    /// The records of a partition, in the order in which they were added.
    pub fn read(&mut self, partition: usize) -> anyhow::Result<Vec<Record<N>>> {
        let Self { file, partitions, .. } = self;
        let partition = &partitions[partition];
        let waiting = partition.waiting.len();
        let mut bytes = vec![0; partition.blocks.len() * Self::BLOCK_BYTES + waiting];
        let mut blocks = bytes.chunks_mut(Self::BLOCK_BYTES);
        for at in &partition.blocks {
            let Some(block) = blocks.next() else { break };
            file.seek(SeekFrom::Start(*at))?;
            file.read_exact(block).context("reading keys from a temporary file")?;
        }
        if let Some(last) = blocks.next() {
            last.copy_from_slice(&partition.waiting);
        }
        Ok(bytes.chunks_exact(Self::RECORD_BYTES).map(record).collect())
    }
}

fn partition(key: Key) -> usize {
    (key >> 120) as usize % PARTITIONS
}

fn record<const N: usize>(bytes: &[u8]) -> Record<N> {
    let (of_key, of_numbers) = bytes.split_at(size_of::<Key>());
    let mut key = [0; size_of::<Key>()];
    key.copy_from_slice(of_key);
    let mut numbers = [0; N];
    for (number, bytes) in numbers.iter_mut().zip(of_numbers.as_chunks().0) {
        *number = u32::from_le_bytes(*bytes);
    }
    (Key::from_le_bytes(key), numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_in_one_partition() {
        let mut spilled = SpilledRecords::new().unwrap();
        let step = u128::MAX / 100_003;
        let records =
            || (0..300_000_u32).map(|at| (u128::from(at).wrapping_mul(step), [at, 1, 2, at]));
        for record in records() {
            spilled.push(record).unwrap();
        }
        let parts = (0..PARTITIONS).map(|at| spilled.read(at).unwrap()).collect::<Vec<_>>();
        assert!(parts.iter().all(|part| part.iter().all(|it| it.0 >> 120 == part[0].0 >> 120)));
        let mut found: Vec<Record<4>> = parts.into_iter().flatten().collect();
        found.sort_unstable_by_key(|it| it.1[0]);
        assert_eq!(found, records().collect::<Vec<_>>());
    }
}
