//! Which keys of a bucket are dumps of a table.

use chrono::{NaiveDate, NaiveDateTime};
use std::fmt;

const ALLOWED: &str = "allowed are plain text, * (anything but /), {date} (yyyy-MM-dd), {yyyymmdd}, \
    {yyyy}, {mm}, {dd} and {hh}";
/// Endings of compressed dumps; a pattern covers them without naming them.
const COMPRESSED: [&str; 2] = [".gz", ".zst"];

/// A pattern of keys: plain text, `*` for anything but `/`, `{date}` for yyyy-MM-dd, `{yyyymmdd}`,
/// and `{yyyy}`, `{mm}`, `{dd}`, `{hh}` one by one.
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
}

/// A placeholder: its name, the shape of its text (`0` is any digit) and where its parts begin.
#[derive(Debug, PartialEq, Eq)]
struct Kind {
    name: &'static str,
    shape: &'static str,
    parts: &'static [(Part, usize)],
}

type Stamp = &'static Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
}

const STAMPS: [Kind; 6] = [
    Kind {
        name: "date",
        shape: "0000-00-00",
        parts: &[(Part::Year, 0), (Part::Month, 5), (Part::Day, 8)],
    },
    Kind {
        name: "yyyymmdd",
        shape: "00000000",
        parts: &[(Part::Year, 0), (Part::Month, 4), (Part::Day, 6)],
    },
    Kind { name: "yyyy", shape: "0000", parts: &[(Part::Year, 0)] },
    Kind { name: "mm", shape: "00", parts: &[(Part::Month, 0)] },
    Kind { name: "dd", shape: "00", parts: &[(Part::Day, 0)] },
    Kind { name: "hh", shape: "00", parts: &[(Part::Hour, 0)] },
];

/// What a key says beyond being a dump of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// When the dump was written as its key says, on no particular clock; parts the pattern does not
    /// name are the first of their kind. `None` if the pattern names no year.
    pub dumped_on: Option<NaiveDateTime>,
}

impl Pattern {
    /// Builds a pattern from its text, as it stands in a contract.
    ///
    /// # Errors
    /// Says in words what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pieces = pieces(text).and_then(|pieces| check(text, &pieces).map(|()| pieces));
        let pieces = pieces.map_err(|wrong| format!("the path \"{text}\" {wrong}; {ALLOWED}"))?;
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// Whether a key is a dump, compressed (`.gz`, `.zst`) or not. A `*` takes as little as it can.
    /// Placeholders that are no real date, or contradict each other, do not match.
    pub fn matches(&self, key: &str) -> Option<Match> {
        let bare = COMPRESSED.iter().find_map(|ending| key.strip_suffix(ending));
        self.matches_whole(key).or_else(|| self.matches_whole(bare?))
    }

    /// The folder all matching keys lie in, with its closing `/`; empty if it is the whole bucket.
    pub fn prefix(&self) -> &str {
        let literal = self.text.find(['*', '{']).unwrap_or(self.text.len());
        let folder = self.text[..literal].rfind('/').map_or(0, |slash| slash + 1);
        &self.text[..folder]
    }

    /// Whether both the folder and the file name vary, as in `export/*/part-*.csv`: the files of such
    /// a folder are usually the parts of one dump.
    pub fn has_part_files(&self) -> bool {
        let varies = |text: &str| text.contains(['*', '{']);
        self.text.rsplit_once('/').is_some_and(|(folder, file)| varies(folder) && varies(file))
    }

