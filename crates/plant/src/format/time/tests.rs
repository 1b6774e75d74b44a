use super::*;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use std::sync::LazyLock;

mod properties;

static KOLKATA: LazyLock<ZoneTable> = LazyLock::new(|| ZoneTable::new(Tz::Asia__Kolkata));
static BERLIN: LazyLock<ZoneTable> = LazyLock::new(|| ZoneTable::new(Tz::Europe__Berlin));
static UTC: LazyLock<ZoneTable> = LazyLock::new(|| ZoneTable::new(Tz::UTC));

fn formats(texts: &[&str]) -> Vec<TimeFormat> {
    texts.iter().map(|text| TimeFormat::parse(text).unwrap()).collect()
}

fn check(zone: &ZoneTable, texts: &[&str], text: &str, expected: Result<&str, ParseError>) {
    let at = parse_time(text, &formats(texts), zone)
        .map(|us| DateTime::from_timestamp_micros(us).unwrap().naive_utc());
    let expected = expected.map(|text| text.parse::<NaiveDateTime>().unwrap());
    assert_eq!(at, expected, "{texts:?} {text:?}");
}

const NOT: Result<&str, ParseError> = Err(ParseError::NotATime);

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
        "2023-01-01 24:00:01",
        "2023-01-01 24:30:00",
        "2023-01-01 25:00:00",
        "2023-01-01 00:60:00",
        "2023-01-01 00:00:60",
        "0000-01-01 00:00:00",
        "2023-1-01 00:00:00",
        "2023-01-01 00:00:0",
        "2023-01-01 00:00:000",
        "2023-01-01T00:00:00",
        "9999-12-31 24:00:00",
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
    for zone in ["+5:30", "+05:60", "+19:00", "+05:30x", "+053", "UTCX", "+", "+05:", "EST"] {
        check(&KOLKATA, &iso, &format!("2023-01-01T00:00:00{zone}"), NOT);
    }
    for zone in ["+05:30", "+0530", "\u{2212}05:30", "utc+05:30", "GMT+0530"] {
        let expected = if zone.starts_with('\u{2212}') { "T05:30:00" } else { "T18:30:00" };
        let day = if zone.starts_with('\u{2212}') { "2023-01-01" } else { "2022-12-31" };
        let text = format!("2023-01-01T00:00:00{zone}");
        check(&BERLIN, &iso, &text, Ok(&format!("{day}{expected}")));
    }
    for format in ["yyyy-MM-ddTHH:mm:ssX", "yyyy-MM-ddTHH:mm:ssXX", "yyyy-MM-ddTHH:mm:ssXXX"] {
        for zone in ["Z", "z", "UTC", "gmt", "+00", "-0000", "-00:00"] {
            let text = format!("2023-01-01t06:00:00{zone}");
            check(&KOLKATA, &[format], &text, Ok("2023-01-01T06:00:00"));
        }
    }
    check(&KOLKATA, &["yyyy-MM-dd HH:mm XXX"], "2023-01-01 06:00 UTC", Ok("2023-01-01T06:00:00"));
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
    check(&UTC, &["excel"], "60", Err(ParseError::NoSuchTime));
    check(&UTC, &["excel"], "61", Ok("1900-03-01T00:00:00"));
    check(&UTC, &["excel"], "44927.8166666667", Ok("2023-01-01T19:36:00"));
    check(&UTC, &["excel"], "2958465.5", Ok("9999-12-31T12:00:00"));
    check(&UTC, &["excel"], "44927,5", Ok("2023-01-01T12:00:00"));
    for text in ["0", "0.99", "-1", "2958466", "NaN", "44,927", "44,927,5", "44927-", "(44927)", ""]
    {
        check(&UTC, &["excel"], text, NOT);
    }
    check(&UTC, &["excel_1904"], "0", Ok("1904-01-01T00:00:00"));
    check(&UTC, &["excel_1904"], "60", Ok("1904-03-01T00:00:00"));
    check(&UTC, &["excel_1904"], "43834,25", Ok("2024-01-05T06:00:00"));
    check(&UTC, &["excel_1904"], "2957003", Ok("9999-12-31T00:00:00"));
    for text in ["-1", "2957004"] {
        check(&UTC, &["excel_1904"], text, NOT);
    }
}

