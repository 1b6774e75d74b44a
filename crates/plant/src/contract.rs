//! The source contract of one bronze table: where its dumps lie, how their bytes become records,
//! and how the text of each column becomes a value.

use crate::format::TimeFormat;
use crate::pattern::Pattern;

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
    /// How bytes become records.
    pub format: Format,
    /// How bytes become characters; Parquet ignores it.
    pub encoding: Encoding,
    /// Lines of a text dump that are no records.
    pub lines: Lines,
    /// Where the records are within a JSON document: the path, with dots, of an array of objects.
    /// `None` if each top-level object, or each element of a top-level array, is a record.
    pub records: Option<String>,
    /// Which older records a newer dump makes void.
    pub supersede: Supersede,
    /// What becomes of records that a rewritten file no longer holds; only for [`Supersede::Key`].
    pub removed_records: RemovedRecords,
    /// Which files are one dump; only for [`Supersede::Dump`].
    pub dump_unit: DumpUnit,
    /// Spellings of "unknown", compared after trimming, for every column.
    pub nulls: Vec<String>,
    /// The columns of the bronze table, in its order.
    pub columns: Vec<Column>,
    /// The share of a dump's records that may be rejected, from 0 to 1, before the dump is reported
    /// as faulty; `None` is [`REJECT_AT_MOST`]. A dump whose records are all rejected always is,
    /// unless this is 1.
    pub reject_at_most: Option<f64>,
    /// Whether `Qty` is another column than `qty`. If not, a column whose exact name a file lacks is
    /// the only one that differs from it in letter case alone.
    pub case_sensitive_columns: bool,
}

/// The share of rejected records above which a dump is reported unless its contract says otherwise:
/// single dirty records stay far below, a changed layout or type far above.
pub const REJECT_AT_MOST: f64 = 0.2;

impl Contract {
    /// Whether its records are messages of a stream, and not those of dumps.
    pub fn is_stream(&self) -> bool {
        self.format == Format::Message
    }

    /// Whether a newer version of a file voids every record of its older versions, and not only
    /// those whose key it holds. `is_dated`: the name of the file carries a date.
    pub fn rewriting_removes(&self, is_dated: bool) -> bool {
        match self.removed_records {
            RemovedRecords::Keep => false,
            RemovedRecords::Remove => true,
            RemovedRecords::ByName => is_dated,
        }
    }

    /// The dump a file is a part of. `dated_us` is the time in the file's name, in microseconds
    /// since 1970 UTC, if the name carries one.
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

    /// The names its columns have in a record, in the order of the contract; empty for a column
    /// whose values are not in the record.
    pub fn headers(&self) -> Vec<&str> {
        self.columns.iter().map(Column::header_in_record).collect()
    }
}

/// How the bytes of a dump or a message become records.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Records end at a newline, fields at a delimiter.
    Delimited {
        /// The text between fields, one or several characters.
        delimiter: String,
        /// The ASCII character around fields that hold delimiters or newlines, doubled inside;
        /// `None` if the dump never quotes.
        quote: Option<u8>,
        /// The character that takes the special meaning from the one behind it.
        escape: Escape,
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

/// How a delimited dump writes delimiters, quotes and line ends that are part of a field, other
/// than by quoting the field and doubling the quotes in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Escape {
    /// A backslash, if the beginning of the dump can only be read so; otherwise not at all.
    #[default]
    Detect,
    /// Not at all.
    Never,
    /// By this ASCII character before it.
    Byte(u8),
}

/// Lines of a text dump that are no records. They are passed over and counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// How many lines at the beginning of the dump are passed over, blank lines included.
    pub skip: u64,
    /// How many lines behind the header are passed over, blank lines included.
    pub skip_after_header: u64,
    /// How many lines at the end of the dump are passed over, up from the last one that is not
    /// blank.
    pub skip_footer: u64,
    /// A regular expression; a line in which it matches is passed over wherever a record could
    /// begin.
    pub skip_pattern: Option<String>,
    /// Only records whose first field has this text are records of the table; others are passed
    /// over.
    pub record_type: Option<String>,
}

