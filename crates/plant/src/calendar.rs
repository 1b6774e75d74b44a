//! The plant calendar: which day, hour and shift a moment belongs to.

use crate::zone::ZoneTable;
use chrono_tz::Tz;

const DAY_MIN: u16 = 24 * 60;
const DAY_S: i64 = 86_400;
const SECOND_US: i64 = 1_000_000;

/// The plant's own time: its zone and its shifts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: ZoneTable,
    shifts: Vec<Shift>,
    /// The shift that runs in each minute of the day.
    minutes: Vec<Option<u16>>,
}

/// A shift, the same on every day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// What people call it.
    pub name: String,
    /// Its first minute, counted from local midnight; below 1440.
    pub start_min: u16,
    /// The minute after its last, up to 1440. A shift that ends before or at its start ends on the
    /// next day.
    pub end_min: u16,
}

/// A moment as the plant's people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalParts {
    /// The calendar day the wall clock shows, in days since 1970-01-01.
    pub day: i32,
    /// The hour it shows, 0 to 23.
    pub hour: i32,
    /// The minute of the day it shows, 0 to 1439.
    pub minute_of_day: u16,
    /// The running shift, as its place among the calendar's; `None` outside every shift.
    pub shift: Option<u16>,
}

impl Calendar {
    /// The calendar of a zone and its shifts. It may leave parts of the day without a shift.
    ///
    /// # Errors
    /// Says in words which shifts overlap, share a name or are no time of day.
    pub fn new(zone: Tz, shifts: Vec<Shift>) -> Result<Self, String> {
        let mut minutes: Vec<Option<u16>> = vec![None; usize::from(DAY_MIN)];
        for (number, shift) in (0..).zip(&shifts) {
            shift.check(&shifts[..usize::from(number)])?;
            for minute in shift.minutes() {
                if let Some(other) = minutes[minute].replace(number) {
                    return Err(overlap(shift, &shifts[usize::from(other)], minute));
                }
            }
        }
        Ok(Self { zone: ZoneTable::new(zone), shifts, minutes })
    }

    /// The zone of the plant, with its clock changes.
    pub fn zone(&self) -> &ZoneTable {
        &self.zone
    }

    /// The shifts, in the order of [`LocalParts::shift`].
    pub fn shifts(&self) -> &[Shift] {
        &self.shifts
    }

    /// What the plant's clock shows at a moment, given in microseconds since 1970-01-01 UTC.
    pub fn local_parts(&self, at_us: i64) -> LocalParts {
        let utc_s = at_us.div_euclid(SECOND_US);
        let local_s = utc_s + i64::from(self.zone.offset_s(utc_s));
        let minute = local_s.rem_euclid(DAY_S) / 60;
        LocalParts {
            day: local_s.div_euclid(DAY_S) as i32,
            hour: (minute / 60) as i32,
            minute_of_day: minute as u16,
            shift: self.minutes[minute as usize],
        }
    }
}

impl Shift {
    fn check(&self, before: &[Shift]) -> Result<(), String> {
        let Self { name, start_min, end_min } = self;
        if *start_min >= DAY_MIN || *end_min > DAY_MIN {
            return Err(format!(
                "shift \"{name}\" runs from minute {start_min} to {end_min}; a day has 1440"
            ));
        }
        if before.iter().any(|shift| shift.name == *name) {
            return Err(format!("two shifts are called \"{name}\""));
        }
        Ok(())
    }

    /// The minutes of the day it covers, in the order it runs.
    fn minutes(&self) -> impl Iterator<Item = usize> + use<> {
        let next_day = if self.end_min <= self.start_min { DAY_MIN } else { 0 };
        (self.start_min..self.end_min + next_day).map(|minute| usize::from(minute % DAY_MIN))
    }
}