#[test]
fn epochs_of_every_unit() {
    let expected = Ok("2024-01-05T06:00:00.250");
    check(&UTC, &["epoch_s"], "1704434400.25", expected);
    check(&UTC, &["epoch_ms"], "1704434400250", expected);
    check(&UTC, &["epoch_us"], "1704434400250000", expected);
    check(&UTC, &["epoch_ns"], "1704434400250000000", expected);
    check(&UTC, &["epoch_ns"], "1704434400250000999", expected);
    check(&UTC, &["epoch_ms"], "0", Ok("1970-01-01T00:00:00"));
    check(&UTC, &["epoch_s"], "253402214400", Ok("9999-12-31T00:00:00"));
    check(&UTC, &["epoch_ms"], "253402300799999", Ok("9999-12-31T23:59:59.999"));
    check(&UTC, &["epoch_ms"], "-86400000000", Ok("1967-04-07T00:00:00"));
}

#[test]
fn an_epoch_of_another_unit_is_refused() {
    let units = ["epoch_s", "epoch_ms", "epoch_us", "epoch_ns"];
    for (at, digits) in [(0, 0), (1, 3), (2, 6), (3, 9)] {
        // 1973, 2001, 2024, 2099.
        for second in [100_000_000_i64, 1_000_000_000, 1_704_434_400, 4_090_000_000] {
            let text = format!("{second}{}", "0".repeat(digits));
            for (other, unit) in units.iter().enumerate() {
                let is_read = parse_time(&text, &formats(&[unit]), &UTC).is_ok();
                assert_eq!(is_read, other == at, "{text} as {unit}");
            }
        }
    }
    check(&UTC, &["epoch_ms", "epoch_s"], "1704434400", Ok("2024-01-05T06:00:00"));
}

#[test]
fn fields_of_one_or_two_digits() {
    let short = ["d.M.yyyy H:mm", "M/d/yyyy h:mm:ss a", "d.M.yyyy H:m:s"];
    check(&UTC, &short, "5.1.2024 7:30", Ok("2024-01-05T07:30:00"));
    check(&UTC, &short, "15.11.2024 17:30", Ok("2024-11-15T17:30:00"));
    check(&UTC, &short, "05.01.2024 07:30", Ok("2024-01-05T07:30:00"));
    check(&UTC, &short, " 5. 1.2024  7:30", Ok("2024-01-05T07:30:00"));
    check(&UTC, &short, "5.1.2024 7:3:9", Ok("2024-01-05T07:03:09"));
    for text in ["115.1.2024 7:30", "5..2024 7:30", "5.13.2024 7:30", ".1.2024 7:30", "5.1.24 7:30"]
    {
        check(&UTC, &short, text, NOT);
    }
    check(&UTC, &["H:mm d.M.yyyy"], "24:00 31.12.2023", Ok("2024-01-01T00:00:00"));
}

#[test]
fn twelve_hour_clock() {
    for (text, expected) in [
        ("1/5/2024 12:00:00 AM", "2024-01-05T00:00:00"),
        ("1/5/2024 1:00:00 am", "2024-01-05T01:00:00"),
        ("1/5/2024 12:30:00 PM", "2024-01-05T12:30:00"),
        ("1/5/2024 11:59:59 p.m.", "2024-01-05T23:59:59"),
        ("1/5/2024 06:00:00\u{202f}PM", "2024-01-05T18:00:00"),
        ("1/5/2024 6:00:00\u{a0}p.\u{a0}m.", "2024-01-05T18:00:00"),
        ("\u{200e}1\u{200e}/5/2024 6:00:00 PM", "2024-01-05T18:00:00"),
    ] {
        check(&UTC, &["M/d/yyyy h:mm:ss a"], text, Ok(expected));
    }
    for text in
        ["1/5/2024 0:00:00 AM", "1/5/2024 13:00:00 PM", "1/5/2024 1:00:00 XM", "1/5/2024 1:00:00"]
    {
        check(&UTC, &["M/d/yyyy h:mm:ss a"], text, NOT);
    }
}

#[test]
fn years_of_two_digits() {
    check(&UTC, &["dd.MM.yy HH:mm:ss"], "18.03.24 06:00:00", Ok("2024-03-18T06:00:00"));
    check(&UTC, &["yyMMdd"], "680101", Ok("2068-01-01T00:00:00"));
    check(&UTC, &["yyMMdd"], "690101", Ok("1969-01-01T00:00:00"));
    check(&UTC, &["dd.MM.yy"], "29.02.23", NOT);
    check(&UTC, &["dd.MM.yy"], "29.02.2024", NOT);
    let options = TimeOptions { two_digit_years_from: 1930, ..TimeOptions::default() };
    let format = [TimeFormat::with_options("yyMMdd", options).unwrap()];
    let year = |text: &str| {
        let at = parse_time(text, &format, &UTC).unwrap();
        DateTime::from_timestamp_micros(at).unwrap().format("%Y").to_string()
    };
    assert_eq!([year("290101"), year("300101"), year("990101")], ["2029", "1930", "1999"]);
}

