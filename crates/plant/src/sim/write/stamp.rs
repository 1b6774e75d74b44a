//! Dates and times in the formats of the dumps.

use super::push_padded;
use crate::time::DAY_S;

/// A calendar date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    pub year: i64,
    pub month: i64,
    pub day: i64,
}

impl Date {
    /// The date of a day since 1970-01-01; from the year 0 on.
    pub fn from_day(day: i32) -> Self {
        // The year starts in March, so the leap day is its last.
        let shifted = i64::from(day) + 719_468;
        let era = shifted.div_euclid(146_097);
        let in_era = shifted.rem_euclid(146_097);
        let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * year + year / 4 - year / 100);
        let month = (5 * in_year + 2) / 153;
        let day = in_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Self { year: year + era * 400 + i64::from(month <= 2), month, day }
    }
}

fn parts(local_s: i64) -> (Date, i64) {
    (Date::from_day(local_s.div_euclid(DAY_S) as i32), local_s.rem_euclid(DAY_S))
}

fn push_two(out: &mut Vec<u8>, number: i64) {
    out.push(b'0' + (number / 10) as u8);
    out.push(b'0' + (number % 10) as u8);
}

fn push_joined(out: &mut Vec<u8>, parts: [i64; 3], between: u8) {
    push_two(out, parts[0]);
    out.push(between);
    push_two(out, parts[1]);
    out.push(between);
    push_two(out, parts[2]);
}

/// `2022-06-01`.
pub fn push_day(out: &mut Vec<u8>, day: i32) {
    let date = Date::from_day(day);
    push_padded(out, date.year, 4);
    out.push(b'-');
    push_two(out, date.month);
    out.push(b'-');
    push_two(out, date.day);
}

/// `01-06-2022`.
pub fn push_day_first(out: &mut Vec<u8>, day: i32) {
    let date = Date::from_day(day);
    push_two(out, date.day);
    out.push(b'-');
    push_two(out, date.month);
    out.push(b'-');
    push_padded(out, date.year, 4);
}

/// `17:02:00`.
pub fn push_clock(out: &mut Vec<u8>, local_s: i64) {
    let second = local_s.rem_euclid(DAY_S);
    push_joined(out, [second / 3_600, second / 60 % 60, second % 60], b':');
}

/// `2022-06-01 17:02:00`.
pub fn push_stamp(out: &mut Vec<u8>, local_s: i64) {
    push_day(out, local_s.div_euclid(DAY_S) as i32);
    out.push(b' ');
    push_clock(out, local_s);
}

/// `01-06-2022 17:02:00`.
pub fn push_stamp_day_first(out: &mut Vec<u8>, local_s: i64) {
    push_day_first(out, local_s.div_euclid(DAY_S) as i32);
    out.push(b' ');
    push_clock(out, local_s);
}

/// `01-06-2022 17:02`.
pub fn push_minute_day_first(out: &mut Vec<u8>, local_s: i64) {
    push_stamp_day_first(out, local_s);
    out.truncate(out.len() - 3);
}

/// `2022-06-01T17:02:00+05:30`.
pub fn push_offset_stamp(out: &mut Vec<u8>, local_s: i64, offset_s: i64) {
    push_stamp(out, local_s);
    let at = out.len() - 9;
    out[at] = b'T';
    out.push(if offset_s < 0 { b'-' } else { b'+' });
    let minutes = offset_s.abs() / 60;
    push_two(out, minutes / 60);
    out.push(b':');
    push_two(out, minutes % 60);
}

/// The four time formats of the item register; three of them swap minute and hour.
pub fn push_register_stamp(out: &mut Vec<u8>, local_s: i64, format: usize) {
    let (date, second) = parts(local_s);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    match format % 4 {
        0 => {
            push_joined_date(out, [date.day, date.month], date.year, b'/');
            push_joined(out, [minute, hour, second], b':');
        }
        1 => {
            push_day(out, local_s.div_euclid(DAY_S) as i32);
            out.push(b' ');
            push_joined(out, [minute, hour, second], b':');
        }
        2 => {
            push_padded(out, date.year * 10_000 + date.month * 100 + date.day, 8);
            out.push(b' ');
            push_joined(out, [minute, hour, second], b'-');
        }
        _ => push_stamp(out, local_s),
    }
}

fn push_joined_date(out: &mut Vec<u8>, parts: [i64; 2], year: i64, between: u8) {
    push_two(out, parts[0]);
    out.push(between);
    push_two(out, parts[1]);
    out.push(between);
    push_padded(out, year, 4);
    out.push(b' ');
}

#[cfg(test)]
mod tests {
    use super::super::super::dump::date;
    use super::*;
    use proptest::prelude::*;

    fn check(write: impl Fn(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn timestamps_have_the_formats_of_the_dumps() {
        // 2023-01-03 19:35:32
        let at = 1_672_774_532;
        check(|out| push_stamp(out, at), "2023-01-03 19:35:32");
        check(|out| push_stamp_day_first(out, at), "03-01-2023 19:35:32");
        check(|out| push_minute_day_first(out, at), "03-01-2023 19:35");
        check(|out| push_offset_stamp(out, at, 19_800), "2023-01-03T19:35:32+05:30");
        check(|out| push_offset_stamp(out, at, -3_600), "2023-01-03T19:35:32-01:00");
        check(|out| push_register_stamp(out, at, 0), "03/01/2023 35:19:32");
        check(|out| push_register_stamp(out, at, 1), "2023-01-03 35:19:32");
        check(|out| push_register_stamp(out, at, 2), "20230103 35-19-32");
        check(|out| push_register_stamp(out, at, 3), "2023-01-03 19:35:32");
    }

    proptest! {
        #[test]
        fn a_day_is_its_date(day in 0..80_000_i32) {
            check(|out| push_day(out, day), &date(day).to_string());
        }
    }
}
