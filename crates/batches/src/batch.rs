//! The batch that travels: decoded records on their way from a source to bronze.
//!
//! Every field is text, exactly as the source wrote it, and every record knows its place in the
//! source. Decoders append to a [`BatchBuilder`]; the lake takes the finished [`Batch`].

use arrow::array::{
    ArrayBuilder, ArrayRef, BinaryArray, Int32Array, Int64Array, Int64Builder, StringArray,
    StringBuilder, UInt32Array,
};
use std::sync::Arc;

/// Where one record lies in its source: bytes `from..to` of the file after decompression, the line
/// end left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    pub from: u64,
    pub to: u64,
}

/// Why a record cannot be read as its contract says. Such a record lands in bronze all the same and
/// is rejected from silver with this as its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Fewer fields than the contract has columns.
    TooFewFields,
    /// More fields than the contract has columns.
    TooManyFields,
    /// A quote is opened and never closed, or text follows a closing quote.
    BrokenQuote,
    /// The bytes are not text in the contract's encoding.
    InvalidText,
    /// The record is longer than the limit; only its beginning is kept.
    TooLong,
    /// The bytes are not a JSON object.
    NotJson,
    /// The line does not match the contract's token pattern.
    NoMatch,
    /// The header again, in the middle of the data.
    RepeatedHeader,
    /// An object or array where a single value is due.
    NotScalar,
    /// A message without a value: in a compacted topic it deletes its key.
    Tombstone,
    /// A message that is an array, and the contract does not name `records`.
    ArrayReceived,
    /// A message in the wire format of a schema registry, and the contract does not name `framing`.
    RegistryFraming,
    /// No record where the contract says that records are: no such array, or an empty one.
    NoRecords,
    /// An element of an array of records that is no object.
    NotObject,
}

impl Fault {
    /// The reason code as it stands in bronze and in `silver.rejected`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooFewFields => "too_few_fields",
            Self::TooManyFields => "too_many_fields",
            Self::BrokenQuote => "broken_quote",
            Self::InvalidText => "invalid_text",
            Self::TooLong => "too_long",
            Self::NotJson => "not_json",
            Self::NoMatch => "no_match",
            Self::RepeatedHeader => "repeated_header",
            Self::NotScalar => "not_scalar",
            Self::Tombstone => "tombstone",
            Self::ArrayReceived => "array_received",
            Self::RegistryFraming => "schema_registry_framing",
            Self::NoRecords => "no_records",
            Self::NotObject => "not_object",
        }
    }
}

/// Records of one file, column by column. All arrays have the same length.
#[derive(Debug, Clone)]
pub struct Batch {
    /// One text array per contract column, null where the record has no such field.
    pub fields: Vec<ArrayRef>,
    /// What the contract has no column for, as JSON, or the raw text of a faulty record.
    pub rest: StringArray,
    /// [`Fault::code`] of records that cannot be read, else null.
    pub fault: StringArray,
    /// Number of the record in its file, from 1; a header is no record.
    pub record: Int64Array,
    /// First byte and the byte after the last, null for Parquet.
    pub byte_from: Int64Array,
    pub byte_to: Int64Array,
    /// Row group and row within it, null for everything but Parquet.
    pub row_group: Int32Array,
    pub row: Int64Array,
}

impl Batch {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.record.len()
    }

    /// Whether it has no record.
    pub fn is_empty(&self) -> bool {
        self.record.is_empty()
    }
}

/// Identity of a topic, which a topic created again under the same name does not have. The broker
/// chooses it at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicId(pub u128);

/// Between the name of a topic and the number of its log. Kafka allows it in no name.
const LOG_NUMBER: char = '#';

/// Name of a topic's log in the lake. The first topic of a name has that name; one that was created
/// after it had been deleted is number 2, and its log is `name#2`.
pub fn log_name(topic: &str, number: i64) -> Arc<str> {
    if number <= 1 { topic.into() } else { format!("{topic}{LOG_NUMBER}{number}").into() }
}

/// The topic a log is of.
pub fn topic_name(log: &str) -> &str {
    log.split_once(LOG_NUMBER).map_or(log, |(topic, _)| topic)
}

/// Messages of one topic as the broker gave them, in the order of their arrival. All arrays have the
/// same length, and offsets of a partition only grow.
#[derive(Debug, Clone)]
pub struct Messages {
    /// The topic, or from the lake on its log ([`log_name`]).
    pub topic: Arc<str>,
    pub partition: Int32Array,
    pub offset: Int64Array,
    /// The broker's or the producer's time, as the topic is set up: microseconds since 1970 UTC.
    pub timestamp_us: Int64Array,
    /// Null if the message has no value, which is not the same as an empty one.
    pub payload: BinaryArray,
    /// The keys; `None` if no message has one.
    pub key: Option<BinaryArray>,
    /// The headers of each message as JSON; `None` if no message has any.
    pub headers: Option<StringArray>,
}

