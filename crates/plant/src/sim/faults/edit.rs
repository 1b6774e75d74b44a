//! Edits of one line of a dump.

use super::Edit;
use crate::sim::dump::Dialect;
use crate::sim::write::push_number;
use crate::sim::write::stamp::{push_offset_stamp, push_stamp};
use crate::time::{MINUTE_S, days_since_epoch};
use chrono::{DateTime, NaiveDate};

/// Serial number of 1970-01-01 in Excel.
const EXCEL_EPOCH: i64 = 25_569;
/// Seconds by which an overlapping state starts early; usually shorter than any state.
pub const OVERLAP_S: i64 = 17;

/// An edited line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub line: Vec<u8>,
    /// The day after swapping day and month; `Some(None)` if it is not a valid date.
    pub swapped_day: Option<Option<i32>>,
}

/// Length of the rest of a cut line in bytes.
const CUT_BYTES: usize = 12;

/// At most this many bytes from the start of a line. It does not leave a quote open, which is
/// another kind of fault.
pub fn cut(line: &[u8], dialect: Dialect, bytes: usize) -> Option<&[u8]> {
    let kept = &line[..line.len().min(bytes)];
    if !matches!(dialect, Dialect::Delimited(_)) {
        return Some(kept);
    }
    let quotes = kept.iter().enumerate().filter(|(_, byte)| **byte == b'"').map(|(at, _)| at);
    let quotes: Vec<usize> = quotes.collect();
    let end = match quotes.last() {
        Some(open) if quotes.len() % 2 == 1 => *open,
        _ => kept.len(),
    };
    (end > 0).then(|| &kept[..end])
}

/// Applies an edit to one of the fields of a line or to the whole line; `None` if the edit changes
/// nothing or is not applicable. `gap_local_s` is a local time that does not exist.
pub fn edited(
    line: &[u8],
    dialect: Dialect,
    edit: Edit,
    gap_local_s: Option<i64>,
) -> Option<Edited> {
    match edit {
        Edit::Cut => return unparsed(cut(line, dialect, CUT_BYTES)?.to_vec()),
        Edit::Replace(from, to) => {
            return unparsed(String::from_utf8_lossy(line).replacen(from, to, 1).into_bytes());
        }
        Edit::BadByte(_) if dialect == Dialect::Tokens => {
            return unparsed([line, b"\xff"].concat());
        }
        _ => {}
    }
    let mut fields = Fields::split(line, dialect);
    let mut swapped_day = None;
    match edit {
        Edit::BadByte(at) => fields.corrupt(at)?,
        Edit::Extra(text) => fields.0.push((Vec::new(), text.as_bytes().to_vec())),
        Edit::SwapDayMonth(at) => {
            let (text, day) = swapped(fields.get(at)?)?;
            fields.set(at, &text)?;
            swapped_day = Some(day);
        }
        _ => {
            let (at, text) = new_value(&fields, edit, gap_local_s)?;
            fields.set(at, &text)?;
        }
    }
    Some(Edited { line: fields.line(dialect), swapped_day })
}

/// The result of an edit that does not change a date.
fn unparsed(line: Vec<u8>) -> Option<Edited> {
    Some(Edited { line, swapped_day: None })
}

/// The field an edit changes and its new text; `None` if the edit is not applicable.
fn new_value(fields: &Fields, edit: Edit, gap_local_s: Option<i64>) -> Option<(usize, Vec<u8>)> {
    let mut text = Vec::new();
    let at = match edit {
        Edit::Set(at, new) | Edit::Before(at, new) => {
            text.extend_from_slice(new.as_bytes());
            at
        }
        Edit::Fill(at, new) => {
            let is_empty = matches!(fields.get(at)?, b"" | b"null");
            is_empty.then(|| text.extend_from_slice(new.as_bytes()))?;
            at
        }
        Edit::Append(at, more) => {
            text = [fields.get(at)?, more.as_bytes()].concat();
            at
        }
        Edit::Pad(at) => {
            text = [b"  ", fields.get(at)?, b" "].concat();
            at
        }
        Edit::OpenQuote(at) => {
            text = [b"\"", fields.get(at)?].concat();
            at
        }
        Edit::Excel(at) => {
            push_number(&mut text, i64::from(day_first(fields.get(at)?)?) + EXCEL_EPOCH);
            at
        }
        Edit::Gap(at) => {
            push_stamp(&mut text, gap_local_s?);
            at
        }
        Edit::Backwards(from, to) => {
            text = moved(fields.get(from)?, -MINUTE_S)?;
            to
        }
        Edit::Earlier(at) => {
            text = moved(fields.get(at)?, -OVERLAP_S)?;
            at
        }
        _ => return None,
    };
    Some((at, text))
}

