//! Sources that are read on a schedule: the definition of what is read, and how the place of each read is
//! named.
//!
//! A read of such a source is a *pull*. Its records land in bronze as those of one or more dumps: `_file` is the
//! place of the pull, `_file_sha256` the SHA-256 of the bytes as received. So superseding, row balance and
//! rejected records are the same as for files.
//!
//! A new kind of source is added in four steps:
//! 1. a variant of [`PullOrigin`] with what the contract configures, here;
//! 2. its table in `config/src/contract/pull.rs`, and the keys in `config/src/schema/contract.rs`;
//! 3. its reader in `ingest`, called by `ingest::pull::read`: it spools the bytes of one pull to
//!    the disk, and the decoder of the contract's format reads them. The wiring needs no change;
//! 4. a page in `docs/sources/`.

use std::fmt;

/// A source that is read on a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Pull {
    /// Seconds from the start of a read to the start of the next; `None` for the setting `pull_every_s`.
    pub every_s: Option<u64>,
    /// Number of this reading. Another number starts from the beginning of the source.
    pub reading: u64,
    pub origin: PullOrigin,
}

impl Pull {
    /// Whether each pull has all records of the source, so that a record missing from it is deleted.
    pub fn is_whole(&self) -> bool {
        match &self.origin {
            PullOrigin::Sql(sql) => sql.watermark.is_none(),
        }
    }

    /// Where the source is, without secrets.
    pub fn address(&self) -> String {
        match &self.origin {
            PullOrigin::Sql(sql) => sql.database.to_string(),
        }
    }
}

/// What a source is.
#[derive(Debug, Clone, PartialEq)]
pub enum PullOrigin {
    /// A table or a query of a database.
    Sql(SqlSource),
}

/// A table or a query of a database.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlSource {
    pub database: Database,
    pub rows: SqlRows,
    /// Columns that identify a row. The rows are read in their order, page by page; without them, by one
    /// statement.
    pub key: Vec<String>,
    /// The column that grows with each change of a row; `None` if the whole source is read each time.
    pub watermark: Option<Watermark>,
    /// Rows read per second at most; `None` for the setting `sql_rows_per_s`.
    pub rows_per_s: Option<u64>,
    /// The longest time of a statement in seconds; `None` for the setting `sql_statement_timeout_s`.
    pub statement_timeout_s: Option<u64>,
}

/// What is read from a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlRows {
    /// A table or a view, with the schema before a dot if it is needed.
    Table(String),
    /// The rows of a SELECT statement.
    Query(String),
}

/// A column that grows with each change of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    pub column: String,
    /// How far before the last watermark rows are read again, since a transaction that began earlier may commit
    /// later; `None` for the settings `sql_overlap_s` and `sql_overlap_numbers`.
    pub overlap: Option<Overlap>,
    /// Seconds by which the clocks of writers may be ahead of that of the database; `None` for the setting
    /// `sql_clock_tolerance_s`. A later watermark is not where the next read starts, since it would hide the
    /// rows before it.
    pub clock_tolerance_s: Option<u64>,
}

/// How far before the last watermark rows are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// For a column of times.
    Seconds(u64),
    /// For a column of numbers.
    Numbers(u64),
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    Postgres(Server),
    /// MySQL or MariaDB.
    MySql(Server),
    /// Microsoft SQL Server.
    SqlServer(Server),
    /// A file of SQLite, by its path.
    Sqlite(String),
}

/// A database on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub database: String,
    /// Reference to the password, `env:NAME`, `file:PATH` or `credential:NAME`.
    pub password: Option<String>,
    pub is_encrypted: bool,
    /// Certificates of the authorities that are trusted beside those of the system, in PEM.
    pub ca_file: Option<String>,
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, server) = match self {
            Self::Sqlite(path) => return write!(f, "sqlite:{path}"),
            Self::Postgres(server) => ("postgresql", server),
            Self::MySql(server) => ("mysql", server),
            Self::SqlServer(server) => ("sqlserver", server),
        };
        let Server { host, port, user, database, .. } = server;
        write!(f, "{scheme}://{user}@{host}:{port}/{database}")
    }
}