#[test]
fn month_names() {
    for text in ["05-JAN-2024", "05-Jan-2024", "05-january-2024", "05-Jan.-2024"] {
        check(&UTC, &["dd-MMM-yyyy"], text, Ok("2024-01-05T00:00:00"));
    }
    check(&UTC, &["MMMM d, yyyy"], "February 29, 2024", Ok("2024-02-29T00:00:00"));
    check(&UTC, &["ddMMMyyyy HH:mm"], "05JUN2024 06:00", Ok("2024-06-05T06:00:00"));
    check(&UTC, &["d.MMM.yyyy"], "5.May.2024", Ok("2024-05-05T00:00:00"));
    check(&UTC, &["MMM d HH:mm:ss yyyy"], "Sep  5 06:00:00 2024", Ok("2024-09-05T06:00:00"));
    for text in
        ["05-M\u{e4}r-2024", "05-Janus-2024", "05--2024", "05-01-2024", "05-Jan", "30-Feb-2024"]
    {
        check(&UTC, &["dd-MMM-yyyy"], text, NOT);
    }
    let day = |locale: &str, text: &str| {
        let locale = Locale::parse(locale).unwrap();
        let options = TimeOptions { locale, ..TimeOptions::default() };
        let format = [TimeFormat::with_options("d. MMM yyyy", options).unwrap()];
        parse_date(text, &format).map(|day| NaiveDate::from_epoch_days(day).unwrap().to_string())
    };
    for (locale, text) in [
        ("de", "3. M\u{e4}rz 2024"),
        ("de-AT", "3. M\u{c4}R 2024"),
        ("fr_FR", "3. mars 2024"),
        ("es", "3. mar. 2024"),
        ("pl", "3. marca 2024"),
        ("cs", "3. b\u{159}ezna 2024"),
    ] {
        assert_eq!(day(locale, text), Ok("2024-03-03".to_owned()), "{locale} {text}");
    }
    assert_eq!(day("de", "3. March 2024"), Err(ParseError::NotATime));
    assert_eq!(day("fr", "3. f\u{e9}vr. 2024"), Ok("2024-02-03".to_owned()));
    assert_eq!(Locale::parse("tlh"), None);
}

#[test]
fn month_names_are_unambiguous_in_every_locale() {
    for locale in Locale::languages().map(|tag| Locale::parse(tag).unwrap()) {
        for (month, names) in (1..).zip(locale.names()) {
            for name in names.split(' ') {
                let (text, len) = (name.to_uppercase(), name.to_uppercase().len());
                assert_eq!(locale.month(&text), Some((month, len)), "{locale:?} {name}");
                assert_eq!(locale.month(name), Some((month, name.len())), "{locale:?} {name}");
            }
        }
    }
}

#[test]
fn the_range_of_years_applies_to_utc() {
    let plain = ["yyyy-MM-dd HH:mm:ss.SSS"];
    static CHICAGO: LazyLock<ZoneTable> = LazyLock::new(|| ZoneTable::new(Tz::America__Chicago));
    check(&UTC, &plain, "9999-12-31 23:59:59.999999", Ok("9999-12-31T23:59:59.999999"));
    check(&CHICAGO, &plain, "9999-12-31 17:59:59.999999", Ok("9999-12-31T23:59:59.999999"));
    check(&CHICAGO, &plain, "9999-12-31 18:00:00.0", NOT);
    check(&UTC, &plain, "0001-01-01 00:00:00.0", Ok("0001-01-01T00:00:00"));
    check(&BERLIN, &plain, "0001-01-01 00:00:00.0", NOT);
    check(&BERLIN, &plain, "0001-01-01 00:53:28.0", Ok("0001-01-01T00:00:00"));
    let offset = ["yyyy-MM-dd HH:mmXXX"];
    check(&UTC, &offset, "0001-01-01 05:00+05:00", Ok("0001-01-01T00:00:00"));
    check(&UTC, &offset, "0001-01-01 04:59+05:00", NOT);
    check(&UTC, &offset, "9999-12-31 23:00-01:00", NOT);
}