    fn matches_whole(&self, key: &str) -> Option<Match> {
        let starts = find(&self.pieces, key)?;
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
            [None, ..] => Some(Match { dumped_on: None }),
            [Some(year), month, day, hour] => {
                let day = NaiveDate::from_ymd_opt(
                    year.cast_signed(),
                    month.unwrap_or(1),
                    day.unwrap_or(1),
                )?;
                let dumped_on = day.and_hms_opt(hour.unwrap_or(0), 0, 0)?;
                Some(Match { dumped_on: Some(dumped_on) })
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

impl Piece {
    /// Bytes this piece takes at the start of a text; `None` if it does not stand there.
    fn width(&self, text: &str) -> Option<usize> {
        match self {
            Self::Star => Some(0),
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

/// Where each piece begins in the key. Only the last `*` met ever grows: it cannot leave its folder,
/// and what came before it is matched as early as can be, so growing an earlier one gains nothing.
fn find(pieces: &[Piece], key: &str) -> Option<Vec<usize>> {
    let mut starts = Vec::with_capacity(pieces.len());
    let mut at = 0;
    let mut last_star: Option<(usize, usize)> = None;
    while starts.len() < pieces.len() || at < key.len() {
        let piece = pieces.get(starts.len());
        if let Some(width) = piece.and_then(|piece| piece.width(&key[at..])) {
            if piece == Some(&Piece::Star) {
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

/// Takes a pattern apart; the error goes on after "the path ...".
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
                let stamp = STAMPS.iter().find(|stamp| stamp.name == name);
                pieces
                    .push(Piece::Stamp(stamp.ok_or(format!("has {{{name}}}, which is unknown"))?));
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

fn check(text: &str, pieces: &[Piece]) -> Result<(), String> {
    if text.is_empty() || text.starts_with('/') || text.ends_with('/') {
        return Err("must name a file and begin without /".to_owned());
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, key: &str, expected: Option<Option<&str>>) {
        let found = Pattern::parse(pattern).unwrap().matches(key);
        let got = found.map(|found| found.dumped_on.map(|at| at.format("%F %H").to_string()));
        assert_eq!(got, expected.map(|at| at.map(str::to_owned)), "{pattern} {key}");
    }

    #[test]
    fn plain_keys() {
        check("data/Items.txt", "data/Items.txt", Some(None));
        check("data/Items.txt", "data/Items.txt.gz", Some(None));
        check("data/Items.txt", "data/Items.txt.zst", Some(None));
        check("data/Items.txt.gz", "data/Items.txt.gz", Some(None));
        check("data/Items.txt", "data/Items.txt.gz.gz", None);
        check("data/Items.txt", "data/Items.txt2", None);
        check("data/Items.txt", "data/Items", None);
        check("data/Items.txt", "old/data/Items.txt", None);
    }

    #[test]
    fn stars_stay_in_their_folder() {
        check("a/*.csv", "a/b.csv", Some(None));
        check("a/*.csv", "a/.csv", Some(None));
        check("a/*.csv", "a/b/c.csv", None);
        check("a/*/c_*.csv", "a/ü/c_1.csv.gz", Some(None));
        check("a/*a*b.csv", "a/aaxabb.csv", Some(None));
        check("a/*", "a/", Some(None));
        check("**", "ab", Some(None));
    }

    #[test]
    fn dates_are_read_from_the_key() {
        check("a/{date}/b", "a/2024-02-29/b", Some(Some("2024-02-29 00")));
        check("a/{date}/b", "a/2023-02-29/b", None);
        check("a/{date}/b", "a/2023_02_28/b", None);
        check("a_{yyyymmdd}{hh}.csv", "a_2023020117.csv", Some(Some("2023-02-01 17")));
        check("a_{yyyymmdd}{hh}.csv", "a_2023020124.csv", None);
        check("{yyyy}/{mm}/{dd}/x", "2023/01/31/x", Some(Some("2023-01-31 00")));
        check("{yyyy}/{mm}/x", "2023/12/x", Some(Some("2023-12-01 00")));
        check("{yyyy}/{mm}/x", "2023/13/x", None);
        check("*_{yyyymmdd}_*.csv", "a_b_20230131_7.csv", Some(Some("2023-01-31 00")));
        check("{yyyy}/r_{date}.csv", "2023/r_2023-05-06.csv", Some(Some("2023-05-06 00")));
        check("{yyyy}/r_{date}.csv", "2022/r_2023-05-06.csv", None);
        check("*{date}", "99992023-05-06", Some(Some("2023-05-06 00")));
        check("{yyyy}", "+023", None);
    }

    fn check_refused(pattern: &str, expected: &str) {
        let error = Pattern::parse(pattern).unwrap_err();
        assert!(error.contains(expected) && error.contains("{yyyymmdd}"), "{error}");
    }

    #[test]
    fn wrong_patterns_are_refused_in_words() {
        check_refused("", "must name a file");
        check_refused("/a", "begin without /");
        check_refused("a/", "must name a file");
        check_refused("a/{day}", "has {day}, which is unknown");
        check_refused("a/{date", "never closes it");
        check_refused("a/date}", "never opened");
        check_refused("{yyyy}/{hh}", "has an hour but no day");
        check_refused("{mm}", "has a month but no year");
    }

    #[test]
    fn the_prefix_is_the_folder_before_the_first_placeholder() {
        for (pattern, prefix) in [
            ("data/a/b.csv", "data/a/"),
            ("data/a/{date}/b.csv", "data/a/"),
            ("data/a_*/b.csv", "data/"),
            ("{date}.csv", ""),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().prefix(), prefix, "{pattern}");
        }
    }

    #[test]
    fn part_files_lie_in_a_folder_that_varies() {
        for (pattern, expected) in [
            ("a/{date}/*.csv", true),
            ("a/*/part-*.parquet", true),
            ("a/*/stock.csv", false),
            ("a/stock_*.csv", false),
            ("*.csv", false),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().has_part_files(), expected, "{pattern}");
        }
    }

    /// The same question answered by trying everything.
    fn slow_match(pattern: &[char], key: &[char]) -> bool {
        match (pattern, key) {
            ([], _) => key.is_empty(),
            (['*', rest @ ..], _) => {
                let longer = !key.is_empty() && key[0] != '/' && slow_match(pattern, &key[1..]);
                longer || slow_match(rest, key)
            }
            ([a, pattern @ ..], [b, key @ ..]) => a == b && slow_match(pattern, key),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn stars_match_as_if_everything_were_tried(pattern in "[ab/*]{1,9}", key in "[ab/]{0,12}") {
            let Ok(parsed) = Pattern::parse(&pattern) else { return Ok(()) };
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(parsed.matches(&key).is_some(), slow_match(&chars(&pattern), &chars(&key)));
            prop_assert!(parsed.matches(&key).is_none() || key.starts_with(parsed.prefix()));
            prop_assert_eq!(parsed.to_string(), pattern);
        }

        #[test]
        fn a_written_date_is_found_again(day in 0i32..40_000, hour in 0u32..24, tail in "[a-z]{0,5}") {
            let at = NaiveDate::from_epoch_days(day).unwrap().and_hms_opt(hour, 0, 0).unwrap();
            for (pattern, format) in [("{date}/{hh}*", "%Y-%m-%d/%H"), ("x{yyyymmdd}{hh}*", "x%Y%m%d%H")] {
                let key = at.format(format).to_string() + &tail;
                let found = Pattern::parse(pattern).unwrap().matches(&key);
                prop_assert_eq!(found, Some(Match { dumped_on: Some(at) }));
            }
        }

        #[test]
        fn no_text_makes_it_fail(pattern in ".{0,20}", key in ".{0,40}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                let _found = pattern.matches(&key);
            }
        }
    }
}