fn overlap(shift: &Shift, other: &Shift, minute: usize) -> String {
    let (hour, minute) = (minute / 60, minute % 60);
    format!("shifts \"{}\" and \"{}\" both run at {hour:02}:{minute:02}", other.name, shift.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDateTime;
    use proptest::prelude::*;

    fn shift(name: &str, start: &str, end: &str) -> Shift {
        let minute = |text: &str| {
            let (hour, minute) = text.split_once(':').unwrap();
            hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
        };
        Shift { name: name.to_owned(), start_min: minute(start), end_min: minute(end) }
    }

    fn three_shifts() -> Vec<Shift> {
        vec![
            shift("A", "06:00", "14:00"),
            shift("B", "14:00", "22:00"),
            shift("C", "22:00", "06:00"),
        ]
    }

    fn micros(text: &str) -> i64 {
        text.parse::<NaiveDateTime>().unwrap().and_utc().timestamp_micros()
    }

    fn check(zone: Tz, shifts: Vec<Shift>, at: &str, expected: (&str, i32, Option<&str>)) {
        let calendar = Calendar::new(zone, shifts).unwrap();
        let parts = calendar.local_parts(micros(at));
        let day = chrono::NaiveDate::default() + chrono::Days::new(parts.day.unsigned_abs().into());
        let name = parts.shift.map(|number| calendar.shifts()[usize::from(number)].name.as_str());
        assert_eq!((day.to_string().as_str(), parts.hour, name), expected, "{zone} {at}");
    }

    #[test]
    fn a_moment_has_a_day_an_hour_and_a_shift() {
        let kolkata = Tz::Asia__Kolkata;
        check(kolkata, three_shifts(), "2023-01-03T18:29:59.999999", ("2023-01-03", 23, Some("C")));
        check(kolkata, three_shifts(), "2023-01-03T18:30:00", ("2023-01-04", 0, Some("C")));
        check(kolkata, three_shifts(), "2023-01-03T00:29:59", ("2023-01-03", 5, Some("C")));
        check(kolkata, three_shifts(), "2023-01-03T00:30:00", ("2023-01-03", 6, Some("A")));
        let day = vec![shift("G", "09:00", "21:00")];
        check(kolkata, day.clone(), "2023-01-03T15:29:59", ("2023-01-03", 20, Some("G")));
        check(kolkata, day, "2023-01-03T15:30:00", ("2023-01-03", 21, None));
        check(kolkata, vec![], "2023-01-03T15:30:00", ("2023-01-03", 21, None));
        let whole = vec![shift("X", "06:00", "06:00")];
        check(
            Tz::Europe__Berlin,
            whole.clone(),
            "2024-10-27T00:30:00",
            ("2024-10-27", 2, Some("X")),
        );
        check(Tz::Europe__Berlin, whole, "2024-10-27T01:30:00", ("2024-10-27", 2, Some("X")));
    }

    fn check_refused(shifts: Vec<Shift>, expected: &str) {
        assert_eq!(Calendar::new(Tz::UTC, shifts).unwrap_err(), expected);
    }

    #[test]
    fn shifts_that_cannot_be_told_apart_are_refused() {
        let overlap = vec![shift("A", "06:00", "14:00"), shift("C", "22:00", "06:01")];
        check_refused(overlap, r#"shifts "A" and "C" both run at 06:00"#);
        let same = vec![shift("A", "06:00", "14:00"), shift("A", "14:00", "22:00")];
        check_refused(same, r#"two shifts are called "A""#);
        check_refused(
            vec![shift("A", "24:00", "06:00")],
            r#"shift "A" runs from minute 1440 to 360; a day has 1440"#,
        );
        assert!(Calendar::new(Tz::UTC, vec![shift("A", "16:00", "24:00")]).is_ok());
    }

    proptest! {
        #[test]
        fn local_parts_lead_back_to_the_minute(at_s in -5_000_000_000i64..5_000_000_000) {
            let calendar = Calendar::new(Tz::Europe__Berlin, three_shifts()).unwrap();
            let parts = calendar.local_parts(at_s * SECOND_US + 999_999);
            let local_s = i64::from(parts.day) * DAY_S + i64::from(parts.minute_of_day) * 60;
            let back = calendar.zone().utc_s(local_s + at_s.rem_euclid(60));
            // Before 1893 Berlin was ahead by a number of seconds that is no whole minute, and a
            // time shown twice leads back to the first.
            prop_assume!(at_s > -2_400_000_000);
            prop_assert!(back == Some(at_s) || back == Some(at_s - 3600));
            prop_assert_eq!(parts.hour, i32::from(parts.minute_of_day) / 60);
            let expected = match parts.hour { 6..14 => 0, 14..22 => 1, _ => 2 };
            prop_assert_eq!(parts.shift, Some(expected));
        }
    }
}
