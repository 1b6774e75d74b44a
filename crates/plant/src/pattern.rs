//! Path patterns: which keys of a bucket are dumps of a table.

use chrono::{NaiveDate, NaiveDateTime};
use std::borrow::Cow;
use std::fmt;

const ALLOWED: &str = "allowed are plain text, * (anything but /), {date} (yyyy-MM-dd), {yyyymmdd}, \
    {yyyy}, {mm}, {dd}, {hh}, and {name} to capture a part for a column with from = \"path\"";

/// A file name extension of compressed files; patterns match it implicitly.
struct Extension {
    text: &'static str,
    /// A smaller file cannot be compressed in this format: it is incomplete or a placeholder.
    size_bytes_min: u64,
}

/// Extensions in lower case, matched in any case. The decompressor is chosen by the content of the
/// file.
const COMPRESSED: [Extension; 7] = [
    Extension { text: ".gz", size_bytes_min: 18 },
    Extension { text: ".gzip", size_bytes_min: 18 },
    Extension { text: ".zst", size_bytes_min: 9 },
    Extension { text: ".zstd", size_bytes_min: 9 },
    Extension { text: ".bz2", size_bytes_min: 14 },
    Extension { text: ".xz", size_bytes_min: 32 },
    Extension { text: ".zip", size_bytes_min: 22 },
];

/// Written by Hive as the value of a null partition.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A pattern of keys: plain text, `*` for anything but `/`, `{date}` for yyyy-MM-dd, the parts
/// `{yyyymmdd}`, `{yyyy}`, `{mm}`, `{dd}`, `{hh}`, and `{name}`, which matches like `*` and captures
/// the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Star,
    Stamp(Stamp),
    /// A `*` whose text is captured under this name.
    Capture(String),
}

/// A date placeholder: its name, the shape of its text (`0` is any digit) and the offsets of its
/// parts.
#[derive(Debug, PartialEq, Eq)]
struct Placeholder {
    name: &'static str,
    shape: &'static str,
    parts: &'static [(Part, usize)],
}

type Stamp = &'static Placeholder;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
}

const PLACEHOLDERS: [Placeholder; 6] = [
    Placeholder {
        name: "date",
        shape: "0000-00-00",
        parts: &[(Part::Year, 0), (Part::Month, 5), (Part::Day, 8)],
    },
    Placeholder {
        name: "yyyymmdd",
        shape: "00000000",
        parts: &[(Part::Year, 0), (Part::Month, 4), (Part::Day, 6)],
    },
    Placeholder { name: "yyyy", shape: "0000", parts: &[(Part::Year, 0)] },
    Placeholder { name: "mm", shape: "00", parts: &[(Part::Month, 0)] },
    Placeholder { name: "dd", shape: "00", parts: &[(Part::Day, 0)] },
    Placeholder { name: "hh", shape: "00", parts: &[(Part::Hour, 0)] },
];

/// The result of matching a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Local time in the key; parts that the pattern does not contain default to the first month,
    /// day or hour. `None` if the pattern contains no year.
    pub dumped_on: Option<NaiveDateTime>,
    /// Minimum size of a dump: a smaller file whose name matches only by a compression extension is
    /// not one. 0 for names that the pattern contains in full.
    pub size_bytes_min: u64,
}

impl Pattern {
    /// Parses a pattern as written in a contract.
    ///
    /// # Errors
    ///
    /// Describes what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pieces = pieces(text).and_then(|pieces| check(text, &pieces).map(|()| pieces));
        let pieces = pieces.map_err(|wrong| format!("the path \"{text}\" {wrong}; {ALLOWED}"))?;
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// Whether a key is a dump, compressed (such as `.gz`, in any case) or not. A `*` matches as
    /// little as possible. Invalid dates and contradictory placeholders do not match, nor do hidden
    /// files and folders (`.x`, `_x`) unless the pattern itself starts their names with that
    /// character.
    pub fn matches(&self, key: &str) -> Option<Match> {
        let (bare, size_bytes_min) = without_extension(key).unzip();
        let bare_match =
            || Some(Match { size_bytes_min: size_bytes_min?, ..self.matches_whole(bare?)? });
        self.matches_whole(key).or_else(bare_match)
    }

    /// Whether the key would match if hidden names were allowed.
    pub fn hides(&self, key: &str) -> bool {
        let bare = without_extension(key).map_or(key, |(bare, _)| bare);
        let is_found = find(&self.pieces, key).or_else(|| find(&self.pieces, bare)).is_some();
        is_found && self.is_hidden(key)
    }

