use super::*;
use chrono::NaiveDateTime;
use proptest::prelude::*;

fn shift(name: &str, start: &str, end: &str) -> Shift {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap();
        hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
    };
    let (start_min, end_min) = (minute(start), minute(end));
    Shift { name: name.to_owned(), start_min, end_min, ..Shift::default() }
}

fn three_shifts() -> Vec<Shift> {
    vec![shift("A", "06:00", "14:00"), shift("B", "14:00", "22:00"), shift("C", "22:00", "06:00")]
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
fn calendar_parts_of_times() {
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
    check(Tz::Europe__Berlin, whole.clone(), "2024-10-27T00:30:00", ("2024-10-27", 2, Some("X")));
    check(Tz::Europe__Berlin, whole, "2024-10-27T01:30:00", ("2024-10-27", 2, Some("X")));
}

fn check_refused(shifts: Vec<Shift>, expected: &str) {
    assert_eq!(Calendar::new(Tz::UTC, shifts).unwrap_err(), expected);
}

#[test]
fn overlapping_and_duplicate_shifts_are_refused() {
    let overlap = vec![shift("A", "06:00", "14:00"), shift("C", "22:00", "06:01")];
    check_refused(overlap, r#"shifts "A" and "C" both run at 06:00"#);
    let same = vec![shift("A", "06:00", "14:00"), shift("A", "14:00", "22:00")];
    check_refused(same, r#"two shifts are named "A""#);
    check_refused(
        vec![shift("A", "24:00", "06:00")],
        r#"invalid times of shift "A": minutes 1440 to 360; expected at most 1440"#,
    );
    assert!(Calendar::new(Tz::UTC, vec![shift("A", "16:00", "24:00")]).is_ok());
}

#[test]
fn a_past_day_keeps_its_shifts() {
    let old =
        Shift { valid: Span { from: None, until: Some(19_999) }, ..shift("A", "06:00", "18:00") };
    let new =
        Shift { valid: Span { from: Some(20_000), until: None }, ..shift("A", "08:00", "16:00") };
    let calendar = Calendar::new(Tz::UTC, vec![old, new]).unwrap();
    let at = |day: i64, hour: i64| calendar.local_parts((day * DAY_S + hour * HOUR_S) * SECOND_US);
    assert_eq!(at(19_999, 7).shift, Some(0));
    assert_eq!(at(19_999, 17).shift, Some(0));
    assert_eq!((at(20_000, 7).shift, at(20_000, 7).production_day), (None, 19_999));
    assert_eq!((at(20_000, 8).shift, at(20_000, 8).production_day), (Some(1), 20_000));
    assert_eq!(at(20_000, 17).shift, None);
}

#[test]
fn rest_days_may_apply_to_lines_and_be_lifted() {
    let rest = |name: &str, days, lines: &[&str], is_working| Rest {
        name: name.to_owned(),
        days,
        lines: lines.iter().map(|it| (*it).to_owned()).collect(),
        is_working,
    };
    let day = |day| RestDays::Days(Span { from: Some(day), until: Some(day) });
    let rests = vec![
        rest("Sunday", RestDays::Weekday(Weekday::Sun), &[], false),
        rest("inventory", day(20_000), &["TS"], false),
        rest("rush", day(20_023), &["TS"], true),
    ];
    let calendar = Calendar::new(Tz::UTC, vec![]).unwrap().with_rests(rests);
    let name = |day, line| calendar.rest(day, line).map(|rest| rest.name.as_str());
    // 2024-10-27 is a Sunday.
    assert_eq!(name(20_023, Some("TS")), None);
    assert_eq!(name(20_023, Some("BC")), Some("Sunday"));
    assert_eq!(name(20_023, None), Some("Sunday"));
    assert_eq!(name(20_000, Some("TS")), Some("inventory"));
    assert_eq!(name(20_000, Some("BC")), None);
}

#[test]
fn production_days_have_23_24_or_25_hours() {
    let calendar = Calendar::new(Tz::Europe__Berlin, three_shifts()).unwrap();
    let hours = |day| {
        let (from_s, to_s) = calendar.production_day(day);
        (to_s - from_s) / HOUR_S
    };
    // Clocks were set forward on 2024-03-31 and back on 2024-10-27, both before the first shift.
    assert_eq!([hours(19_812), hours(19_813), hours(20_022)], [23, 24, 25]);
}

#[test]
fn a_shift_ends_where_the_next_one_begins() {
    let berlin = Calendar::new(Tz::Europe__Berlin, three_shifts()).unwrap();
    let end = |calendar: &Calendar, at: &str| {
        let end_s = calendar.shift_end_s(second_of_us(micros(at)));
        end_s.map(|end_s| chrono::DateTime::from_timestamp(end_s, 0).unwrap().naive_utc())
    };
    let time = |text: &str| Some(text.parse::<NaiveDateTime>().unwrap());
    assert_eq!(end(&berlin, "2024-07-01T04:00:00"), time("2024-07-01T12:00:00"));
    assert_eq!(end(&berlin, "2024-07-01T11:59:59"), time("2024-07-01T12:00:00"));
    // The night shift has nine hours when clocks are set back.
    assert_eq!(end(&berlin, "2024-10-26T20:00:00"), time("2024-10-27T05:00:00"));
    let alone = vec![shift("all day", "06:00", "06:00")];
    let alone = Calendar::new(Tz::UTC, alone).unwrap();
    assert_eq!(end(&alone, "2024-07-01T06:00:00"), time("2024-07-02T06:00:00"));
    let day = Calendar::new(Tz::UTC, vec![shift("G", "09:00", "21:00")]).unwrap();
    assert_eq!(end(&day, "2024-07-01T08:59:59"), None);
    assert_eq!(end(&day, "2024-07-01T20:59:59"), time("2024-07-01T21:00:00"));
}

proptest! {
    #[test]
    fn pieces_leave_no_gap_and_are_of_one_hour(from_s in 1_700_000_000i64..1_740_000_000) {
        let mut shifts = three_shifts();
        shifts[2].breaks = vec![(23 * 60 + 45, 15), (3 * 60 + 20, 3 * 60 + 50)];
        let calendar = Calendar::new(Tz::Europe__Berlin, shifts).unwrap();
        let to_s = from_s + 2 * DAY_S;
        let mut at_s = from_s;
        for piece in calendar.pieces(from_s, to_s) {
            prop_assert_eq!(piece.from_s, at_s);
            prop_assert!(piece.to_s > at_s && piece.to_s - at_s <= HOUR_S);
            let last = calendar.local_parts((piece.to_s - 1) * SECOND_US);
            prop_assert_eq!(LocalParts { minute_of_day: piece.parts.minute_of_day, ..last }, piece.parts);
            at_s = piece.to_s;
        }
        prop_assert_eq!(at_s, to_s);
        let day = calendar.local_parts(from_s * SECOND_US).production_day;
        let (first, end) = calendar.production_day(day);
        prop_assert!((first..end).contains(&from_s));
    }

    #[test]
    fn local_parts_lead_back_to_the_minute(at_s in -5_000_000_000i64..5_000_000_000) {
        let calendar = Calendar::new(Tz::Europe__Berlin, three_shifts()).unwrap();
        let parts = calendar.local_parts(at_s * SECOND_US + 999_999);
        let local_s = i64::from(parts.day) * DAY_S + i64::from(parts.minute_of_day) * 60;
        let back = calendar.zone().utc_s(local_s + at_s.rem_euclid(60));
        // Before 1893 the offset of Berlin was not a whole number of minutes, and an ambiguous
        // local time converts to its first occurrence.
        prop_assume!(at_s > -2_400_000_000);
        prop_assert!(back == Some(at_s) || back == Some(at_s - 3600));
        prop_assert_eq!(parts.hour, i32::from(parts.minute_of_day) / 60);
        let expected = match parts.hour { 6..14 => 0, 14..22 => 1, _ => 2 };
        prop_assert_eq!(parts.shift, Some(expected));
    }
}
