//! The source contract of one bronze table: where its dumps lie, how their bytes become records,
//! and how the text of each column becomes a value.

use crate::pattern::Pattern;
use crate::spelling::TimeSpelling;

/// What one bronze table expects of its source. Built from `bronze/<table>.toml` and checked there;
/// inside the program a contract is always consistent.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Name of the bronze table, without its schema.
    pub table: String,
    /// What the table holds, in one sentence for people.
    pub description: String,
    /// The system the dumps come from, as shown to people ("mes").
    pub source: String,
    /// Which keys below the bucket are dumps of this table; empty for a stream.
    pub paths: Vec<Pattern>,
    /// Kafka topics whose messages are records of this table; empty for dumps. An entry that starts
    /// with `^` is a regular expression for the names of topics.
    pub topics: Vec<String>,
    /// What precedes the payload of a message.
    pub framing: Framing,
    /// Path of the array whose elements are the records of a message, with dots between its keys;
    /// `$` is the message itself. `None` if a message is one record.
    pub records: Option<String>,
    /// How bytes become records.
    pub format: Format,
    /// How bytes become characters; Parquet ignores it.
    pub encoding: Encoding,
    /// Which older records a newer dump makes void.
    pub supersede: Supersede,
    /// Spellings of "unknown", compared after trimming, for every column.
    pub nulls: Vec<String>,
    /// The columns of the bronze table, in its order.
    pub columns: Vec<Column>,
}

impl Contract {
    /// Whether its records are messages of a stream, and not those of dumps.
    pub fn is_stream(&self) -> bool {
        self.format == Format::Message
    }
}

/// How the bytes of a dump or a message become records.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Records end at a newline, fields at a delimiter.
    Delimited {
        /// The byte between fields.
        delimiter: u8,
        /// The byte around fields that hold delimiters or newlines, doubled inside; `None` if the
        /// dump never quotes.
        quote: Option<u8>,
        /// Whether the first record names the columns. Without a header, the first record is data.
        header: bool,
    },
    /// One JSON object per line.
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
    /// A message that is one JSON object; the format of every stream.
    Message,
    /// An Apache Parquet file.
    Parquet,
    /// One line per record and no delimiter: a regular expression whose named groups are the fields.
    Tokens {
        /// The expression, anchored at both ends; a group's name is a column's `header`.
        pattern: String,
    },
    /// One line per record, each field a fixed number of characters wide (`Column::width_chars`).
    Fixed {
        /// Whether the first line names the columns.
        header: bool,
    },
}

/// Bytes of a message in front of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// The payload is the whole message.
    #[default]
    None,
    /// A schema registry's wire format: a zero byte and the number of the schema, four bytes. A
    /// message without it is read as it is.
    Confluent,
}

/// How the bytes of a text dump become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark; a UTF-16 byte order mark wins over it.
    Utf8,
    /// UTF-16, little endian unless a byte order mark says otherwise.
    Utf16Le,
    /// UTF-16, big endian unless a byte order mark says otherwise.
    Utf16Be,
    /// ISO 8859-1: each byte is the character of that number.
    Latin1,
}

/// Which older records a newer dump of the same table makes void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supersede {
    /// Those with the same key, the key being named by the silver table.
    Key,
    /// All of them: the dump is a full picture whose records have no key.
    Dump,
    /// None: what a stream said stands, and a message that says it again is rejected.
    Never,
}

/// One column of a bronze table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Name in the bronze table; letters, digits and `_` only.
    pub name: String,
    /// What the dump calls it: the header's word, the Parquet column, the JSON path with dots, or
    /// the group of a token pattern; for another origin the name of the field, capture or header.
    pub header: String,
    /// Where the value is: in the record itself, or beside it.
    pub origin: Origin,
    /// What its text means.
    pub kind: Kind,
    /// Whether a record without a value is rejected.
    pub required: bool,
    /// What happens to a record whose text cannot be read as `kind`.
    pub on_error: OnError,
    /// Further spellings of "unknown" in this column.
    pub nulls: Vec<String>,
    /// Width in characters, for `Format::Fixed`.
    pub width_chars: usize,
    /// What the column says, for people.
    pub description: String,
}

/// Where the value of a column comes from. The records of one dump or message share every origin
/// but `Record`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The record itself.
    #[default]
    Record,
    /// The JSON object around the array that holds the record; `header` is a path in that object.
    Envelope,
    /// The path of the dump; `header` is the name of a captured part. Dumps only.
    Path,
    /// The name of the topic. Messages only.
    Topic,
    /// The key of the message. Messages only.
    Key,
    /// A header of the message; `header` is its name. Messages only.
    Header,
}

/// What the text of a column means once it is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text, trimmed.
    Text,
    /// A whole number of 64 bits.
    Int {
        /// The thousands separator to skip, if any.
        thousands: Option<char>,
    },
    /// A decimal number kept exactly: `precision` digits in all, `scale` of them after the point.
    Decimal { precision: u8, scale: i8, number: NumberStyle },
    /// A binary floating point number of 64 bits.
    Float { number: NumberStyle },
    /// Yes or no.
    Bool { yes: Vec<String>, no: Vec<String> },
    /// A calendar day, without a zone.
    Date { spellings: Vec<TimeSpelling> },
    /// A moment, stored in UTC.
    Time {
        spellings: Vec<TimeSpelling>,
        /// The zone of spellings that name none.
        zone: chrono_tz::Tz,
        /// Whether plant-local day, hour and shift are computed beside it.
        local_parts: bool,
    },
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberStyle {
    /// The sign between whole and fraction: `.` or `,`.
    pub decimal: char,
    /// The sign between groups of digits, skipped; `None` if there is none.
    pub thousands: Option<char>,
}

/// What happens to a record whose text in one column cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The record goes to `silver.rejected`.
    Reject,
    /// The value becomes unknown, the record stays, and the quality ledger counts it.
    Null,
}
