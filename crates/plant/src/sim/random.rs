//! Random numbers by seed: one generator per purpose, day and place, so that a change in one of
//! them does not affect the others.

use rand::RngExt as _;
use rand_pcg::Pcg64;

/// A random number generator.
pub type Rng = Pcg64;

/// What a generator is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Item = 1,
    Material,
    Order,
    Plan,
    Machine,
    Inspection,
    Stock,
    Holiday,
    Faults,
}

/// The generator for a purpose on a day at a place, such as a unit.
pub fn generator(seed: u64, concern: Purpose, day: i32, place: u32) -> Rng {
    let spot = (u64::from(day.cast_unsigned()) << 32) | u64::from(place);
    let state = (u128::from(mix(seed)) << 64) | u128::from(mix(spot));
    Pcg64::new(state, concern as u128)
}

/// A hash of a number (SplitMix64).
pub const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Whether an event with a probability of `per_100k` in 100,000 occurs.
pub fn happens(rng: &mut Rng, per_100k: u32) -> bool {
    rng.random_range(0..100_000_u32) < per_100k
}

/// A uniformly chosen element of a nonempty list.
pub fn pick<'a, T>(rng: &mut Rng, list: &'a [T]) -> &'a T {
    &list[rng.random_range(0..list.len())]
}

/// The `index`-th of `count` numbers in a pseudo-random order without repetition; `factor` must be
/// coprime to `count`.
pub fn shuffled(index: u64, factor: u64, offset: u64, count: u64) -> u64 {
    let place = u128::from(index) * u128::from(factor) + u128::from(offset);
    (place % u128::from(count)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn generators_are_independent_and_reproducible() {
        let draw = |concern, day, place| {
            let mut rng = generator(7, concern, day, place);
            [rng.random::<u64>(), rng.random()]
        };
        assert_eq!(draw(Purpose::Item, 3, 1), draw(Purpose::Item, 3, 1));
        let different = [
            draw(Purpose::Item, 3, 1),
            draw(Purpose::Plan, 3, 1),
            draw(Purpose::Item, 4, 1),
            draw(Purpose::Item, 3, 2),
        ];
        assert_eq!(different.iter().collect::<HashSet<_>>().len(), 4);
    }

    #[test]
    fn shuffled_numbers_do_not_repeat() {
        let numbers: HashSet<u64> = (0..9_000).map(|at| shuffled(at, 6_187, 5, 9_000)).collect();
        assert_eq!(numbers.len(), 9_000);
    }
}
