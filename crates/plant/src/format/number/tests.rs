use super::*;
use crate::contract::Units;
use proptest::prelude::*;

const PLAIN: &NumberStyle = &NumberStyle::PLAIN;
const ENGLISH: &NumberStyle = &style('.', Some(','));
const GERMAN: &NumberStyle = &style(',', Some('.'));
const FRENCH: &NumberStyle = &style(',', Some('\u{202f}'));
const SWISS: &NumberStyle = &style('.', Some('\u{2019}'));
const NOT: ParseError = ParseError::NotANumber;
const OUT: ParseError = ParseError::OutOfRange;
const FINE: ParseError = ParseError::TooPrecise;

const fn style(decimal: char, thousands: Option<char>) -> NumberStyle {
    NumberStyle { decimal, thousands, units: Units::Currency, percent_is_fraction: false }
}

fn check_int(text: &str, thousands: Option<char>, expected: Result<i64, ParseError>) {
    let decimal = if thousands == Some('.') { ',' } else { '.' };
    assert_eq!(parse_int(text, &style(decimal, thousands)), expected, "{text:?}");
}

#[test]
fn whole_numbers() {
    for (text, expected) in [("0", 0), (" 42\t", 42), ("+7", 7), ("-007", -7), ("120000", 120_000)]
    {
        check_int(text, None, Ok(expected));
    }
    check_int("9223372036854775807", None, Ok(i64::MAX));
    check_int("-9223372036854775808", None, Ok(i64::MIN));
    check_int("9223372036854775808", None, Err(OUT));
    check_int(&"9".repeat(60), None, Err(OUT));
    check_int(&"0".repeat(60), None, Ok(0));
    for text in ["", " ", "-", "+-1", "1e3", "1 2", "0x1", "１", "1.0.0", "."] {
        check_int(text, None, Err(NOT));
    }
    check_int("1,234", None, Err(NOT));
}

#[test]
fn separators_stand_between_digits() {
    for (text, expected) in [("1,234", 1234), ("-1,23,45,678", -12_345_678), ("1234", 1234)] {
        check_int(text, Some(','), Ok(expected));
    }
    for text in ["1,,234", ",123", "123,", "1,2", "1,2345", "1,234,", "-,123", ","] {
        check_int(text, Some(','), Err(NOT));
    }
    check_int("1\u{202f}234", Some('\u{202f}'), Ok(1234));
}

#[test]
fn blanks_part_thousands_alike_and_so_do_apostrophes() {
    for text in ["1\u{a0}234", "1\u{202f}234", "1 234", "1\u{2009}234", "1234"] {
        check_int(text, Some('\u{a0}'), Ok(1234));
        check_int(text, Some(' '), Ok(1234));
    }
    check("1 234\u{a0}567,5", FRENCH, Ok(12_345_675_000));
    check("-12\u{2019}345.00", SWISS, Ok(-123_450_000));
    check("12'345.00", SWISS, Ok(123_450_000));
    check_float("1\u{a0}234\u{202f}567,123456789012345678", FRENCH, Ok(1_234_567.123_456_789));
    check_int("1 234", None, Err(NOT));
    check_int("1\t234", Some(' '), Err(NOT));
    check_int("1 23", Some(' '), Err(NOT));
}

#[test]
fn a_fraction_of_zeros_is_whole() {
    for (text, expected) in [("5.0", 5), ("7.00", 7), ("-12.000", -12), ("8.", 8), ("0.0", 0)] {
        check_int(text, None, Ok(expected));
    }
    check_int("1.234,00", Some('.'), Ok(1234));
    check_int("10.000", Some('.'), Ok(10_000));
    check_int("5.5", None, Err(FINE));
    check_int("5.0000000000000000000000000000000000000000001", None, Err(FINE));
    check_int("9223372036854775808.0", None, Err(OUT));
}

#[test]
fn signs_and_brackets_stand_before_or_behind() {
    for text in ["-3,000", "3,000-", "3,000 -", "(3,000)", "( 3,000 )", "\u{2212}3,000", "- 3,000"]
    {
        check(text, GERMAN, Ok(-30_000));
    }
    check("1.000,500-", GERMAN, Ok(-10_005_000));
    check("1.234,5+", GERMAN, Ok(12_345_000));
    check_float("12.5e3-", PLAIN, Ok(-12_500.0));
    check_float("0.30000000000000004-", PLAIN, Ok(-0.300_000_000_000_000_04));
    for text in ["-3-", "(-3)", "-(3)", "(3", "3)", "((3))", "--3", "3--", "+3-", "()", "-", "(-)"]
    {
        check(text, PLAIN, Err(NOT));
    }
}