impl Messages {
    /// Number of messages.
    pub fn len(&self) -> usize {
        self.offset.len()
    }

    /// Whether it has no message.
    pub fn is_empty(&self) -> bool {
        self.offset.is_empty()
    }
}

/// A message the lake has: whether the broker's message at its offset is the same shows whether the
/// topic is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    pub offset: i64,
    /// Microseconds since 1970 UTC.
    pub timestamp_us: i64,
    pub payload: Option<Vec<u8>>,
}

/// The fields of messages as text, a row per record in its order.
#[derive(Debug, Clone)]
pub struct Fields {
    /// One text array per contract column, null where the record has no such field.
    pub columns: Vec<ArrayRef>,
    /// [`Fault::code`] of records that cannot be read, else null.
    pub fault: StringArray,
    /// The beginning of a faulty record as text, else null.
    pub rest: StringArray,
    /// Where the records are in their messages; `None` if each message is one record.
    pub elements: Option<Elements>,
}

/// Records of messages that hold several.
#[derive(Debug, Clone)]
pub struct Elements {
    /// For each record the number of its message in the batch.
    pub message: UInt32Array,
    /// For each record its position in the message, from 0; null if the message as a whole cannot be
    /// read.
    pub position: Int32Array,
    /// For each message the number of its records.
    pub count: Int32Array,
}

/// Collects records into a [`Batch`]: one [`BatchBuilder::field`] per column, in order, then
/// [`BatchBuilder::end`]. Fields left out are null.
#[derive(Debug)]
pub struct BatchBuilder {
    fields: Vec<StringBuilder>,
    filled: usize,
    size_bytes: usize,
    records: i64,
    rest: StringBuilder,
    fault: StringBuilder,
    record: Int64Builder,
    byte_from: Int64Builder,
    byte_to: Int64Builder,
}

impl BatchBuilder {
    /// A builder for records of `width` columns.
    pub fn new(width: usize) -> Self {
        Self {
            fields: (0..width).map(|_| StringBuilder::new()).collect(),
            filled: 0,
            size_bytes: 0,
            records: 0,
            rest: StringBuilder::new(),
            fault: StringBuilder::new(),
            record: Int64Builder::new(),
            byte_from: Int64Builder::new(),
            byte_to: Int64Builder::new(),
        }
    }

    /// Appends the next field of the current record; fields beyond the width are ignored.
    pub fn field(&mut self, text: Option<&str>) {
        if let Some(column) = self.fields.get_mut(self.filled) {
            column.append_option(text);
            self.size_bytes += text.map_or(0, str::len);
        }
        self.filled += 1;
    }

    /// Ends the current record. `rest` is what the contract has no column for, as JSON, or the raw
    /// text of a faulty record.
    pub fn end(&mut self, place: ByteRange, fault: Option<Fault>, rest: Option<&str>) {
        for column in self.fields.iter_mut().skip(self.filled) {
            column.append_null();
        }
        self.filled = 0;
        self.records += 1;
        self.record.append_value(self.records);
        self.rest.append_option(rest);
        self.size_bytes += rest.map_or(0, str::len);
        self.fault.append_option(fault.map(Fault::code));
        self.byte_from.append_value(place.from.cast_signed());
        self.byte_to.append_value(place.to.cast_signed());
    }

    /// Records collected since the last [`BatchBuilder::take`].
    pub fn pending(&self) -> usize {
        self.record.len()
    }

    /// Text collected since the last [`BatchBuilder::take`], in bytes.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Records ended since the builder was made: the "read" column of the books.
    pub fn records(&self) -> i64 {
        self.records
    }

    /// Hands over what was collected and starts anew; record numbers go on.
    pub fn take(&mut self) -> Batch {
        self.size_bytes = 0;
        let rows = self.pending();
        Batch {
            fields: self
                .fields
                .iter_mut()
                .map(|column| Arc::new(column.finish()) as ArrayRef)
                .collect(),
            rest: self.rest.finish(),
            fault: self.fault.finish(),
            record: self.record.finish(),
            byte_from: self.byte_from.finish(),
            byte_to: self.byte_to.finish(),
            row_group: Int32Array::new_null(rows),
            row: Int64Array::new_null(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{log_name, topic_name};

    #[test]
    fn a_log_leads_to_its_topic() {
        for (number, log) in [(0, "a.b-1"), (1, "a.b-1"), (2, "a.b-1#2"), (10, "a.b-1#10")] {
            assert_eq!(&*log_name("a.b-1", number), log);
            assert_eq!(topic_name(log), "a.b-1");
        }
    }
}
