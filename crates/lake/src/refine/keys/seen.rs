//! Keys that may have been seen before.

use crate::refine::keys::Key;

/// Words of the filter: 16 MB. With 10 million keys it confuses one new key in a hundred with one of them; with
/// more keys more are confused, which costs time, not correctness.
const WORDS: usize = 1 << 21;

/// A Bloom filter of keys, in which the four bits of a key are in one word.
pub struct SeenKeys(Vec<u64>);

impl SeenKeys {
    pub fn new() -> Self {
        Self(vec![0; WORDS])
    }

    pub fn insert(&mut self, key: Key) {
        let (word, bits) = bits(key);
        self.0[word] |= bits;
    }

    /// Whether the key may have been inserted; false only if it has not.
    pub fn may_contain(&self, key: Key) -> bool {
        let (word, bits) = bits(key);
        self.0[word] & bits == bits
    }
}

/// The word of a key, and its bits in it. Keys are hashes, so any of their bits are random.
#[expect(clippy::cast_possible_truncation, reason = "only some bits of the key are used")]
fn bits(key: Key) -> (usize, u64) {
    let word = key as usize % WORDS;
    let shifts = [32, 38, 44, 50].map(|at| (key >> at) as u64 % 64);
    (word, shifts.iter().fold(0, |bits, shift| bits | 1 << shift))
}
