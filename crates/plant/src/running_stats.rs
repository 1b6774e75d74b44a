//! Count, mean, variance, minimum and maximum of a stream of values, mergeable.

/// Statistics of a set of values. Two of them merge into the statistics of the union, in any order,
/// with a relative error of about 1e-12 in mean and variance, far below the resolution of a sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunningStats {
    count: u64,
    mean: f64,
    /// Sum of squared deviations from the mean (Welford). Unlike a sum of squares it does not lose
    /// digits if values are close together and far from zero.
    squared_deviations: f64,
    min: f64,
    max: f64,
}

impl Default for RunningStats {
    fn default() -> Self {
        Self {
            count: 0,
            mean: 0.0,
            squared_deviations: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl RunningStats {
    /// Statistics of a single value.
    pub fn from_value(value: f64) -> Self {
        Self { count: 1, mean: value, squared_deviations: 0.0, min: value, max: value }
    }

    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let deviation = value - self.mean;
        self.mean += deviation / self.count as f64;
        self.squared_deviations += deviation * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (own, added) = (self.count as f64, other.count as f64);
        let difference = other.mean - self.mean;
        self.count += other.count;
        let all = self.count as f64;
        self.mean += difference * (added / all);
        self.squared_deviations +=
            other.squared_deviations + difference * difference * (own * added / all);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether no value was added.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// `None` without values, as for all methods below.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Population variance of the values (not a sample estimate); 0 for one value.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squared_deviations / self.count as f64).max(0.0))
    }

    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> RunningStats {
        let mut stats = RunningStats::default();
        values.iter().for_each(|value| stats.add(*value));
        stats
    }

    fn near(one: Option<f64>, other: Option<f64>) -> bool {
        one.zip(other).is_some_and(|(one, other)| (one - other).abs() < 1e-12)
    }

    #[test]
    fn statistics_of_known_values() {
        let all = of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!((all.count(), all.min(), all.max()), (8, Some(2.0), Some(9.0)));
        assert!(near(all.mean(), Some(5.0)) && near(all.variance(), Some(4.0)));
        assert_eq!(RunningStats::from_value(3.5), of(&[3.5]));
        assert_eq!(of(&[3.5]).variance(), Some(0.0));
    }

    #[test]
    fn merged_parts_equal_the_whole() {
        let values = [61.25, 47.93, 59.83, 44.86, 52.44, 89.2, 26.26];
        for cut in 0..=values.len() {
            let (left, right) = values.split_at(cut);
            let mut merged = of(left);
            merged.merge(&of(right));
            let whole = of(&values);
            assert_eq!((merged.count(), merged.max()), (whole.count(), whole.max()), "{cut}");
            assert!(near(merged.mean(), whole.mean()) && near(merged.variance(), whole.variance()));
        }
    }

    #[test]
    fn statistics_of_no_values_are_none() {
        let none = RunningStats::default();
        assert!(none.is_empty());
        assert_eq!(
            (none.mean(), none.variance(), none.min(), none.max()),
            (None, None, None, None)
        );
    }

    #[test]
    fn variance_is_exact_far_from_zero() {
        let values: Vec<f64> = (0..10_000).map(|step| 1e6 + f64::from(step % 2)).collect();
        assert!((of(&values).variance().unwrap() - 0.25).abs() < 1e-9);
    }
}
