//! The source contract of one bronze table: where its dumps or messages are, how bytes become
//! records, and how the text of each column becomes a value.

mod cells;

pub use cells::CellRange;

use crate::format::TimeFormat;
use crate::http_source::HttpPull;
use crate::mqtt_source::MqttSource;
use crate::pattern::Pattern;
use crate::source::Pull;

/// The source contract of one bronze table, as loaded and validated from `bronze/<table>.toml`. Its
/// parts are consistent with each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Name of the bronze table, without its schema.
    pub table: String,
    /// Description of the table in one sentence.
    pub description: String,
    /// The source system, as shown to people ("mes").
    pub source: String,
    /// Keys in the bucket that are dumps of this table; empty for a stream.
    pub paths: Vec<Pattern>,
    /// The HTTP interface whose answers are dumps of this table; `None` for other sources.
    pub http: Option<HttpPull>,
    /// End of the name of the file that marks a dump as complete, such as `.done` for `a.csv.done`; `None` if
    /// dumps have no markers.
    pub done_marker: Option<String>,
    /// Kafka topics whose messages are records of this table; empty for dumps. An entry that starts
    /// with `^` is a regular expression for topic names.
    pub topics: Vec<String>,
    /// The MQTT broker whose messages are records of this table; `None` for other sources.
    pub mqtt: Option<MqttSource>,
    /// The source that is read on a schedule; `None` for dumps and streams.
    pub pull: Option<Pull>,
    /// The framing in front of the payload of a message.
    pub framing: Framing,
    /// How messages describe changes of a table of a database; `None` if each message is a record by itself.
    pub changes: Option<ChangeFormat>,
    /// How bytes become records.
    pub format: Format,
    /// How bytes become characters; ignored for Parquet.
    pub encoding: Encoding,
    /// Lines of a text dump that are not records.
    pub lines: Lines,
    /// Location of the records in a JSON document: the dotted path of an array of objects. `None`
    /// if each top-level object, or each element of a top-level array, is a record.
    pub records: Option<String>,
    /// Which older records a newer dump supersedes.
    pub supersede: Supersede,
    /// Whether records missing from a rewritten file are removed; only for [`Supersede::Key`].
    pub removed_records: RemovedRecords,
    /// Which files form one dump; only for [`Supersede::Dump`].
    pub dump_unit: DumpUnit,
    /// Texts that mean null in every column, compared after trimming.
    pub nulls: Vec<String>,
    /// The columns of the bronze table, in order.
    pub columns: Vec<Column>,
    /// The share of rejected records, 0 to 1, above which a dump is reported as faulty; `None`
    /// means [`REJECT_AT_MOST`]. A dump with all records rejected is always reported unless this is
    /// 1.
    pub reject_at_most: Option<f64>,
    /// Whether column names are case sensitive. If not, a column without an exact match is matched
    /// to the only name that differs in letter case alone.
    pub case_sensitive_columns: bool,
}

/// Default share of rejected records above which a dump is reported: occasional bad records stay
/// far below, a changed layout or type is far above.
pub const REJECT_AT_MOST: f64 = 0.2;

impl Contract {
    /// Whether the records are messages of a stream rather than of dumps.
    pub fn is_stream(&self) -> bool {
        self.format == Format::Message
    }

    /// Whether a newer version of a file supersedes every record of its older versions, not only
    /// records with the same keys. `is_dated`: the file name contains a date.
    pub fn rewriting_removes(&self, is_dated: bool) -> bool {
        match self.removed_records {
            RemovedRecords::Keep => false,
            RemovedRecords::Remove => true,
            RemovedRecords::ByName => is_dated,
        }
    }

    /// The dump a file belongs to. `dated_us` is the time in the file name, in microseconds since
    /// 1970-01-01T00:00:00Z, if it has one.
    pub fn dump_id(&self, key: &str, dated_us: Option<i64>) -> DumpId {
        let folder = || key.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let dated = dated_us.map(DumpId::Dated);
        match self.dump_unit {
            DumpUnit::File => DumpId::File(key.to_owned()),
            DumpUnit::Folder => DumpId::Folder(folder()),
            DumpUnit::Date => dated.unwrap_or_else(|| DumpId::File(key.to_owned())),
            DumpUnit::ByName => dated.unwrap_or_else(|| {
                let is_part = |path: &Pattern| path.has_part_files() && path.matches(key).is_some();
                match self.paths.iter().any(is_part) {
                    true => DumpId::Folder(folder()),
                    false => DumpId::File(key.to_owned()),
                }
            }),
        }
    }