#[test]
fn currencies_and_percent_signs_are_skipped() {
    for text in [
        "EUR 12.50",
        "12.50 EUR",
        "\u{20ac}12.50",
        "12.50\u{a0}\u{20ac}",
        "US$ 12.50",
        "12.50%",
        "EUR12.50",
    ] {
        check(text, ENGLISH, Ok(125_000));
    }
    for text in [
        "$-42.55",
        "-$42.55",
        "$ -42.55",
        "42.55- USD",
        "($42.55)",
        "$(42.55)",
        "(42.55) USD",
        "-42.55 %",
    ] {
        check(text, ENGLISH, Ok(-425_500));
    }
    check("(1,234.50)", ENGLISH, Ok(-12_345_000));
    check_int("7 JPY", None, Ok(7));
    check_float("12.5%", PLAIN, Ok(12.5));
    for text in [
        "EUR",
        "$",
        "%",
        "12 kg",
        "EUR 12 EUR",
        "XYZ 12",
        "eur 12",
        "12 EURO",
        "12\u{a2}",
        "EU 12",
        "12%%",
    ] {
        check(text, PLAIN, Err(NOT));
    }
}

#[test]
fn a_column_may_name_its_units() {
    let units = |units: &[&str]| NumberStyle {
        units: Units::Only(units.iter().map(|unit| (*unit).to_owned()).collect()),
        ..NumberStyle::PLAIN
    };
    let lengths = units(&["m", "mm", "\u{b0}C"]);
    check("-5.5 mm", &lengths, Ok(-55_000));
    check("5.5m", &lengths, Ok(55_000));
    check("36.6 \u{b0}C", &lengths, Ok(366_000));
    check("5.5 EUR", &lengths, Err(NOT));
    check("5.5 %", &units(&[]), Err(NOT));
    let share = NumberStyle { percent_is_fraction: true, ..NumberStyle::PLAIN };
    check("12.5%", &share, Ok(1_250));
    check("-12.5 %", &share, Ok(-1_250));
    check("12.5", &share, Ok(125_000));
    check_float("12.5%", &share, Ok(0.125));
    check_float("12.50000000000000000000000001%", &share, Ok(0.125));
}

fn check(text: &str, style: &NumberStyle, expected: Result<i128, ParseError>) {
    assert_eq!(parse_decimal(text, style, 18, 4), expected, "{text:?}");
}

#[test]
fn decimals_are_exact() {
    for (text, expected) in [
        ("1", 10_000),
        ("-0.0001", -1),
        ("1.5E3", 15_000_000),
        ("15e-1", 15_000),
        (".5", 5_000),
        ("5.", 50_000),
        ("1.50000000", 15_000),
        ("0.00000e99999999999", 0),
        ("99999999999999.9999", 999_999_999_999_999_999),
    ] {
        check(text, PLAIN, Ok(expected));
    }
    for text in ["0.00001", "1.00005", "1e-5", "0.33333333333333333333333333333333333333333333"] {
        check(text, PLAIN, Err(FINE));
    }
    for text in ["100000000000000", "1e14", "1e99999999999", &"9".repeat(60)] {
        check(text, PLAIN, Err(OUT));
    }
    for text in ["", ".", "-", "e5", "1e", "1e+", "1.2.3", "1,5", "NaN", "inf", "1e5.0", "1_0"] {
        check(text, PLAIN, Err(NOT));
    }
}

#[test]
fn decimals_follow_the_style_of_their_column() {
    check("1,234.5", ENGLISH, Ok(12_345_000));
    check("1.234,56", GERMAN, Ok(12_345_600));
    check("1234,56", GERMAN, Ok(12_345_600));
    check("1\u{202f}234,56", FRENCH, Ok(12_345_600));
    check("1.5", GERMAN, Err(NOT));
    check("1,5", ENGLISH, Err(NOT));
    check("1.5,000", ENGLISH, Err(NOT));
    check("1,234e3", GERMAN, Ok(12_340_000));
}

#[test]
fn decimals_of_every_scale() {
    assert_eq!(parse_decimal("1200", PLAIN, 5, -2), Ok(12));
    assert_eq!(parse_decimal("1250.5", PLAIN, 5, -2), Err(FINE));
    assert_eq!(parse_decimal("7", PLAIN, 38, 37), Ok(7 * 10i128.pow(37)));
    assert_eq!(parse_decimal("10", PLAIN, 38, 37), Err(OUT));
    assert_eq!(parse_decimal(&"9".repeat(38), PLAIN, 38, 0), Ok(10i128.pow(38) - 1));
}

fn check_float(text: &str, style: &NumberStyle, expected: Result<f64, ParseError>) {
    assert_eq!(parse_float(text, style), expected, "{text:?}");
}

#[test]
fn floats() {
    check_float("36.6", PLAIN, Ok(36.6));
    check_float("-0.30000000000000004", PLAIN, Ok(-0.300_000_000_000_000_04));
    check_float("1,234.56789012345699999", ENGLISH, Ok(1_234.567_890_123_457));
    check_float("1.234,5", GERMAN, Ok(1234.5));
    check_float("2.5e-300", PLAIN, Ok(2.5e-300));
    check_float("1e309", PLAIN, Err(OUT));
    for text in ["nan", "NaN", "inf", "-Infinity", "", "1,5"] {
        check_float(text, PLAIN, Err(NOT));
    }
}

