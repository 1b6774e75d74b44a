use super::*;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Timelike};
use chrono_tz::Tz;
use proptest::prelude::*;
use std::sync::LazyLock;

static KOLKATA: LazyLock<ZoneTable> = LazyLock::new(|| ZoneTable::new(Tz::Asia__Kolkata));
static BERLIN: LazyLock<ZoneTable> = LazyLock::new(|| ZoneTable::new(Tz::Europe__Berlin));
static UTC: LazyLock<ZoneTable> = LazyLock::new(|| ZoneTable::new(Tz::UTC));

fn spellings(texts: &[&str]) -> Vec<TimeSpelling> {
    texts.iter().map(|text| TimeSpelling::parse(text).unwrap()).collect()
}

fn check(zone: &ZoneTable, texts: &[&str], text: &str, expected: Result<&str, Misread>) {
    let at = parse_time(text, &spellings(texts), zone)
        .map(|us| DateTime::from_timestamp_micros(us).unwrap().naive_utc());
    let expected = expected.map(|text| text.parse::<NaiveDateTime>().unwrap());
    assert_eq!(at, expected, "{texts:?} {text:?}");
}

const NOT: Result<&str, Misread> = Err(Misread::NotATime);

#[test]
fn stamps_of_the_reference_plant() {
    let four =
        ["dd/MM/yyyy mm:HH:ss", "yyyy-MM-dd mm:HH:ss", "yyyyMMdd mm-HH-ss", "yyyy-MM-dd HH:mm:ss"];
    for text in
        ["03/01/2023 35:19:32", "2023-01-03 35:19:32", "20230103 35-19-32", "2023-01-03 19:35:32"]
    {
        check(&KOLKATA, &four, text, Ok("2023-01-03T14:05:32"));
    }
    let dates = ["dd-MM-yyyy HH:mm", "dd-MM-yyyy", "excel"];
    check(&KOLKATA, &dates, "31-12-2022 05:30", Ok("2022-12-31T00:00:00"));
    check(&KOLKATA, &dates, "01-01-2023", Ok("2022-12-31T18:30:00"));
    check(&KOLKATA, &dates, "44927.5", Ok("2023-01-01T06:30:00"));
    check(&KOLKATA, &["epoch_s"], "1700000000", Ok("2023-11-14T22:13:20"));
    check(&UTC, &["yyyyMMddHHmmss"], "20231114221320", Ok("2023-11-14T22:13:20"));
    check(&UTC, &["yyyy/MM/dd HH:mm:ss"], " 2023/11/14 22:13:20\t", Ok("2023-11-14T22:13:20"));
}

#[test]
fn every_field_is_checked() {
    for text in [
        "2023-00-01 00:00:00",
        "2023-13-01 00:00:00",
        "2023-02-29 00:00:00",
        "2023-01-00 00:00:00",
        "2023-01-01 24:00:00",
        "2023-01-01 00:60:00",
        "2023-01-01 00:00:60",
        "0000-01-01 00:00:00",
        "2023-1-01 00:00:00",
        "2023-01-01 00:00:0",
        "2023-01-01 00:00:000",
        "2023-01-01T00:00:00",
        "2023-01-01 0a:00:00",
        "",
    ] {
        check(&UTC, &["yyyy-MM-dd HH:mm:ss"], text, NOT);
    }
    check(&UTC, &["yyyy-MM-dd HH:mm:ss"], "2024-02-29 23:59:59", Ok("2024-02-29T23:59:59"));
    check(&UTC, &["yyyy-MM-dd"], "1900-02-29", NOT);
    check(&UTC, &["yyyy-MM-dd"], "2000-02-29", Ok("2000-02-29T00:00:00"));
}

