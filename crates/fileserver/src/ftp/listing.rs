//! Listings of FTP: that of `MLSD` for programs, and that of `LIST` for people.

use crate::entry::{Found, Version, push, too_many};
use crate::failure::{Cause, Failure};
use chrono::{DateTime, NaiveDateTime, Utc};

/// An entry of `LIST`, which has no exact size and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    File(String),
    Other(Found),
}

/// A time of the protocol: `yyyyMMddHHmmss` in UTC, with a fraction of a second or without.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if whole.len() != 14 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let at = NaiveDateTime::parse_from_str(whole, "%Y%m%d%H%M%S").ok()?.and_utc();
    let millis = format!("{fraction}00").get(..3)?.parse().ok()?;
    at.checked_add_signed(chrono::TimeDelta::milliseconds(millis))
}

/// The entries of `MLSD`: lines of facts, a space and a name.
pub fn machine(text: &[u8], most: usize) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for line in lines(text) {
        let Some(space) = line.iter().position(|it| *it == b' ') else {
            return Err(not_understood(line));
        };
        let (facts, name) = (String::from_utf8_lossy(&line[..space]), &line[space + 1..]);
        let fact = |wanted: &str| {
            let mut facts = facts.split(';').filter_map(|fact| fact.split_once('='));
            facts.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|it| it.1)
        };
        let kind = fact("type").unwrap_or("file").to_ascii_lowercase();
        if matches!(kind.as_str(), "cdir" | "pdir") {
            continue;
        }
        let Ok(name) = std::str::from_utf8(name) else {
            push(&mut found, not_utf_8(name), most)?;
            continue;
        };
        let name = name.to_owned();
        let entry = match kind.as_str() {
            "dir" => Found::Folder { name },
            "file" => {
                let size = fact("size").and_then(|size| size.parse().ok());
                let (Some(size_bytes), Some(modified_at)) = (size, fact("modify").and_then(time))
                else {
                    return Err(not_understood(line));
                };
                Found::File { name, version: Version { size_bytes, modified_at, etag: None } }
            }
            kind if kind.contains("link") => link(name),
            _ => continue,
        };
        push(&mut found, entry, most)?;
    }
    Ok(found)
}

/// The entries of `LIST` as `ls -l` of Unix or as `dir` of Windows.
pub fn for_people(text: &[u8], most: usize) -> Result<Vec<Named>, Failure> {
    let mut found = Vec::new();
    for line in lines(text) {
        let is_total = line.starts_with(b"total ");
        let entry = match std::str::from_utf8(line) {
            Ok(_) if is_total => continue,
            Ok(text) => unix(text).or_else(|| windows(text)).ok_or_else(|| not_understood(line))?,
            Err(_) => Some(Named::Other(not_utf_8(line))),
        };
        let Some(entry) = entry else { continue };
        let name = match &entry {
            Named::File(name) | Named::Other(Found::Folder { name }) => name.as_str(),
            Named::Other(_) => "",
        };
        if matches!(name, "." | "..") {
            continue;
        }
        if found.len() >= most {
            return Err(too_many(most));
        }
        found.push(entry);
    }
    Ok(found)
}

/// A line such as `-rw-r--r-- 1 plant plant 1234 Jan 31 12:34 my dump.csv`. `Some(None)` for devices and pipes.
fn unix(line: &str) -> Option<Option<Named>> {
    let kind = line.bytes().next().filter(|kind| b"-dlbcps".contains(kind))?;
    if !line.as_bytes().get(1).is_some_and(|it| matches!(it, b'r' | b'-')) {
        return None;
    }
    let mut rest = line;
    // Permissions, links, owner, group, size, month, day, time or year.
    for word in 0..8 {
        let (_, after) = rest.split_once(' ')?;
        // One space precedes the name, which may begin with spaces.
        rest = if word < 7 { after.trim_start_matches(' ') } else { after };
    }
    if rest.is_empty() {
        return None;
    }
    let name = rest.to_owned();
    Some(match kind {
        b'-' => Some(Named::File(name)),
        b'd' => Some(Named::Other(Found::Folder { name })),
        b'l' => {
            let name = name.split_once(" -> ").map_or(name.as_str(), |(name, _)| name).to_owned();
            Some(Named::Other(link(name)))
        }
        _ => None,
    })
}

