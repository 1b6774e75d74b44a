//! Comparison of a value with a limit that has a deadband.

/// Side of the limit on which the condition is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Above,
    Below,
}

impl Direction {
    /// The key in `alarms.toml` and the name in the HTTP interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// A limit with a deadband (hysteresis): the condition is met beyond the limit, and remains met
/// until the value is back by the deadband. So values that vary within the deadband cause at most
/// one change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    pub direction: Direction,
    /// In the unit of the value.
    pub limit: f64,
    /// How far the value has to return behind the limit, in its unit; not negative.
    pub deadband: f64,
}

impl Comparison {
    /// Whether the condition is met by `value`, if it was met before by `was_met`. A value that is
    /// not a number changes nothing: an unknown value is neither a cause nor a remedy.
    pub fn is_met(&self, value: f64, was_met: bool) -> bool {
        if value.is_nan() {
            return was_met;
        }
        let deadband = if was_met { self.deadband } else { 0.0 };
        match self.direction {
            Direction::Above => value > self.limit - deadband,
            Direction::Below => value < self.limit + deadband,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn comparison(direction: Direction) -> Comparison {
        Comparison { direction, limit: 50.0, deadband: 2.0 }
    }

    #[test]
    fn a_condition_ends_behind_the_deadband() {
        let above = comparison(Direction::Above);
        let met = [50.0, 50.1, 48.1, 48.0, 49.9, f64::NAN, 51.0, f64::NAN];
        let expected = [false, true, true, false, false, false, true, true];
        let mut was_met = false;
        for (value, expected) in met.into_iter().zip(expected) {
            was_met = above.is_met(value, was_met);
            assert_eq!(was_met, expected, "{value}");
        }
    }

    proptest! {
        /// Values within the deadband change the condition at most once, whatever their order.
        #[test]
        fn values_within_the_deadband_do_not_chatter(
            values in prop::collection::vec(48.001..=50.0_f64, 0..50),
            mut is_met: bool,
        ) {
            let above = comparison(Direction::Above);
            let before = is_met;
            for value in values {
                is_met = above.is_met(value, is_met);
                prop_assert_eq!(is_met, before);
            }
        }

        /// Below a limit is above the negated limit.
        #[test]
        fn both_directions_are_symmetric(value in -100.0..100.0_f64, was_met: bool) {
            let below = comparison(Direction::Below);
            let above = Comparison { direction: Direction::Above, limit: -50.0, deadband: 2.0 };
            prop_assert_eq!(below.is_met(value, was_met), above.is_met(-value, was_met));
        }
    }
}
