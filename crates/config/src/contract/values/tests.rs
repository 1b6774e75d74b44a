use super::*;
use crate::toml_reader::Findings;
use chrono::{DateTime, NaiveDate, SecondsFormat};
use plant::format::{
    ParseError, parse_bool, parse_date, parse_decimal, parse_float, parse_int, parse_time,
};
use plant::zone::ZoneTable;

const DOCS: &str = include_str!("../../../../../docs/reference/formats.md");

/// The kind that a column with these keys has, and what is wrong with them.
fn kind_of(keys: &str) -> (Option<Kind>, Vec<String>) {
    let text = format!("columns = [ {{ name = \"it\", {keys} }} ]");
    let findings = Findings::new("formats.md", &text);
    let table = findings.parse();
    let mut reader = TomlReader::new(table.get_ref(), 0, &findings);
    let mut column = reader.tables("columns").remove(0);
    column.text("name");
    let kind = kind(&mut column, Tz::Europe__Berlin);
    column.finish();
    let found = findings.into_diagnostics().into_iter().map(|it| it.message).collect();
    (kind, found)
}

/// A text read by a column, as the page writes values.
fn read(kind: &Kind, text: &str) -> Result<String, ParseError> {
    match kind {
        Kind::Int { number } => parse_int(text, number).map(|value| value.to_string()),
        Kind::Decimal { precision, scale, rounding, number } => {
            let value = parse_decimal(text, number, *precision, *scale, *rounding)?;
            let (scale, sign) =
                (usize::from(scale.unsigned_abs()), if value < 0 { "-" } else { "" });
            let digits = format!("{:0>1$}", value.unsigned_abs(), scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            Ok(format!("{sign}{whole}.{fraction}"))
        }
        Kind::Float { number } => parse_float(text, number).map(|value| value.to_string()),
        Kind::Bool { yes, no, any_case } => {
            parse_bool(text, yes, no, *any_case).map(|value| value.to_string())
        }
        Kind::Date { formats } => {
            let day = parse_date(text, formats)?;
            Ok(NaiveDate::from_epoch_days(day).unwrap().to_string())
        }
        Kind::Time { formats, zone, .. } => {
            let at_us = parse_time(text, formats, &ZoneTable::new(*zone))?;
            let at = DateTime::from_timestamp_micros(at_us).unwrap();
            Ok(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }
        Kind::Text => Ok(text.to_owned()),
    }
}

#[test]
fn every_example_of_the_page_is_read_as_it_shows() {
    let mut examples = 0;
    for row in DOCS.lines().filter(|line| line.starts_with("| `type = ")) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, keys, text, expected, _] = cells.as_slice() else { panic!("{row}") };
        let (kind, found) = kind_of(keys);
        assert_eq!(found, Vec::<String>::new(), "{row}");
        let got = read(&kind.unwrap(), text).unwrap_or_else(|misread| misread.code().to_owned());
        assert_eq!(got, *expected, "{row}");
        examples += 1;
    }
    assert!(examples >= 50, "{examples} examples");
}

#[test]
fn the_page_lists_every_locale() {
    let known: Vec<&str> = Locale::languages().collect();
    assert!(DOCS.contains(&format!("months in words: {} |", known.join(", "))));
}

#[track_caller]
fn check_refused(keys: &str, expected: &str) {
    let (_, found) = kind_of(keys);
    assert!(found.len() == 1 && found[0].contains(expected), "{keys}: {found:?}");
}

#[test]
fn wrong_formats_are_refused() {
    check_refused("type = \"int\", decimal = \",\", thousands = \",\"", "the same sign");
    check_refused("type = \"float\", percent = \"per mille\"", "invalid percent `per mille`");
    check_refused("type = \"date\", formats = [\"dMyyyy\"]", "whose width varies");
    check_refused("type = \"date\", formats = [\"d MMM yyyy\"], locale = \"tlh\"", "`tlh`");
    check_refused(
        "type = \"date\", formats = [\"d.M.yy\"], two_digit_years_from = 12000",
        "invalid first year `12000`",
    );
    check_refused("type = \"text\", thousands = \".\"", "thousands");
}