/// A line such as `01-31-26  12:34PM  1234 my dump.csv`, with `<DIR>` in place of the size of a folder.
fn windows(line: &str) -> Option<Option<Named>> {
    let (date, rest) = line.split_once(' ')?;
    let (time, rest) = rest.trim_start().split_once(' ')?;
    let is_date =
        date.matches('-').count() == 2 && date.bytes().all(|it| it.is_ascii_digit() || it == b'-');
    if !is_date || !time.contains(':') {
        return None;
    }
    let (size, name) = rest.trim_start().split_once(' ')?;
    if size == "<DIR>" {
        let name = name.trim_start().to_owned();
        return (!name.is_empty()).then_some(Some(Named::Other(Found::Folder { name })));
    }
    let is_file = !size.is_empty() && size.bytes().all(|it| it.is_ascii_digit());
    (is_file && !name.is_empty()).then(|| Some(Named::File(name.to_owned())))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|it| *it == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.is_empty())
}

fn link(name: String) -> Found {
    let reason = "is a link, which FTP cannot follow; put the file or folder itself there";
    Found::Unread { shown: name, reason }
}

fn not_utf_8(name: &[u8]) -> Found {
    Found::Unread { shown: name.escape_ascii().to_string(), reason: "is not UTF-8; rename it" }
}

fn not_understood(line: &[u8]) -> Failure {
    let detail =
        format!("a line of a listing is not understood: {}", String::from_utf8_lossy(line));
    Failure::new(Cause::Unsupported, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(name: &str, size_bytes: u64, modified_at: &str) -> Found {
        let modified_at = time(modified_at).unwrap();
        Found::File {
            name: name.to_owned(),
            version: Version { size_bytes, modified_at, etag: None },
        }
    }

    fn folder(name: &str) -> Found {
        Found::Folder { name: name.to_owned() }
    }

    #[test]
    fn times_are_in_utc() {
        let at = |text: &str| time(text).map(|at| at.to_rfc3339());
        assert_eq!(at("20260131123456").as_deref(), Some("2026-01-31T12:34:56+00:00"));
        assert_eq!(at("20260131123456.5").as_deref(), Some("2026-01-31T12:34:56.500+00:00"));
        for wrong in ["", "2026013112345", "20261331123456", "+0260131123456", "20260131123456."] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_listing_for_programs_is_read() {
        let text = b"type=cdir;modify=20260101000000; .\r\n\
            modify=20260131123456;size=7;type=file;UNIX.mode=0644; my dump;1.csv\r\n\
            Type=dir;Modify=20260101000000; line 1\r\n\
            type=OS.unix=slink:/x;size=1;modify=20260101000000; latest\r\n\
            type=file;size=1;modify=20260101000000; a\xff.csv\r\n";
        let found = machine(text, 10).unwrap();
        assert_eq!(found[..2], [file("my dump;1.csv", 7, "20260131123456"), folder("line 1")]);
        let unread = |found: &Found| match found {
            Found::Unread { shown, .. } => shown.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(found[2..].iter().map(unread).collect::<Vec<_>>(), ["latest", "a\\xff.csv"]);
        assert_eq!(machine(text, 3).unwrap_err().cause, Cause::TooMany);
        assert!(machine(b"type=file;size=x;modify=20260101000000; a\r\n", 9).is_err());
        assert!(machine(b"nothing\r\n", 9).is_err());
    }

    #[test]
    fn a_listing_of_unix_is_read() {
        let text = b"total 8\r\n\
            drwxr-xr-x    2 1000     1000         4096 Jan 31 12:34 line 1\r\n\
            -rw-r--r--    1 1000     1000           12 Jan 31  2025  my  dump.csv\r\n\
            lrwxrwxrwx    1 1000     1000            5 Jan 31 12:34 latest -> a.csv\r\n\
            prw-r--r--    1 1000     1000            0 Jan 31 12:34 pipe\r\n\
            drwxr-xr-x    2 1000     1000         4096 Jan 31 12:34 ..\r\n";
        let found = for_people(text, 10).unwrap();
        assert_eq!(
            found[..2],
            [Named::Other(folder("line 1")), Named::File(" my  dump.csv".into())]
        );
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn a_listing_of_windows_is_read() {
        let text = b"01-31-26  12:34PM       <DIR>          line 1\r\n\
            01-31-26  12:34PM                 1234 my dump.csv\r\n";
        let found = for_people(text, 10).unwrap();
        assert_eq!(found, [Named::Other(folder("line 1")), Named::File("my dump.csv".into())]);
        assert!(for_people(b"something else\r\n", 9).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail(text in prop::collection::vec(any::<u8>(), 0..80)) {
            drop(machine(&text, 9));
            drop(for_people(&text, 9));
        }

        #[test]
        fn no_line_makes_it_fail(text in "(-rw|drw|01-01-26|<DIR>|type=file;|é| |[a-z0-9:;=.-]){0,20}") {
            drop(machine(text.as_bytes(), 9));
            drop(for_people(text.as_bytes(), 9));
        }
    }
}