#[test]
fn fractions_and_zones() {
    let iso = ["yyyy-MM-ddTHH:mm:ss.SSSXXX", "yyyy-MM-ddTHH:mm:ssXXX"];
    check(&KOLKATA, &iso, "2023-01-01T00:00:00Z", Ok("2023-01-01T00:00:00"));
    check(&KOLKATA, &iso, "2023-01-01T00:00:00.5+05:30", Ok("2022-12-31T18:30:00.500"));
    check(&KOLKATA, &iso, "2023-01-01T00:00:00.123456789-01:00", Ok("2023-01-01T01:00:00.123456"));
    for text in ["2023-01-01T00:00:00.Z", "2023-01-01T00:00:00.1234567890Z", "2023-01-01T00:00:00"]
    {
        check(&KOLKATA, &iso, text, NOT);
    }
    for zone in ["+5:30", "+0530", "+05:60", "+19:00", "z", "+05:30x"] {
        check(&KOLKATA, &iso, &format!("2023-01-01T00:00:00{zone}"), NOT);
    }
    check(
        &UTC,
        &["HH:mm:ss,SSS dd.MM.yyyy"],
        "01:02:03,04 05.06.2007",
        Ok("2007-06-05T01:02:03.040"),
    );
    check(&UTC, &["'on 'dd/MM/yyyy' at 'HH'h'"], "on 05/06/2007 at 08h", Ok("2007-06-05T08:00:00"));
}

#[test]
fn epochs_and_serial_numbers() {
    check(&KOLKATA, &["epoch_s"], "-1.5", Ok("1969-12-31T23:59:58.500"));
    check(&KOLKATA, &["epoch_s"], "1700000000.1234567", Ok("2023-11-14T22:13:20.123456"));
    check(&KOLKATA, &["epoch_ms"], "1700000000123", Ok("2023-11-14T22:13:20.123"));
    check(&KOLKATA, &["epoch_s"], "1700000000123", NOT);
    check(&KOLKATA, &["epoch_s"], "soon", NOT);
    check(&UTC, &["excel"], "1", Ok("1900-01-01T00:00:00"));
    check(&UTC, &["excel"], "59.99999", Ok("1900-02-28T23:59:59"));
    check(&UTC, &["excel"], "60", Err(Misread::NoSuchTime));
    check(&UTC, &["excel"], "61", Ok("1900-03-01T00:00:00"));
    check(&UTC, &["excel"], "44927.8166666667", Ok("2023-01-01T19:36:00"));
    check(&UTC, &["excel"], "2958465.5", Ok("9999-12-31T12:00:00"));
    for text in ["0", "0.99", "-1", "2958466", "NaN", "44927,5", ""] {
        check(&UTC, &["excel"], text, NOT);
    }
}

#[test]
fn times_the_clock_shows_twice_or_never() {
    let plain = ["yyyy-MM-dd HH:mm:ss"];
    check(&BERLIN, &plain, "2024-10-27 02:30:00", Ok("2024-10-27T00:30:00"));
    check(&BERLIN, &plain, "2024-03-31 02:30:00", Err(Misread::NoSuchTime));
    check(
        &BERLIN,
        &["yyyy-MM-dd mm:HH:ss", plain[0]],
        "2024-03-31 02:30:00",
        Err(Misread::NoSuchTime),
    );
    check(
        &BERLIN,
        &["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd mm:HH:ss"],
        "2024-03-31 02:03:00",
        Ok("2024-03-31T01:02:00"),
    );
}

fn check_date(texts: &[&str], text: &str, expected: Result<&str, Misread>) {
    let day =
        parse_date(text, &spellings(texts)).map(|day| NaiveDate::from_epoch_days(day).unwrap());
    assert_eq!(day, expected.map(|text| text.parse().unwrap()), "{texts:?} {text:?}");
}

