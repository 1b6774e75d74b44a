//! Numbers as text, and round numbers for axes.

/// A number with Indian digit groups, such as `18,79,750.5`.
pub fn grouped(number: f64, digits: u8) -> String {
    let text = format!("{:.*}", usize::from(digits), number.abs());
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let mut out = String::with_capacity(text.len() + 4);
    if number < 0.0 && !is_zero {
        out.push('−');
    }
    let length = whole.len();
    for (at, digit) in whole.chars().enumerate() {
        let left = length - at;
        // A comma before the last three digits, then before every second one.
        if at > 0 && (left == 3 || (left > 3 && (left - 3).is_multiple_of(2))) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Round numbers that cover a range.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticks {
    pub from: f64,
    pub to: f64,
    pub step: f64,
}

impl Ticks {
    /// About `count` ticks over a range; a range without extent is widened.
    pub fn new(from: f64, to: f64, count: usize) -> Self {
        let extent = if to > from { to - from } else { from.abs().max(1.0) };
        let to = if to > from { to } else { from + extent };
        let raw = extent / count.max(1) as f64;
        let power = 10f64.powf(raw.log10().floor());
        let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
        let factor = factors.into_iter().find(|factor| factor * power >= raw).unwrap_or(10.0);
        let step = factor * power;
        Self { from: (from / step).floor() * step, to: (to / step).ceil() * step, step }
    }

    /// Every tick.
    pub fn all(&self) -> impl Iterator<Item = f64> + '_ {
        let count = ((self.to - self.from) / self.step).round() as usize;
        (0..=count).map(|at| self.from + at as f64 * self.step)
    }

    /// Digits after the point that the ticks need.
    pub fn digits(&self) -> u8 {
        let needed = (0..6u8).find(|digits| {
            let scaled = self.step * 10f64.powi(i32::from(*digits));
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0)
        });
        needed.unwrap_or(6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_in_the_indian_way() {
        assert_eq!(grouped(1_879_750.0, 0), "18,79,750");
        assert_eq!(grouped(123_456_789.129, 2), "12,34,56,789.13");
        assert_eq!(grouped(-1_000.0, 0), "−1,000");
        assert_eq!(grouped(999.0, 0), "999");
        assert_eq!(grouped(-0.001, 1), "0.0");
    }

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        let ticks = Ticks::new(0.0, 97.0, 4);
        assert_eq!(ticks.all().collect::<Vec<_>>(), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(Ticks::new(0.0, 0.31, 4).digits(), 1);
        assert_eq!(Ticks::new(5.0, 5.0, 4).from, 4.0);
        assert!(Ticks::new(-3.0, 7.0, 4).from <= -3.0);
    }
}
