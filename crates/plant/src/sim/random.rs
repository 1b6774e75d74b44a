//! Chance, by seed: one generator for each concern, day and place, so that a change in one of them
//! leaves all others as they were.

use rand::RngExt as _;
use rand_pcg::Pcg64;

/// A generator of numbers.
pub type Rng = Pcg64;

/// What a generator is for.
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

/// The generator of a concern on a day at a place, such as a unit.
pub fn generator(seed: u64, concern: Purpose, day: i32, place: u32) -> Rng {
    let spot = (u64::from(day.cast_unsigned()) << 32) | u64::from(place);
    let state = (u128::from(mix(seed)) << 64) | u128::from(mix(spot));
    Pcg64::new(state, concern as u128)
}

/// A number that looks like chance and is always the same for the same one.
pub const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Whether something happens that does so `per_100k` times in a hundred thousand.
pub fn happens(rng: &mut Rng, per_100k: u32) -> bool {
    rng.random_range(0..100_000_u32) < per_100k
}

/// One of a list, each as likely as the other; the list is not empty.
pub fn pick<'a, T>(rng: &mut Rng, list: &'a [T]) -> &'a T {
    &list[rng.random_range(0..list.len())]
}

/// The `index`-th of `count` numbers in an order that looks like chance and in which none comes
/// twice; `factor` shares no divisor with `count`.
pub fn shuffled(index: u64, factor: u64, offset: u64, count: u64) -> u64 {
    let place = u128::from(index) * u128::from(factor) + u128::from(offset);
    (place % u128::from(count)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_seed_is_a_plant() {
        let throw = |concern, day, place| {
            let mut rng = generator(7, concern, day, place);
            [rng.random::<u64>(), rng.random()]
        };
        assert_eq!(throw(Purpose::Item, 3, 1), throw(Purpose::Item, 3, 1));
        let different = [
            throw(Purpose::Item, 3, 1),
            throw(Purpose::Plan, 3, 1),
            throw(Purpose::Item, 4, 1),
            throw(Purpose::Item, 3, 2),
        ];
        assert_eq!(different.iter().collect::<HashSet<_>>().len(), 4);
    }

    #[test]
    fn no_number_comes_twice() {
        let numbers: HashSet<u64> = (0..9_000).map(|at| shuffled(at, 6_187, 5, 9_000)).collect();
        assert_eq!(numbers.len(), 9_000);
    }
}