    /// Names of the columns in a record, in the order of the contract; empty for a column whose
    /// values are not in the record.
    pub fn headers(&self) -> Vec<&str> {
        self.columns.iter().map(Column::header_in_record).collect()
    }
}

/// Record format of a dump or a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Records end at a newline, fields at a delimiter.
    Delimited {
        /// The delimiter, one or more characters.
        delimiter: String,
        /// The ASCII quote character around fields that contain delimiters or newlines, doubled
        /// inside; `None` if the dump does not quote.
        quote: Option<u8>,
        /// The escape character in front of delimiters, quotes and line ends.
        escape: Escape,
        /// Whether the first record contains the column names; otherwise it is data.
        header: bool,
    },
    /// One JSON object per line.
    JsonLines,
    /// A JSON array of objects.
    JsonArray,
    /// A message that is one JSON object; the format of every stream.
    Message,
    /// An Apache Parquet file.
    Parquet,
    /// Rows of a database in the text format of PostgreSQL's COPY, with a header: fields are separated by tabs,
    /// `\N` is null, and backslashes escape tabs, line ends and backslashes.
    CopyText,
    /// One record per line, parsed by a regular expression whose named groups are the fields.
    Tokens {
        /// The expression, anchored at both ends; group names are the `header` of columns.
        pattern: String,
    },
    /// One record per line with fields of fixed width in characters (`Column::width_chars`).
    Fixed {
        /// Whether the first line contains the column names.
        header: bool,
    },
    /// A sheet of a spreadsheet, Office Open XML (xlsx) or OpenDocument (ods). A row is a record.
    Workbook {
        /// Name of the sheet; `None` for the only visible one.
        sheet: Option<String>,
        /// The cells that are read.
        range: CellRange,
        /// Whether the first row of the range contains the column names.
        header: bool,
    },
}

/// Bytes in front of the payload of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// The payload is the whole message.
    #[default]
    None,
    /// Schema registry wire format: a zero byte and a schema id of four bytes. What follows is of that schema if
    /// a registry is configured, else JSON. A message without this prefix is read unchanged.
    Confluent,
}

/// How the messages of a topic describe changes of a table of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeFormat {
    /// Objects with `op`, `before` and `after`, as Debezium writes them.
    Debezium,
}

/// How a delimited dump escapes delimiters, quotes and line ends, other than by quoting fields and
/// doubling quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Escape {
    /// A backslash if the beginning of the dump cannot be parsed otherwise, else none.
    #[default]
    Detect,
    /// No escape character.
    Never,
    /// This ASCII character in front.
    Byte(u8),
}

/// Lines of a text dump that are skipped and counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// Lines skipped at the beginning of the dump, including blank lines.
    pub skip: u64,
    /// Lines skipped after the header, including blank lines.
    pub skip_after_header: u64,
    /// Lines skipped at the end of the dump, counted back from the last nonblank line.
    pub skip_footer: u64,
    /// A regular expression; a matching line is skipped wherever a record could start.
    pub skip_pattern: Option<String>,
    /// Only records whose first field has this text are records of the table; others are skipped.
    pub record_type: Option<String>,
}

/// Character encoding of a text dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark. UTF-16 content is detected and decoded as such.
    Utf8,
    /// UTF-16, little endian unless a byte order mark states otherwise.
    Utf16Le,
    /// UTF-16, big endian unless a byte order mark states otherwise.
    Utf16Be,
    /// An encoding of the WHATWG Encoding Standard by name, such as "windows-1252". A Unicode byte
    /// order mark takes precedence.
    Named(&'static str),
}

/// Which older records a newer dump of the table supersedes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supersede {
    /// Records with the same key, as defined by the silver table.
    Key,
    /// All records: every dump is a complete snapshot.
    Dump,
    /// None: records of a stream are final, and a repeated message is rejected.
    Never,
}

/// What happens to records missing from a newer version of a file, in a table where records
/// supersede each other by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedRecords {
    /// Depends on the file name: a rewritten file with a date in its name is a corrected dump of
    /// that day, so missing records are removed; a name without a date is often reused for the next
    /// increment, so they are kept.
    ByName,
    /// They are kept until a record with the same key supersedes them.
    Keep,
    /// They are removed.
    Remove,
}

/// Which files form one dump, in a table where the newest dump supersedes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpUnit {
    /// Derived from the paths: the files of one date; without a date, the files of one folder if
    /// both folder and file name vary; otherwise each file alone.
    ByName,
    /// Each file alone.
    File,
    /// The files of one folder.
    Folder,
    /// The files whose names contain the same date; a file without a date alone.
    Date,
}

