//! The detector of a sensor that departs from like sensors.

use super::{Detector, Score};

/// Like sensors that count; of more, so many are taken at equal distances.
const SISTERS_MAX: usize = 64;

/// Fewer like sensors have no median that one of them does not dominate.
const SISTERS_MIN: usize = 2;

/// The detector of a sensor that departs from like sensors, such as those of the same component
/// type. It judges the difference from their median, so what happens to all of them is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sisters {
    detector: Detector,
}

impl Default for Sisters {
    fn default() -> Self {
        Self::new()
    }
}

impl Sisters {
    pub const fn new() -> Self {
        Self { detector: Detector::of_differences() }
    }

    /// Takes the reading of the sensor and the newest readings of like sensors, without those that
    /// are silent. `None` as for [`Detector::take`], and with fewer than two like sensors.
    pub fn take(&mut self, at_us: i64, value: f64, sisters: &[f64]) -> Option<Score> {
        let median = median(sisters)?;
        self.detector.take(at_us, value - median)
    }
}

/// The median of finite values.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = [0.0; SISTERS_MAX];
    let step = values.len().div_ceil(SISTERS_MAX).max(1);
    let finite = values.iter().step_by(step).filter(|it| it.is_finite());
    let mut count = 0;
    for (place, value) in sorted.iter_mut().zip(finite) {
        *place = *value;
        count += 1;
    }
    if count < SISTERS_MIN {
        return None;
    }
    let sorted = &mut sorted[..count];
    sorted.sort_unstable_by(f64::total_cmp);
    let (low, high) = (sorted[(count - 1) / 2], sorted[count / 2]);
    Some(low + (high - low) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_what_is_not_finite() {
        assert_eq!(median(&[3.0, f64::NAN, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[4.0, f64::INFINITY]), None);
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn of_many_values_some_count() {
        let many: Vec<f64> = (0..1000).map(f64::from).collect();
        assert!((median(&many).unwrap() - 500.0).abs() < 20.0);
    }
}