/// The place of a pull: `_file` of its records. It is also the only store of the checkpoint, so a commit of
/// records is the commit of their checkpoint.
///
/// A source that is read as a whole has one place; its pulls are versions (`_dump`) of it. An increment has a
/// place of its own, `orders/1/12?to=2026-11-27 06:00:00&last=2026-11-27 06:00:04`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullPlace {
    /// The bronze table.
    pub table: String,
    /// [`Pull::reading`].
    pub reading: u64,
    pub increment: Option<Increment>,
}

/// The place of an increment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Increment {
    /// Number of the increment, from 1; the checkpoint `pull` of the bronze table is that of the last one.
    pub number: u64,
    /// Where the next increment starts: text of the source.
    pub to: String,
    /// The last position of a record of the increment, which may be after `to`; empty if a record has none.
    pub last: String,
}

impl fmt::Display for PullPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.table, self.reading)?;
        let Some(Increment { number, to, last }) = &self.increment else { return Ok(()) };
        write!(f, "/{number}?to={}&last={}", escaped(to), escaped(last))
    }
}

impl PullPlace {
    /// The place of a text of [`PullPlace`]'s `Display`; `None` for another text.
    pub fn parse(text: &str) -> Option<Self> {
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        let mut parts = path.split('/');
        let (table, reading) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        let number = parts.next().map(str::parse);
        if parts.next().is_some() {
            return None;
        }
        let increment = match (number, query) {
            (None, None) => None,
            (Some(Ok(number)), Some(query)) => {
                let (to, last) = query.strip_prefix("to=")?.split_once("&last=")?;
                Some(Increment { number, to: unescaped(to)?, last: unescaped(last)? })
            }
            _ => return None,
        };
        Some(Self { table, reading, increment })
    }

    /// The last increment of a reading among places of a bronze table.
    pub fn last_increment<'a>(
        places: impl Iterator<Item = &'a str>,
        reading: u64,
    ) -> Option<Increment> {
        let places = places.filter_map(Self::parse).filter(|place| place.reading == reading);
        places.filter_map(|place| place.increment).max_by_key(|increment| increment.number)
    }
}

/// Signs that separate the parts of a place.
const SEPARATORS: [char; 4] = ['%', '&', '?', '/'];

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        if SEPARATORS.contains(&sign) || sign.is_ascii_control() {
            out += &format!("%{:02X}", sign as u32);
        } else {
            out.push(sign);
        }
    }
    out
}

fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        out.push(char::from(u8::from_str_radix(part.get(..2)?, 16).ok()?));
        out += &part[2..];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn increment(number: u64, to: &str, last: &str) -> PullPlace {
        let increment = Increment { number, to: to.into(), last: last.into() };
        PullPlace { table: "orders".into(), reading: 1, increment: Some(increment) }
    }

    #[test]
    fn a_place_is_parsed_as_it_is_written() {
        let whole = PullPlace { table: "orders".into(), reading: 2, increment: None };
        assert_eq!(whole.to_string(), "orders/2");
        assert_eq!(PullPlace::parse("orders/2"), Some(whole));
        let text = "orders/1/12?to=2026-11-27 06:00:00.5+00&last=";
        assert_eq!(increment(12, "2026-11-27 06:00:00.5+00", "").to_string(), text);
        for (to, last) in [("7", "9"), ("a%b&c?d/e", "ä\n%41"), ("", "&last=")] {
            let place = increment(3, to, last);
            assert_eq!(PullPlace::parse(&place.to_string()), Some(place));
        }
        for other in ["orders", "a/b", "a/1/2", "a/1?to=1&last=2", "a/1/2?to=1", "a/1/2/3", ""] {
            assert_eq!(PullPlace::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_next_read_starts_after_the_last_increment_of_the_same_reading() {
        let places =
            ["orders/1/9?to=9&last=9", "orders/1/10?to=10&last=99", "orders/2/1?to=1&last=1", "x"];
        let last = |reading| PullPlace::last_increment(places.into_iter(), reading);
        assert_eq!(last(1).map(|it| it.to), Some("10".to_owned()));
        assert_eq!(last(2).map(|it| it.number), Some(1));
        assert_eq!(last(3), None);
    }
}