/// Identity of a dump, which may consist of several files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DumpId {
    /// One file, by its key.
    File(String),
    /// The files of a folder, by its key without the trailing `/`.
    Folder(String),
    /// The files of a date, in microseconds since 1970-01-01T00:00:00Z.
    Dated(i64),
}

/// One column of a bronze table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name in the bronze table; letters, digits and `_` only.
    pub name: String,
    /// Name in the source: header, Parquet column, dotted JSON path or group of a token pattern;
    /// for other origins the name of the field, capture or message header.
    pub header: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// The type of the value.
    pub kind: Kind,
    /// Whether a record without a value is rejected.
    pub required: bool,
    /// What happens to a record whose text cannot be parsed as `kind`.
    pub on_error: OnError,
    /// Further texts that mean null in this column.
    pub nulls: Vec<String>,
    /// Width in characters, for `Format::Fixed`.
    pub width_chars: usize,
    /// Description of the column.
    pub description: String,
}

impl Column {
    /// Its name in a record; empty if its values are not in the record.
    pub fn header_in_record(&self) -> &str {
        if self.origin == Origin::Record { &self.header } else { "" }
    }
}

/// Where the value of a column comes from. For every origin except `Record` all records of one dump
/// or message share the value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The record itself.
    #[default]
    Record,
    /// The JSON object that contains the array of records; `header` is a path in that object.
    Envelope,
    /// The path of the dump; `header` is the name of a captured part. Dumps only.
    Path,
    /// The topic name. Messages only.
    Topic,
    /// The message key, or a field of it. Messages only.
    Key,
    /// A message header; `header` is its name. Messages only.
    Header,
    /// The number of the partition. Messages only.
    Partition,
    /// The offset of the message in its partition. Messages only.
    Offset,
}

/// The type of a column's values.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text, trimmed.
    Text,
    /// A 64-bit integer.
    Int {
        /// Format of the number; a fraction of zeros is accepted.
        number: NumberStyle,
    },
    /// An exact decimal number of `precision` digits, `scale` of them after the decimal point.
    Decimal {
        precision: u8,
        scale: i8,
        /// What happens to digits beyond the scale.
        rounding: Rounding,
        number: NumberStyle,
    },
    /// A 64-bit floating point number.
    Float { number: NumberStyle },
    /// A boolean.
    Bool {
        /// Texts that mean true.
        yes: Vec<String>,
        /// Texts that mean false.
        no: Vec<String>,
        /// Whether letter case is ignored.
        any_case: bool,
    },
    /// A calendar date without a time zone.
    Date { formats: Vec<TimeFormat> },
    /// A timestamp, stored in UTC.
    Time {
        formats: Vec<TimeFormat>,
        /// The zone of formats without an offset.
        zone: chrono_tz::Tz,
        /// Whether local day, hour and shift columns are added.
        local_parts: bool,
    },
}

/// The format of numbers. A sign in front or behind, accounting brackets and typographic minus
/// signs are always accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberStyle {
    /// The decimal separator: `.` or `,`.
    pub decimal: char,
    /// The thousands separator, skipped; `None` if there is none. A space matches every kind of
    /// space, an apostrophe every kind of apostrophe.
    pub thousands: Option<char>,
    /// Units accepted once, before or after the number.
    pub units: Units,
    /// Whether a percent sign divides the number by 100; otherwise `12.5 %` is 12.5.
    pub percent_is_fraction: bool,
}

impl NumberStyle {
    /// Decimal point, no thousands separator, default units.
    pub const PLAIN: Self =
        Self { decimal: '.', thousands: None, units: Units::Currency, percent_is_fraction: false };
}

/// How a decimal with nonzero digits beyond the scale of its column is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// The value is not accepted.
    #[default]
    Reject,
    /// Rounds to the nearest multiple, ties away from zero, as in commercial accounting.
    HalfUp,
    /// Rounds to the nearest multiple, ties to an even last digit (IEEE 754, banker's rounding).
    HalfEven,
}

/// Texts beside a number that are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// Any currency symbol, any ISO 4217 currency code in capitals, or a percent sign.
    Currency,
    /// Only these, compared exactly; empty if nothing may accompany the number.
    Only(Vec<String>),
}

/// What happens to a record if the text of one column cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The record goes to `silver.rejected`.
    Reject,
    /// The value becomes null, the record is kept, and the quality ledger counts it.
    Null,
}