#[test]
fn days() {
    check_date(&["dd-MM-yyyy", "excel"], "31-12-2022", Ok("2022-12-31"));
    check_date(&["dd-MM-yyyy", "excel"], "44927", Ok("2023-01-01"));
    check_date(&["dd-MM-yyyy", "excel"], "44927.99", Ok("2023-01-01"));
    check_date(&["yyyy-MM-dd HH:mm:ss"], "2023-01-01 23:59:59", Ok("2023-01-01"));
    check_date(&["yyyy-MM-dd HH:mm:ss"], "2023-01-01 24:00:00", NOT);
    check_date(&["yyyy-MM-ddTHH:mmXXX"], "2023-01-01T01:00+05:30", Ok("2023-01-01"));
    check_date(&["epoch_s"], "-1", Ok("1969-12-31"));
    check_date(&["yyyy-MM-dd"], "0001-01-01", Ok("0001-01-01"));
    check_date(&["yyyy-MM-dd"], "9999-12-31", Ok("9999-12-31"));
}

fn check_refused(text: &str, expected: &str) {
    let error = TimeSpelling::parse(text).unwrap_err();
    assert!(error.contains(expected) && error.contains("epoch_ms"), "{error}");
}

#[test]
fn wrong_spellings_are_refused_in_words() {
    check_refused("", "has no yyyy");
    check_refused("dd-MM-yy", "has \"y\" where no field begins");
    check_refused("yyyy-MM-ddTHH:mm:ssZ", "has \"Z\" where no field begins");
    check_refused("yyyy-MM", "has no dd");
    check_refused("yyyy-MM-dd yyyy", "has yyyy twice");
    check_refused("yyyy-MM-dd mm", "has mm but no HH");
    check_refused("yyyy-MM-dd HH:mm.SSS", "has SSS but no ss");
    check_refused("yyyy-MM-dd XXX", "has XXX but no HH");
    check_refused("HHmmssSSSyyyyMMdd", "has digits right after SSS");
    check_refused("HHmmssSSS'1'yyyyMMdd", "has digits right after SSS");
    check_refused("yyyy-MM-dd 'at", "never closes it");
}

#[test]
fn a_spelling_displays_as_written() {
    for text in ["dd-MM-yyyy HH:mm:ss", "excel", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"] {
        assert_eq!(TimeSpelling::parse(text).unwrap().to_string(), text);
    }
}