    /// The part of a matching key with this name: a placeholder or capture of the pattern,
    /// otherwise the value of a Hive partition folder `name=value`. Values after `name=` are
    /// percent-decoded. `None` if it is absent, empty, or null in Hive.
    pub fn part<'a>(&self, key: &'a str, name: &str) -> Option<Cow<'a, str>> {
        let bare = without_extension(key).map_or(key, |(bare, _)| bare);
        let (key, starts) = find(&self.pieces, key)
            .map(|starts| (key, starts))
            .or_else(|| Some((bare, find(&self.pieces, bare)?)))?;
        let at = self.pieces.iter().position(|piece| piece.name() == Some(name));
        let (text, is_hive) = match at {
            Some(at) => {
                let end = starts.get(at + 1).copied().unwrap_or(key.len());
                (key.get(starts[at]..end)?, key[..starts[at]].ends_with('='))
            }
            None => (hive_value(key, name)?, true),
        };
        let text = if is_hive { percent_decoded(text) } else { Cow::Borrowed(text) };
        Some(text).filter(|text| !text.is_empty() && text != HIVE_NULL)
    }

    /// Names of the captured parts in order.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Capture(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether [`Pattern::part`] can return a value for `name`.
    pub fn may_name(&self, name: &str) -> bool {
        let folders = self.text.split('/').rev().skip(1);
        let has_folder = |folder: &str| {
            folder.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
                || folder.contains(['*', '{'])
        };
        self.pieces.iter().any(|piece| piece.name() == Some(name))
            || folders.clone().any(has_folder)
    }

    /// The folder that contains all matching keys, with trailing `/`; empty for the whole bucket.
    pub fn prefix(&self) -> &str {
        let literal = self.text.find(['*', '{']).unwrap_or(self.text.len());
        let folder = self.text[..literal].rfind('/').map_or(0, |slash| slash + 1);
        &self.text[..folder]
    }

    /// Whether a folder or file of the key has a hidden name that the pattern does not state
    /// explicitly.
    fn is_hidden(&self, key: &str) -> bool {
        let mut names = self.text.split('/').zip(key.split('/'));
        names.any(|(pattern, name)| {
            let mark = name.chars().next().filter(|mark| matches!(mark, '.' | '_'));
            mark.is_some_and(|mark| !pattern.starts_with(mark))
        })
    }

    /// Whether both folder and file name vary, as in `export/*/part-*.csv`: the files of such a
    /// folder are usually parts of one dump.
    pub fn has_part_files(&self) -> bool {
        let varies = |text: &str| text.contains(['*', '{']);
        self.text.rsplit_once('/').is_some_and(|(folder, file)| varies(folder) && varies(file))
    }

    fn matches_whole(&self, key: &str) -> Option<Match> {
        let starts = find(&self.pieces, key).filter(|_| !self.is_hidden(key))?;
        let mut parts = [None; 4];
        for (piece, start) in self.pieces.iter().zip(starts) {
            let Piece::Stamp(stamp) = piece else { continue };
            for (part, offset) in stamp.parts {
                let value = part.read(&key[start + offset..])?;
                if *parts[*part as usize].get_or_insert(value) != value {
                    return None;
                }
            }
        }
        match parts {
            [None, ..] => Some(Match { dumped_on: None, size_bytes_min: 0 }),
            [Some(year), month, day, hour] => {
                let day = NaiveDate::from_ymd_opt(
                    year.cast_signed(),
                    month.unwrap_or(1),
                    day.unwrap_or(1),
                )?;
                let dumped_on = day.and_hms_opt(hour.unwrap_or(0), 0, 0)?;
                Some(Match { dumped_on: Some(dumped_on), size_bytes_min: 0 })
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Part {
    fn read(self, text: &str) -> Option<u32> {
        let width = if self == Self::Year { 4 } else { 2 };
        text.get(..width)?.parse().ok()
    }
}

/// The key without compression extension, and the minimum size of such a file in bytes.
fn without_extension(key: &str) -> Option<(&str, u64)> {
    COMPRESSED.iter().find_map(|extension| {
        let at = key.len().checked_sub(extension.text.len())?;
        let (bare, tail) = key.split_at_checked(at)?;
        // `.gz` and `.zst` always match: a file of a few bytes is reported as truncated.
        let size_bytes_min = match tail {
            ".gz" | ".zst" => 0,
            _ => extension.size_bytes_min,
        };
        tail.eq_ignore_ascii_case(extension.text).then_some((bare, size_bytes_min))
    })
}

/// The value of the folder `name=value`, not decoded.
fn hive_value<'a>(key: &'a str, name: &str) -> Option<&'a str> {
    let folders = key.rsplit_once('/')?.0;
    folders.split('/').find_map(|folder| folder.strip_prefix(name)?.strip_prefix('='))
}

/// Decodes `%41` to `A`; invalid sequences, and results that are not UTF-8, stay unchanged.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        // `from_str_radix` accepts a sign.
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

impl Piece {
    /// The name of the placeholder or capture.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Stamp(stamp) => Some(stamp.name),
            Self::Capture(name) => Some(name),
            Self::Text(_) | Self::Star => None,
        }
    }

    /// Whether its width is variable.
    fn is_variable(&self) -> bool {
        matches!(self, Self::Star | Self::Capture(_))
    }

    /// Number of bytes this piece matches at the start of a text; `None` if it does not match.
    fn width(&self, text: &str) -> Option<usize> {
        match self {
            Self::Star | Self::Capture(_) => Some(0),
            Self::Text(literal) => text.starts_with(literal).then_some(literal.len()),
            Self::Stamp(stamp) => {
                let fits = |(shape, byte): (u8, u8)| match shape {
                    b'0' => byte.is_ascii_digit(),
                    _ => byte == shape,
                };
                let width = stamp.shape.len();
                let pairs = stamp.shape.bytes().zip(text.bytes());
                (text.len() >= width && pairs.into_iter().all(fits)).then_some(width)
            }
        }
    }
}