#[test]
fn ambiguous_local_times_are_reported() {
    let again = |texts: &[&str], text: &str| {
        parse_timestamp(text, &formats(texts), &BERLIN).unwrap().repeat_after_us / SECOND_US
    };
    let plain = ["yyyy-MM-dd HH:mm:ss"];
    assert_eq!(again(&plain, "2024-10-27 02:30:00"), 3600);
    assert_eq!(again(&plain, "2024-10-27 03:00:00"), 0);
    assert_eq!(again(&["yyyy-MM-dd HH:mm:ssXXX"], "2024-10-27 02:30:00+02:00"), 0);
    assert_eq!(again(&["epoch_s"], "1729989000"), 0);
}

#[test]
fn ambiguous_and_missing_local_times() {
    let plain = ["yyyy-MM-dd HH:mm:ss"];
    check(&BERLIN, &plain, "2024-10-27 02:30:00", Ok("2024-10-27T00:30:00"));
    check(&BERLIN, &plain, "2024-03-31 02:30:00", Err(ParseError::NoSuchTime));
    check(
        &BERLIN,
        &["yyyy-MM-dd mm:HH:ss", plain[0]],
        "2024-03-31 02:30:00",
        Err(ParseError::NoSuchTime),
    );
    check(
        &BERLIN,
        &["yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd mm:HH:ss"],
        "2024-03-31 02:03:00",
        Ok("2024-03-31T01:02:00"),
    );
}

fn check_date(texts: &[&str], text: &str, expected: Result<&str, ParseError>) {
    let day = parse_date(text, &formats(texts)).map(|day| NaiveDate::from_epoch_days(day).unwrap());
    assert_eq!(day, expected.map(|text| text.parse().unwrap()), "{texts:?} {text:?}");
}

#[test]
fn days() {
    check_date(&["dd-MM-yyyy", "excel"], "31-12-2022", Ok("2022-12-31"));
    check_date(&["dd-MM-yyyy", "excel"], "44927", Ok("2023-01-01"));
    check_date(&["dd-MM-yyyy", "excel"], "44927.99", Ok("2023-01-01"));
    check_date(&["yyyy-MM-dd HH:mm:ss"], "2023-01-01 23:59:59", Ok("2023-01-01"));
    check_date(&["yyyy-MM-dd HH:mm:ss"], "2023-01-01 24:00:00", Ok("2023-01-02"));
    check_date(&["yyyy-MM-dd HH:mm:ss"], "9999-12-31 24:00:00", NOT);
    check_date(&["yyyy-MM-ddTHH:mmXXX"], "2023-01-01T01:00+05:30", Ok("2023-01-01"));
    check_date(&["epoch_s"], "-1", Ok("1969-12-31"));
    check_date(&["yyyy-MM-dd"], "0001-01-01", Ok("0001-01-01"));
    check_date(&["yyyy-MM-dd"], "9999-12-31", Ok("9999-12-31"));
}

fn check_refused(text: &str, expected: &str) {
    let error = TimeFormat::parse(text).unwrap_err();
    assert!(error.contains(expected) && error.contains("epoch_ms"), "{error}");
}

#[test]
fn invalid_formats_are_described() {
    check_refused("", "has no yyyy");
    check_refused("dd-MM-yyy", "has \"y\" where no field begins");
    check_refused("dd-MM-yy yyyy", "has both yy and yyyy");
    check_refused("yyyy-MM-dd hh:mm", "has hh but no a");
    check_refused("yyyy-MM-dd HH:mm a", "has a but no hh");
    check_refused("dMyyyy", "has digits right after a field of one or two digits");
    check_refused("yyyy-M-dHHmm", "has digits right after a field of one or two digits");
    check_refused("yyyy-MM-dd HH:mmXXXss", "has digits right after XXX");
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
fn a_format_displays_as_written() {
    for text in ["dd-MM-yyyy HH:mm:ss", "excel", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"] {
        assert_eq!(TimeFormat::parse(text).unwrap().to_string(), text);
    }
}

/// Run by hand: `cargo test --release -p plant -- --ignored --nocapture nanoseconds`.
#[test]
#[ignore = "measures, asserts nothing"]
#[expect(clippy::disallowed_methods, reason = "measuring is reading the clock")]
fn nanoseconds_per_timestamp() {
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
        let formats = formats(&["yyyy-MM-dd HH:mm:ss"]);
        let taken_ns = texts.chunks(1000).map(|texts| {
            let begin = std::time::Instant::now();
            let sum = texts.iter().fold(0i64, |sum, text| {
                sum.wrapping_add(parse_time(text, &formats, zone).unwrap())
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