/// How the bytes of a text dump become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark. Bytes that are UTF-16 are read as UTF-16.
    Utf8,
    /// UTF-16, little endian unless a byte order mark says otherwise.
    Utf16Le,
    /// UTF-16, big endian unless a byte order mark says otherwise.
    Utf16Be,
    /// An encoding of the WHATWG Encoding Standard by its name there, such as "windows-1252". The
    /// byte order mark of a Unicode encoding wins over it.
    Named(&'static str),
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

/// What becomes of the records that a newer version of a file no longer holds, in a table where a
/// record replaces the one with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedRecords {
    /// As the name says: a file with a date in its name that is written again is a corrected dump of
    /// that day, so its records are removed; a name without a date is often used again for the next
    /// increment, so they are kept.
    ByName,
    /// They stay until a record with the same key replaces them.
    Keep,
    /// They go.
    Remove,
}

/// Which files together are one dump, in a table where the newest dump replaces the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpUnit {
    /// As the paths say: the files of one date; without a date, the files of one folder if both the
    /// folder's and the file's name vary; else each file by itself.
    ByName,
    /// Each file by itself.
    File,
    /// The files of one folder.
    Folder,
    /// The files whose names carry the same date; a file without one by itself.
    Date,
}

/// The identity of a dump that may have several part files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DumpId {
    /// One file, by its key.
    File(String),
    /// The files of a folder, by its key without the closing `/`.
    Folder(String),
    /// The files of a date: microseconds since 1970 UTC.
    Dated(i64),
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

impl Column {
    /// Its name in a record; empty if its values are not in the record.
    pub fn header_in_record(&self) -> &str {
        if self.origin == Origin::Record { &self.header } else { "" }
    }
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
        /// How the number is written; a fraction of zeros is accepted.
        number: NumberStyle,
    },
    /// A decimal number kept exactly: `precision` digits in all, `scale` of them after the point.
    Decimal { precision: u8, scale: i8, number: NumberStyle },
    /// A binary floating point number of 64 bits.
    Float { number: NumberStyle },
    /// Yes or no.
    Bool {
        /// Words for yes.
        yes: Vec<String>,
        /// Words for no.
        no: Vec<String>,
        /// Whether the letter case of these words does not matter.
        any_case: bool,
    },
    /// A calendar day, without a zone.
    Date { formats: Vec<TimeFormat> },
    /// A moment, stored in UTC.
    Time {
        formats: Vec<TimeFormat>,
        /// The zone of spellings that name none.
        zone: chrono_tz::Tz,
        /// Whether plant-local day, hour and shift are computed beside it.
        local_parts: bool,
    },
}

/// How numbers are written. Signs before or behind the number, accounting brackets and minus signs of
/// every typeface are unambiguous and need no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberStyle {
    /// The sign between whole and fraction: `.` or `,`.
    pub decimal: char,
    /// The sign between groups of digits, skipped; `None` if there is none. A blank means every kind
    /// of blank, an apostrophe every kind of apostrophe.
    pub thousands: Option<char>,
    /// What may be written beside the number, once, before or behind it.
    pub units: Units,
    /// Whether a percent sign divides the number by 100; otherwise `12.5 %` is 12.5.
    pub percent_is_fraction: bool,
}

impl NumberStyle {
    /// A decimal point, no thousands separator, the default units.
    pub const PLAIN: Self =
        Self { decimal: '.', thousands: None, units: Units::Currency, percent_is_fraction: false };
}

/// Texts beside a number that are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// Any currency sign, any ISO 4217 currency code in capital letters, or a percent sign.
    Currency,
    /// These and no others, compared exactly; empty if only the number may be there.
    Only(Vec<String>),
}

/// What happens to a record whose text in one column cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The record goes to `silver.rejected`.
    Reject,
    /// The value becomes unknown, the record stays, and the quality ledger counts it.
    Null,
}