/// Start of each piece in the key. Backtracking only extends the last `*`: it cannot cross a `/`,
/// and all pieces before it match as early as possible, so extending an earlier one cannot help.
fn find(pieces: &[Piece], key: &str) -> Option<Vec<usize>> {
    let mut starts = Vec::with_capacity(pieces.len());
    let mut at = 0;
    let mut last_star: Option<(usize, usize)> = None;
    while starts.len() < pieces.len() || at < key.len() {
        let piece = pieces.get(starts.len());
        if let Some(width) = piece.and_then(|piece| piece.width(&key[at..])) {
            if piece.is_some_and(Piece::is_variable) {
                last_star = Some((starts.len(), at));
            }
            starts.push(at);
            at += width;
            continue;
        }
        let (star, end) = last_star?;
        let taken = key[end..].chars().next().filter(|taken| *taken != '/')?;
        at = end + taken.len_utf8();
        last_star = Some((star, at));
        starts.truncate(star + 1);
    }
    Some(starts)
}

/// Splits a pattern into pieces; the error continues "the path ...".
fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let len = match sign {
            '*' => {
                pieces.push(Piece::Star);
                1
            }
            '{' => {
                let end = rest.find('}').ok_or("opens a { and never closes it")?;
                let name = &rest[1..end];
                pieces.push(placeholder(name)?);
                end + 1
            }
            '}' => return Err("closes a } it never opened".to_owned()),
            _ => {
                let end = rest.find(['*', '{', '}']).unwrap_or(rest.len());
                pieces.push(Piece::Text(rest[..end].to_owned()));
                end
            }
        };
        rest = &rest[len..];
    }
    Ok(pieces)
}

fn placeholder(name: &str) -> Result<Piece, String> {
    if let Some(stamp) = PLACEHOLDERS.iter().find(|stamp| stamp.name == name) {
        return Ok(Piece::Stamp(stamp));
    }
    let is_plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_';
    if name.starts_with(|sign: char| sign.is_ascii_lowercase()) && name.chars().all(is_plain) {
        return Ok(Piece::Capture(name.to_owned()));
    }
    Err(format!(
        "has {{{name}}}, which is unknown; expected a name of lower case letters, digits and _"
    ))
}

fn check(text: &str, pieces: &[Piece]) -> Result<(), String> {
    if text.is_empty() || text.starts_with('/') || text.ends_with('/') {
        return Err("must be the path of a file and not start with /".to_owned());
    }
    if text.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err("has an empty name, `.` or `..` between two /".to_owned());
    }
    check_captures(pieces)?;
    let has = |part: Part| {
        let stamps = pieces.iter().filter_map(|piece| match piece {
            Piece::Stamp(stamp) => Some(stamp.parts),
            _ => None,
        });
        stamps.flatten().any(|(named, _)| *named == part)
    };
    for (part, needed, wrong) in [
        (Part::Hour, Part::Day, "has an hour but no day"),
        (Part::Day, Part::Month, "has a day but no month"),
        (Part::Month, Part::Year, "has a month but no year"),
    ] {
        if has(part) && !has(needed) {
            return Err(wrong.to_owned());
        }
    }
    Ok(())
}

/// Captures must have distinct names and must not be adjacent to another part of variable width, as
/// it would be ambiguous which of them matches a text.
fn check_captures(pieces: &[Piece]) -> Result<(), String> {
    let is_capture = |piece: &&Piece| matches!(piece, Piece::Capture(_));
    for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| is_capture(piece)) {
        let name = piece.name().unwrap_or_default();
        if pieces[..at].contains(piece) {
            return Err(format!("captures {{{name}}} twice"));
        }
        let before = at.checked_sub(1).and_then(|before| pieces.get(before));
        if [before, pieces.get(at + 1)].into_iter().flatten().any(Piece::is_variable) {
            return Err(format!("has * or another capture right beside {{{name}}}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
