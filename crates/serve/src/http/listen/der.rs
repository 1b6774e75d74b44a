//! The period in which a certificate is valid, from its DER encoding (X.509, RFC 5280).

use chrono::{DateTime, NaiveDateTime, Utc};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// The optional version: context-specific, constructed, number 0.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Begin and end of the validity of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// The validity of a certificate, `None` if it is not encoded as X.509 requires.
pub fn validity(certificate: &[u8]) -> Option<Validity> {
    let (signed, _) = element(certificate, SEQUENCE)?;
    let (mut fields, _) = element(signed, SEQUENCE)?;
    if let Some((_version, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, fields) = element(fields, tag)?;
    }
    let (times, _) = element(fields, SEQUENCE)?;
    let (from, rest) = time(times)?;
    let (until, _) = time(rest)?;
    Some(Validity { from, until })
}

/// The content of the element at the start of `input`, if it has this tag, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // The low bits count the bytes of the length.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn time(input: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let (text, rest) = match input.first()? {
        &UTC_TIME => {
            let (text, rest) = element(input, UTC_TIME)?;
            (format!("{}{}", century(text)?, str::from_utf8(text).ok()?), rest)
        }
        _ => {
            let (text, rest) = element(input, GENERALIZED_TIME)?;
            (str::from_utf8(text).ok()?.to_owned(), rest)
        }
    };
    // The parser would also accept fewer digits.
    let is_complete = text.len() == 15 && text[..14].bytes().all(|byte| byte.is_ascii_digit());
    let at = is_complete.then_some(&text)?;
    let at = NaiveDateTime::parse_from_str(at, "%Y%m%d%H%M%SZ").ok()?;
    Some((at.and_utc(), rest))
}

/// Years of two digits are from 1950 to 2049.
fn century(text: &[u8]) -> Option<&'static str> {
    Some(if *text.first()? < b'5' { "20" } else { "19" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let head = match length {
            0..=0x7f => vec![tag, length as u8],
            0x80..=0xff => vec![tag, 0x81, length as u8],
            _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        };
        [&head, content].concat()
    }

    fn certificate(has_version: bool, from: (u8, &str), until: (u8, &str)) -> Vec<u8> {
        let times =
            [encode(from.0, from.1.as_bytes()), encode(until.0, until.1.as_bytes())].concat();
        let version = if has_version { encode(VERSION, &[2, 1, 2]) } else { Vec::new() };
        let serial = encode(INTEGER, &[1; 20]);
        let name = encode(SEQUENCE, &[0; 300]);
        let algorithm = encode(SEQUENCE, &[]);
        let fields =
            [version, serial, algorithm, name, encode(SEQUENCE, &times), vec![0; 400]].concat();
        encode(SEQUENCE, &[encode(SEQUENCE, &fields), vec![1, 2, 3]].concat())
    }

    #[track_caller]
    fn check(certificate: &[u8], expected: Option<(&str, &str)>) {
        let found = validity(certificate);
        let found = found.map(|it| (it.from.to_rfc3339(), it.until.to_rfc3339()));
        let found = found.as_ref().map(|(from, until)| (&from[..19], &until[..19]));
        assert_eq!(found, expected);
    }

    #[test]
    fn both_kinds_of_time_are_read() {
        let (early, late) = ((UTC_TIME, "260102030405Z"), (GENERALIZED_TIME, "20510102030405Z"));
        let expected = Some(("2026-01-02T03:04:05", "2051-01-02T03:04:05"));
        check(&certificate(true, early, late), expected);
        check(&certificate(false, early, late), expected);
        let old = (UTC_TIME, "491231235959Z");
        let older = (UTC_TIME, "500101000000Z");
        let expected = Some(("1950-01-01T00:00:00", "2049-12-31T23:59:59"));
        check(&certificate(true, older, old), expected);
    }

    #[test]
    fn anything_else_is_not_read_and_does_not_panic() {
        let whole = certificate(true, (UTC_TIME, "260102030405Z"), (UTC_TIME, "270102030405Z"));
        for end in 0..whole.len() {
            let _any = validity(&whole[..end]);
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            let _any = validity(&changed);
        }
        for text in ["26010203040Z", "2601020304055", "261302030405Z", "", "äöüäöüZ"] {
            check(&certificate(true, (UTC_TIME, text), (UTC_TIME, text)), None);
        }
    }
}