/// Digits, where the point stands among them, and an exponent, as text.
fn written(digits: &str, point: usize, exponent: i32) -> String {
    let (whole, fraction) = digits.split_at(point.min(digits.len()));
    format!("{whole}.{fraction}e{exponent}")
}

/// The same by moving digits about, for numbers of at most 30 digits.
fn by_hand(digits: &str, point: usize, exponent: i32, scale: i32) -> Result<i128, ParseError> {
    let fraction = digits.len() - point.min(digits.len());
    let shift = exponent - i32::try_from(fraction).unwrap() + scale;
    let mut digits = digits.to_owned();
    for _ in 0..shift {
        digits.push('0');
    }
    for _ in shift..0 {
        if !digits.is_empty() && digits.pop() != Some('0') {
            return Err(FINE);
        }
    }
    let digits = digits.trim_start_matches('0');
    if digits.len() > 38 {
        return Err(OUT);
    }
    Ok(if digits.is_empty() { 0 } else { digits.parse().unwrap() })
}

/// Ways to write a number of which digits, unit and sign are given.
const WAYS: [fn(&str, &str, bool) -> String; 5] = [
    |digits, unit, minus| format!("{}{unit}{digits}", if minus { "-" } else { "" }),
    |digits, unit, minus| format!("{unit} {}{digits}", if minus { "\u{2212}" } else { "+" }),
    |digits, unit, minus| format!("{digits}{} {unit}", if minus { "-" } else { "" }),
    |digits, unit, minus| format!("{digits} {unit}{}", if minus { "-" } else { "" }),
    |digits, unit, minus| if minus { format!("({digits} {unit})") } else { digits.to_owned() },
];

fn any_style() -> impl Strategy<Value = NumberStyle> {
    let all = [
        ('.', None),
        (',', None),
        ('.', Some(',')),
        (',', Some('.')),
        (',', Some(' ')),
        (',', Some('\u{202f}')),
        ('.', Some('\'')),
    ];
    proptest::sample::select(all.map(|(decimal, thousands)| style(decimal, thousands)).to_vec())
}

/// The size of a number of hundredths, with separators.
fn grouped(value: i64, style: &NumberStyle) -> String {
    let digits = (value.unsigned_abs() / 100).to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.extend(style.thousands);
        }
        text.push(digit);
    }
    format!("{text}{}{:02}", style.decimal, value.unsigned_abs() % 100)
}

proptest! {
    #[test]
    fn a_decimal_is_its_digits_moved(
        digits in "[0-9]{1,30}", point in 0usize..30, exponent in -30i32..30, scale in 0i8..20,
    ) {
        let text = written(&digits, point, exponent);
        let expected = by_hand(&digits, point, exponent, i32::from(scale));
        prop_assert_eq!(parse_decimal(&text, PLAIN, 38, scale), expected);
    }

    #[test]
    fn a_whole_number_is_read_again(value in any::<i64>()) {
        prop_assert_eq!(parse_int(&value.to_string(), PLAIN), Ok(value));
    }

    #[test]
    fn a_grouped_number_is_read_again(value in any::<u32>()) {
        let digits = value.to_string();
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        prop_assert_eq!(parse_int(&grouped, ENGLISH), Ok(i64::from(value)));
        prop_assert_eq!(parse_float(&grouped, ENGLISH), Ok(f64::from(value)));
    }

    #[test]
    fn a_float_is_what_the_standard_library_reads(text in "-?[0-9]{1,25}(\\.[0-9]{1,25})?(e-?[0-9]{1,2})?") {
        prop_assert_eq!(parse_float(&text, PLAIN), Ok(text.parse::<f64>().unwrap()));
        prop_assert_eq!(parse_float(&text.replace('.', ","), GERMAN), Ok(text.parse::<f64>().unwrap()));
    }

    #[test]
    fn a_number_is_read_again_in_every_style(
        value in -1_000_000_000_000_i64..1_000_000_000_000,
        style in any_style(),
        way in 0_usize..WAYS.len(),
        unit in proptest::sample::select(vec!["", "EUR", "\u{20ac}", "%", "$"]),
    ) {
        let text = WAYS[way](&grouped(value, &style), unit, value < 0);
        prop_assert_eq!(parse_decimal(&text, &style, 38, 2), Ok(i128::from(value)), "{}", text);
        prop_assert_eq!(parse_float(&text, &style), Ok(value as f64 / 100.0), "{}", text);
        let whole = value / 100 * 100;
        let text = WAYS[way](&grouped(whole, &style), unit, whole < 0);
        prop_assert_eq!(parse_int(&text, &style), Ok(whole / 100), "{}", text);
    }

    #[test]
    fn no_text_makes_it_fail(text in "[0-9eE+,. ()%EUR$\u{a0}-]{0,50}") {
        let _read = (parse_int(&text, ENGLISH), parse_decimal(&text, GERMAN, 18, 4), parse_float(&text, ENGLISH));
    }
}
