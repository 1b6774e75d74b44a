//! Choices: the bytes of a fuzzer's input, or those of a generator with a seed.

/// Where choices come from. The same source makes the same choices.
pub enum Source<'a> {
    /// The input of a fuzzer; when it is used up, every byte is 0.
    Input(&'a [u8]),
    /// The state of SplitMix64.
    Seed(u64),
}

impl Source<'_> {
    pub fn byte(&mut self) -> u8 {
        match self {
            Self::Input(bytes) => bytes.split_off_first().copied().unwrap_or_default(),
            Self::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed >> 56) as u8
            }
        }
    }

    /// A number below `count`, which is at least 1.
    pub fn below(&mut self, count: usize) -> usize {
        let number = usize::from(self.byte()) << 8 | usize::from(self.byte());
        number % count.max(1)
    }

    /// True once in `count` times.
    pub fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }

    /// One of several texts.
    pub fn word<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }

    /// Up to `count_max` bytes of any value.
    pub fn bytes(&mut self, count_max: usize) -> Vec<u8> {
        let count = self.below(count_max + 1);
        (0..count).map(|_| self.byte()).collect()
    }

    /// Text of any bytes, with those that are not UTF-8 replaced.
    pub fn text(&mut self, count_max: usize) -> String {
        String::from_utf8_lossy(&self.bytes(count_max)).into_owned()
    }
}
