//! The slope of a sensor's readings over a window.

/// Parts of the window whose means are kept instead of every reading.
const PARTS: usize = 16;

/// Sums of the readings in one part of the window; times in seconds since the begin of the part.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    number: i64,
    count: f64,
    time: f64,
    temp: f64,
    time_time: f64,
    time_temp: f64,
}

impl Part {
    /// Adds a part whose times are shifted by `shift_s`.
    fn add(&mut self, part: &Self, shift_s: f64) {
        self.count += part.count;
        self.time += part.time + part.count * shift_s;
        self.temp += part.temp;
        self.time_time +=
            part.time_time + 2.0 * shift_s * part.time + part.count * shift_s * shift_s;
        self.time_temp += part.time_temp + shift_s * part.temp;
    }
}

/// Least squares over the readings of the last window, in 16 parts: the oldest part is removed as a whole.
#[derive(Debug, Clone)]
pub(super) struct Slope {
    part_us: i64,
    first_us: i64,
    parts: [Part; PARTS],
}

impl Slope {
    pub fn new(window_us: i64) -> Self {
        let part_us = (window_us / PARTS as i64).max(1);
        Self { part_us, first_us: i64::MAX, parts: [Part::default(); PARTS] }
    }

    /// Adds a reading, later than all before; returns the slope in degC per minute once the readings span
    /// half of the window.
    pub fn take(&mut self, at_us: i64, temp_c: f64) -> Option<f64> {
        self.first_us = self.first_us.min(at_us);
        let number = at_us.div_euclid(self.part_us);
        let position = usize::try_from(number.rem_euclid(PARTS as i64)).unwrap_or(0);
        let part = &mut self.parts[position];
        if part.number != number || part.count == 0.0 {
            *part = Part { number, ..Part::default() };
        }
        let time_s = at_us.rem_euclid(self.part_us) as f64 / 1e6;
        part.add(&Part { count: 1.0, time: 0.0, temp: temp_c, ..Part::default() }, time_s);
        self.slope(number, at_us)
    }

    fn slope(&self, newest: i64, at_us: i64) -> Option<f64> {
        let is_recent =
            |part: &&Part| part.count > 0.0 && (0..PARTS as i64).contains(&(newest - part.number));
        let part_s = self.part_us as f64 / 1e6;
        let mut sum = Part::default();
        let mut oldest = newest;
        for part in self.parts.iter().filter(is_recent) {
            oldest = oldest.min(part.number);
            sum.add(part, (part.number - newest) as f64 * part_s);
        }
        let begin_us = self.first_us.max(oldest * self.part_us);
        if at_us - begin_us < self.part_us * PARTS as i64 / 2 {
            return None;
        }
        let spread = sum.count * sum.time_time - sum.time * sum.time;
        let joint = sum.count * sum.time_temp - sum.time * sum.temp;
        (spread > 0.0).then(|| joint / spread * 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_its_rate() {
        let mut slope = Slope::new(60_000_000);
        let mut last = None;
        for second in 0..300_i64 {
            last = slope.take(second * 1_000_000, 20.0 + second as f64 * 0.05);
            assert_eq!(last.is_some(), second >= 30, "{second}");
        }
        assert!((last.unwrap() - 3.0).abs() < 1e-6, "{last:?}");
    }

    #[test]
    fn readings_before_a_gap_do_not_count() {
        let mut slope = Slope::new(60_000_000);
        for second in 0..60_i64 {
            slope.take(second * 1_000_000, 20.0);
        }
        assert_eq!(slope.take(3_600_000_000, 80.0), None);
        let level = (3_601..3_640).map(|second| slope.take(second * 1_000_000, 80.0)).last();
        assert!(level.flatten().unwrap().abs() < 1e-6);
    }
}
