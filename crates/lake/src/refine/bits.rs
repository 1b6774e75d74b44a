//! Sets of small numbers.

/// A set of numbers with one bit for each number up to the greatest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

impl Bits {
    pub fn insert(&mut self, number: u32) {
        let (word, bit) = position(number);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    pub fn contains(&self, number: u32) -> bool {
        let (word, bit) = position(number);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }
}

/// The word of a number, and its bit in it.
fn position(number: u32) -> (usize, u64) {
    (number as usize / 64, 1 << (number % 64))
}

impl FromIterator<u32> for Bits {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut bits = Self::default();
        numbers.into_iter().for_each(|number| bits.insert(number));
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn a_set_has_the_numbers_that_were_inserted() {
        let bits: Bits = [1, 63, 64, 1_000].into_iter().collect();
        let found: Vec<u32> = (0..2_000).filter(|number| bits.contains(*number)).collect();
        assert_eq!(found, [1, 63, 64, 1_000]);
    }
}