/// The fields of a line: the text in front of each value, and the value.
struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    fn split(line: &[u8], dialect: Dialect) -> Self {
        match dialect {
            Dialect::Delimited(delimiter) => {
                let plain = |value: &[u8]| (Vec::new(), value.to_vec());
                Self(split(line, delimiter).into_iter().map(plain).collect())
            }
            _ => {
                let inner = &line[1.min(line.len())..line.len().saturating_sub(1)];
                let member = |member: &[u8]| {
                    let colon = member.iter().position(|byte| *byte == b':').map_or(0, |at| at + 1);
                    (member[..colon].to_vec(), member[colon..].to_vec())
                };
                Self(split(inner, b',').into_iter().map(member).collect())
            }
        }
    }

    fn get(&self, at: usize) -> Option<&[u8]> {
        self.0.get(at).map(|(_, value)| value.as_slice())
    }

    fn set(&mut self, at: usize, text: &[u8]) -> Option<()> {
        let field = self.0.get_mut(at)?;
        text.clone_into(&mut field.1);
        Some(())
    }

    /// Adds an invalid byte at the end of a value, inside its quotes.
    fn corrupt(&mut self, at: usize) -> Option<()> {
        let (_, value) = self.0.get_mut(at)?;
        let place = value.len() - usize::from(value.ends_with(b"\""));
        value.insert(place, 0xff);
        Some(())
    }

    fn line(&self, dialect: Dialect) -> Vec<u8> {
        let whole = |(before, value): &(Vec<u8>, Vec<u8>)| [&before[..], &value[..]].concat();
        let parts: Vec<Vec<u8>> = self.0.iter().map(whole).collect();
        match dialect {
            Dialect::Delimited(delimiter) => parts.join(&delimiter),
            _ => [b"{".to_vec(), parts.join(&b','), b"}".to_vec()].concat(),
        }
    }
}

/// The parts between delimiters outside quotes.
fn split(line: &[u8], delimiter: u8) -> Vec<&[u8]> {
    let mut is_quoted = false;
    line.split(|byte| {
        is_quoted ^= *byte == b'"';
        *byte == delimiter && !is_quoted
    })
    .collect()
}

/// A date with day and month swapped, and the resulting day if it is valid. `None` if nothing
/// changes.
fn swapped(text: &[u8]) -> Option<(Vec<u8>, Option<i32>)> {
    let mut text = text.to_vec();
    let is_year_first = text.get(4) == Some(&b'-');
    let (left, right) = if is_year_first { (5, 8) } else { (0, 3) };
    if text.len() < 10 || text[left..left + 2] == text[right..right + 2] {
        return None;
    }
    text.swap(left, right);
    text.swap(left + 1, right + 1);
    let form = if is_year_first { "%Y-%m-%d" } else { "%d-%m-%Y" };
    let date = NaiveDate::parse_from_str(std::str::from_utf8(&text[..10]).ok()?, form).ok();
    let day = date.map(days_since_epoch);
    Some((text, day))
}

fn day_first(text: &[u8]) -> Option<i32> {
    let date = NaiveDate::parse_from_str(std::str::from_utf8(text).ok()?, "%d-%m-%Y").ok()?;
    Some(days_since_epoch(date))
}

/// A quoted timestamp with offset, shifted by a number of seconds.
fn moved(text: &[u8], by_s: i64) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?.trim_matches('"');
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    let offset_s = i64::from(at.offset().local_minus_utc());
    let mut out = vec![b'"'];
    push_offset_stamp(&mut out, at.timestamp() + by_s + offset_s, offset_s);
    out.push(b'"');
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Dialect = Dialect::Delimited(b',');
    const JSON: Dialect = Dialect::JsonLines;

    fn check(line: &str, dialect: Dialect, edit: Edit, expected: &[u8]) {
        let edited = edited(line.as_bytes(), dialect, edit, Some(0)).unwrap();
        assert_eq!(edited.line, expected, "{}", String::from_utf8_lossy(&edited.line));
    }

    #[test]
    fn a_line_is_cut_without_leaving_a_quote_open() {
        check("12345,67890,12345", CSV, Edit::Cut, b"12345,67890,");
        check("1,\"a\",\"and a long text\"", CSV, Edit::Cut, b"1,\"a\",");
        check("{\"a\":1,\"b\":2}", JSON, Edit::Cut, b"{\"a\":1,\"b\":2");
        assert_eq!(edited(b"\"all of it is one text\"", CSV, Edit::Cut, None), None);
    }

    #[test]
    fn a_field_is_edited_and_the_others_stay() {
        check("1,\"a,b\",3", CSV, Edit::Set(2, "x"), b"1,\"a,b\",x");
        check("1,,3", CSV, Edit::Fill(1, "None"), b"1,None,3");
        check("1,2,3", CSV, Edit::Append(1, ",5"), b"1,2,5,3");
        check("1,2,3", CSV, Edit::Pad(0), b"  1 ,2,3");
        check("1,2,3", CSV, Edit::OpenQuote(1), b"1,\"2,3");
        check("1,2,3", CSV, Edit::BadByte(1), b"1,2\xff,3");
        check("1,2", CSV, Edit::Extra("more"), b"1,2,more");
        check("01-02-2022", CSV, Edit::Excel(0), b"44593");
        check("1", CSV, Edit::Gap(0), b"1970-01-01 00:00:00");
        check("{\"a\":1,\"b\":null}", JSON, Edit::Fill(1, "\"None\""), b"{\"a\":1,\"b\":\"None\"}");
        check("{\"a\":\"x\"}", JSON, Edit::BadByte(0), b"{\"a\":\"x\xff\"}");
        check(
            "{\"a\":\"2022-01-01T00:00:00+05:30\"}",
            JSON,
            Edit::Earlier(0),
            b"{\"a\":\"2021-12-31T23:59:43+05:30\"}",
        );
        assert_eq!(edited(b"1,2", CSV, Edit::Fill(1, "None"), None), None);
        assert_eq!(edited(b"1,2", CSV, Edit::Gap(1), None), None);
    }

    #[test]
    fn a_swapped_date_is_another_day_or_none() {
        let day = |text: &str| swapped(text.as_bytes()).map(|(_, day)| day.is_some());
        assert_eq!(day("01-02-2022 09:00:00"), Some(true));
        assert_eq!(day("2022-02-13"), Some(false));
        assert_eq!(day("2022-02-02"), None);
        assert_eq!(day(""), None);
    }
}