/// Chrono's format for each field; the fraction is written with six digits.
fn strftime(spelling: &str) -> String {
    let fields = [
        ("yyyy", "%Y"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("mm", "%M"),
        ("SSS", "%6f"),
        ("ss", "%S"),
        ("XXX", "%:z"),
    ];
    fields.iter().fold(spelling.to_owned(), |text, (token, format)| text.replace(token, format))
}

fn any_spelling() -> impl Strategy<Value = String> {
    let date = Just(vec!["yyyy", "MM", "dd"]);
    let time = Just(vec!["HH", "mm", "ss"]);
    let sign = proptest::sample::select(vec!["-", "/", ".", ":", " ", "", "T"]);
    let tail = proptest::sample::select(vec!["", ".SSS", ".SSSXXX", "XXX"]);
    (date.prop_shuffle(), time.prop_shuffle(), sign.clone(), sign, tail)
        .prop_map(|(date, time, a, b, tail)| date.join(a) + " " + &time.join(b) + tail)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        spelling in any_spelling(),
        at_us in FIRST_US + DAY_US..END_US - DAY_US,
        berlin in any::<bool>(),
    ) {
        let zone = if berlin { &*BERLIN } else { &*KOLKATA };
        let at = DateTime::from_timestamp_micros(at_us).unwrap().with_timezone(&zone.zone());
        // Until 1893 clocks were ahead by seconds that no written offset can tell.
        prop_assume!(at_us > -2_300_000_000 * SECOND_US);
        let text = at.format(&strftime(&spelling)).to_string();
        let got = parse_time(&text, &spellings(&[&spelling]), zone);
        let written = if spelling.contains("SSS") { at } else { at.with_nanosecond(0).unwrap() };
        let hour_us = 3600 * SECOND_US;
        let expected = written.timestamp_micros();
        let twice = berlin && !spelling.contains("XXX") && got == Ok(expected - hour_us);
        prop_assert!(got == Ok(expected) || twice, "{spelling} {text} {got:?} {expected}");
        let day = parse_date(&text, &spellings(&[&spelling])).unwrap();
        prop_assert_eq!(NaiveDate::from_epoch_days(day), Some(at.date_naive()));
    }

    #[test]
    fn epochs_and_serial_numbers_are_read_again(at_us in FIRST_US..END_US) {
        let seconds = format!("{}.{:06}", at_us.div_euclid(SECOND_US), at_us.rem_euclid(SECOND_US));
        if at_us >= 0 {
            prop_assert_eq!(parse_time(&seconds, &spellings(&["epoch_s"]), &KOLKATA), Ok(at_us));
        }
        let millis = at_us.div_euclid(1000).to_string();
        prop_assert_eq!(
            parse_time(&millis, &spellings(&["epoch_ms"]), &KOLKATA),
            Ok(at_us.div_euclid(1000) * 1000)
        );
        let serial_us = at_us + EXCEL_EPOCH_DAY * DAY_US;
        if serial_us >= 61 * DAY_US {
            let serial_s = serial_us / SECOND_US;
            let serial = (serial_s as f64 / DAY_S_F64).to_string();
            let expected = serial_s * 1_000_000 - EXCEL_EPOCH_DAY * DAY_US;
            prop_assert_eq!(parse_time(&serial, &spellings(&["excel"]), &UTC), Ok(expected));
        }
    }

    #[test]
    fn no_text_makes_it_fail(spelling in "[yMdHmsSXT':. -]{0,20}", text in ".{0,30}") {
        if let Ok(spelling) = TimeSpelling::parse(&spelling) {
            let _read = parse_time(&text, &[spelling], &KOLKATA);
        }
    }
}

/// Run by hand: `cargo test --release -p plant -- --ignored --nocapture nanoseconds`.
#[test]
#[ignore = "measures, asserts nothing"]
#[expect(clippy::disallowed_methods, reason = "measuring is reading the clock")]
fn nanoseconds_per_stamp() {
    let sorted = |at_s: i64| 1_650_000_000 + at_s * 30;
    let scattered = |at_s: i64| 1_000_000_000 + at_s * 7_919_993 % 700_000_000;
    for (zone, order, at) in [
        (&*KOLKATA, "sorted", &sorted as &dyn Fn(i64) -> i64),
        (&*BERLIN, "sorted", &sorted),
        (&*BERLIN, "scattered", &scattered),
    ] {
        let stamp =
            |at_s: i64| DateTime::from_timestamp(at_s, 0).unwrap().with_timezone(&zone.zone());
        let texts: Vec<String> =
            (0..1_000_000).map(|n| stamp(at(n)).format("%Y-%m-%d %H:%M:%S").to_string()).collect();
        let spellings = spellings(&["yyyy-MM-dd HH:mm:ss"]);
        let taken_ns = texts.chunks(1000).map(|texts| {
            let begin = std::time::Instant::now();
            let sum = texts.iter().fold(0i64, |sum, text| {
                sum.wrapping_add(parse_time(text, &spellings, zone).unwrap())
            });
            std::hint::black_box(sum);
            begin.elapsed().as_nanos()
        });
        let mut taken_ns: Vec<u128> = taken_ns.collect();
        taken_ns.sort_unstable();
        let (least, median) = (taken_ns[0] as f64 / 1e3, taken_ns[500] as f64 / 1e3);
        println!("{} {order}: {least} ns per stamp, median {median}", zone.zone());
    }
    let begin = std::time::Instant::now();
    let table = ZoneTable::new(Tz::Europe__Berlin);
    println!("{} table: {} us", table.zone(), begin.elapsed().as_micros());
}
