//! Units of time and the numbering of days that all crates share.
//!
//! A timestamp is a number of seconds or microseconds since 1970-01-01T00:00:00Z, a day a number of
//! days since 1970-01-01. The names of all values end in their unit.

use chrono::NaiveDate;

pub const MINUTE_S: i64 = 60;
pub const HOUR_S: i64 = 60 * MINUTE_S;
pub const DAY_S: i64 = 24 * HOUR_S;

pub const DAY_MS: i64 = DAY_S * 1_000;

pub const MILLISECOND_US: i64 = 1_000;
pub const SECOND_US: i64 = 1_000_000;
pub const MINUTE_US: i64 = MINUTE_S * SECOND_US;
pub const HOUR_US: i64 = HOUR_S * SECOND_US;
pub const DAY_US: i64 = DAY_S * SECOND_US;

/// Days from 1970-01-01 to a date; negative before it.
pub const fn days_since_epoch(date: NaiveDate) -> i32 {
    date.to_epoch_days()
}

/// The date so many days after 1970-01-01; `None` outside the years chrono supports.
pub const fn date_from_days(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(days)
}

/// The day since 1970-01-01 that contains a timestamp in microseconds.
pub const fn day_of_us(at_us: i64) -> i64 {
    at_us.div_euclid(DAY_US)
}

/// The minute since 1970-01-01T00:00:00Z that contains a timestamp in microseconds.
pub const fn minute_of_us(at_us: i64) -> i64 {
    at_us.div_euclid(MINUTE_US)
}

/// The second since 1970-01-01T00:00:00Z that contains a timestamp in microseconds.
pub const fn second_of_us(at_us: i64) -> i64 {
    at_us.div_euclid(SECOND_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        let days = |text: &str| days_since_epoch(text.parse().unwrap());
        assert_eq!(days("1970-01-01"), 0);
        assert_eq!(days("1969-12-31"), -1);
        assert_eq!(days("2000-03-01"), 11_017);
        assert_eq!(date_from_days(11_017), "2000-03-01".parse().ok());
        assert_eq!(date_from_days(i32::MAX), None);
    }

    #[test]
    fn timestamps_before_1970_belong_to_the_day_that_contains_them() {
        assert_eq!((day_of_us(-1), day_of_us(0), day_of_us(DAY_US)), (-1, 0, 1));
        assert_eq!((minute_of_us(-1), minute_of_us(MINUTE_US - 1)), (-1, 0));
        assert_eq!((second_of_us(-1), second_of_us(2 * SECOND_US)), (-1, 2));
    }
}
