//! Random numbers for any time, independent of draws for earlier times.

use rand_pcg::Pcg32;

/// What a draw is used for. Draws for one purpose never affect those for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamPurpose {
    /// Properties of a component.
    Build = 1,
    /// Load of a lane in a quarter of an hour.
    Load = 2,
    /// Fault of a sensor on a day.
    Fault = 3,
    /// Outage of a gateway on a day.
    Silence = 4,
    /// One message: noise, time format and faults.
    Message = 5,
}

/// The generator for a purpose, the thing numbered `of` and the time numbered `at`.
pub fn generator(seed: u64, purpose: StreamPurpose, of: u64, at: i64) -> Pcg32 {
    let mixed = mix(seed ^ mix(((purpose as u64) << 48) ^ of));
    Pcg32::new(mix(mixed ^ at.cast_unsigned()), purpose as u64)
}

/// Spreads a number over 64 bits so that each input bit flips half of the output bits. This is the
/// last step of SplitMix64.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn a_draw_depends_on_its_arguments_only() {
        let draw = |seed, purpose, of, at| generator(seed, purpose, of, at).next_u64();
        let first = draw(1, StreamPurpose::Load, 2, 3);
        assert_eq!(first, draw(1, StreamPurpose::Load, 2, 3));
        for other in [
            draw(2, StreamPurpose::Load, 2, 3),
            draw(1, StreamPurpose::Fault, 2, 3),
            draw(1, StreamPurpose::Load, 3, 3),
            draw(1, StreamPurpose::Load, 2, 4),
            draw(1, StreamPurpose::Load, 3, 2),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn numbers_are_the_same_on_every_machine() {
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    }
}
