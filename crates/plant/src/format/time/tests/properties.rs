//! Properties of time formats, with random formats, zones and texts.

use super::*;
use chrono::{Offset as _, TimeZone as _, Timelike as _};
use proptest::prelude::*;

/// The chrono format of each field; the fraction is written with six digits.
fn strftime(format: &str) -> String {
    let fields = [
        ("yyyy", "%Y"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("mm", "%M"),
        ("SSS", "%6f"),
        ("ss", "%S"),
        ("XXX", "%:z"),
    ];
    fields.iter().fold(format.to_owned(), |text, (token, format)| text.replace(token, format))
}

fn any_format() -> impl Strategy<Value = String> {
    let date = proptest::sample::select(vec![vec!["yyyy", "MM", "dd"], vec!["yyyy", "MMM", "dd"]]);
    let time = Just(vec!["HH", "mm", "ss"]);
    // A T after a month name could be part of the name, as in `Sept`.
    let between_days = proptest::sample::select(vec!["-", "/", ".", ":", " ", ""]);
    let sign = proptest::sample::select(vec!["-", "/", ".", ":", " ", "", "T"]);
    let tail = proptest::sample::select(vec!["", ".SSS", ".SSSXXX", "XXX"]);
    (date.prop_shuffle(), time.prop_shuffle(), between_days, sign, tail)
        .prop_map(|(date, time, a, b, tail)| date.join(a) + " " + &time.join(b) + tail)
}

proptest! {
    #[test]
    fn a_formatted_time_is_parsed_back(
        format in any_format(),
        at_us in FIRST_US + DAY_US..END_US - DAY_US,
        berlin in any::<bool>(),
    ) {
        let zone = if berlin { &*BERLIN } else { &*KOLKATA };
        let at = DateTime::from_timestamp_micros(at_us).unwrap().with_timezone(&zone.zone());
        let text = at.format(&strftime(&format)).to_string();
        let got = parse_time(&text, &formats(&[&format]), zone);
        let local = if format.contains("SSS") { at } else { at.with_nanosecond(0).unwrap() }.naive_local();
        let expected = if format.contains("XXX") {
            // Offsets had seconds until 1893 in Berlin and 1906 in Kolkata; chrono writes the nearest minute.
            let offset_min = (at.offset().fix().local_minus_utc() + 30).div_euclid(60);
            local.and_utc() - chrono::TimeDelta::minutes(i64::from(offset_min))
        } else {
            // A local time that occurs twice is the earlier one.
            zone.zone().from_local_datetime(&local).earliest().unwrap().to_utc()
        };
        prop_assert_eq!(got, Ok(expected.timestamp_micros()), "{} {}", format, text);
        let day = parse_date(&text, &formats(&[&format])).unwrap();
        prop_assert_eq!(NaiveDate::from_epoch_days(day), Some(at.date_naive()));
    }

    #[test]
    fn times_outside_the_years_are_refused(
        year in proptest::sample::select(vec![1, 2, 9998, 9999]),
        day in 0..366_i64,
        second in 0..DAY_S,
        zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        offset_min in -1080..=1080_i64,
    ) {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        let midnight = first.and_hms_opt(0, 0, 0).unwrap();
        let local = midnight + chrono::TimeDelta::seconds(day * DAY_S + second);
        prop_assume!(local < NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap());
        let text = local.format("%Y-%m-%dT%H:%M:%S").to_string();
        let table = ZoneTable::new(zone);
        let sign = if offset_min < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset_min.abs() / 60, offset_min.abs() % 60);
        let with_offset = format!("{text}{sign}{hours:02}:{minutes:02}");
        let in_zone = parse_time(&text, &formats(&["yyyy-MM-ddTHH:mm:ss"]), &table);
        let offset = parse_time(&with_offset, &formats(&["yyyy-MM-ddTHH:mm:ssXXX"]), &table);
        let utc_us = local.and_utc().timestamp_micros() - offset_min * 60 * SECOND_US;
        let expected = (FIRST_US..END_US).contains(&utc_us).then_some(utc_us).ok_or(ParseError::NotATime);
        prop_assert_eq!(offset, expected);
        for at_us in in_zone.into_iter() {
            prop_assert!((FIRST_US..END_US).contains(&at_us), "{} {} {}", zone, text, at_us);
        }
    }

    #[test]
    fn epochs_are_parsed_back(at_us in 10_000_000 * SECOND_US..50_000 * DAY_US) {
        let seconds = format!("{}.{:06}", at_us / SECOND_US, at_us % SECOND_US);
        let of = |unit: u32| (i128::from(at_us) * 1000 / 10_i128.pow(unit)).to_string();
        for (format, text, kept) in [
            ("epoch_s", seconds, 1),
            ("epoch_ms", of(6), 1000),
            ("epoch_us", of(3), 1),
            ("epoch_ns", of(0), 1),
        ] {
            let got = parse_time(&text, &formats(&[format]), &KOLKATA);
            prop_assert_eq!(got, Ok(at_us / kept * kept), "{}", format);
        }
        let before = (-at_us).div_euclid(1000);
        let got = parse_time(&before.to_string(), &formats(&["epoch_ms"]), &KOLKATA);
        prop_assert_eq!(got, Ok(before * 1000));
    }

    #[test]
    fn dotnet_formats_are_parsed_back(at_us in FIRST_US..END_US, offset_min in -1080..=1080_i64) {
        let (ms, sign) = (at_us.div_euclid(1000), if offset_min < 0 { '-' } else { '+' });
        let (hours, minutes) = (offset_min.abs() / 60, offset_min.abs() % 60);
        let text = format!("/Date({ms}{sign}{hours:02}{minutes:02})/");
        let got = parse_time(&text, &formats(&["dotnet_date"]), &KOLKATA);
        prop_assert_eq!(got, Ok(ms * 1000), "{}", text);
        let local_day = (ms * 1000 + offset_min * 60 * SECOND_US).div_euclid(DAY_US);
        if let Ok(day) = parse_date(&text, &formats(&["dotnet_date"])) {
            prop_assert_eq!(i64::from(day), local_day);
        }
        let ticks = ((at_us - FIRST_US) * 10).to_string();
        let from_1753_to_4999 = -6_847_804_800 * SECOND_US..95_617_584_000 * SECOND_US;
        let got = parse_time(&ticks, &formats(&["dotnet_ticks"]), &KOLKATA);
        if from_1753_to_4999.contains(&at_us) {
            prop_assert_eq!(got, Ok(at_us), "{}", ticks);
        }
        prop_assert!(got.is_err() || got == Ok(at_us));
    }

    #[test]
    fn serial_numbers_are_parsed_back(at_us in FIRST_US..END_US) {
        for (format, epoch_day, first_day) in [("excel", 25_569, 61), ("excel_1904", 24_107, 0)] {
            let serial_us = at_us + epoch_day * DAY_US;
            if serial_us < first_day * DAY_US {
                continue;
            }
            let serial_s = serial_us / SECOND_US;
            let serial = (serial_s as f64 / DAY_S as f64).to_string();
            let expected = serial_s * SECOND_US - epoch_day * DAY_US;
            prop_assert_eq!(parse_time(&serial, &formats(&[format]), &UTC), Ok(expected));
            let with_comma = parse_time(&serial.replace('.', ","), &formats(&[format]), &UTC);
            let is_unclear = serial_s < 1000 * DAY_S;
            prop_assert!(with_comma == Ok(expected) || is_unclear, "{} {}", format, serial);
        }
    }

    #[test]
    fn no_text_causes_a_panic(format in "[yMdHhmsaSXT':. -]{0,20}", text in ".{0,30}|[0-9:. APMJanuary+-]{0,25}") {
        if let Ok(format) = TimeFormat::parse(&format) {
            let _read = parse_time(&text, &[format], &KOLKATA);
        }
    }
}
