//! Chance one can ask about any moment without having lived through those before it.

use rand_pcg::Pcg32;

/// What a draw is about. Draws about one thing never shift those about another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamPurpose {
    /// How a component is built.
    Build = 1,
    /// How busy a lane is in a quarter of an hour.
    Load = 2,
    /// What goes wrong with a sensor on a day.
    Fault = 3,
    /// When a gateway is silent on a day.
    Silence = 4,
    /// One message: its noise, its spelling, its dirt.
    Message = 5,
}

/// The generator for what `concern` decides about the thing numbered `of` at the time numbered `at`.
pub fn generator(seed: u64, concern: StreamPurpose, of: u64, at: i64) -> Pcg32 {
    let mixed = mix(seed ^ mix(((concern as u64) << 48) ^ of));
    Pcg32::new(mix(mixed ^ at.cast_unsigned()), concern as u64)
}

/// Spreads a number over 64 bits: each bit of the input turns over half of those of the output.
/// This is the last step of SplitMix64.
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
    fn a_draw_depends_on_all_it_is_about_and_on_nothing_else() {
        let draw = |seed, concern, of, at| generator(seed, concern, of, at).next_u64();
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
