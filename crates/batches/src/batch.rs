//! Batches of decoded records on their way from a source to bronze.
//!
//! Every field is text exactly as in the source, and every record has its position in the source.
//! Decoders append to a [`BatchBuilder`]; the lake takes the finished [`Batch`].

use arrow::array::{
    ArrayBuilder, ArrayRef, BinaryArray, Int32Array, Int64Array, Int64Builder, StringArray,
    StringBuilder, UInt32Array,
};
use std::sync::Arc;

/// The bytes `from..to` of a record in its file after decompression, without the line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    pub from: u64,
    pub to: u64,
}

/// Why a record cannot be read by its contract. Such a record lands in bronze nevertheless, and is
/// rejected from silver with this reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Fewer fields than the contract has columns.
    TooFewFields,
    /// More fields than the contract has columns.
    TooManyFields,
    /// A quote is not closed, or text follows a closing quote.
    BrokenQuote,
    /// The bytes are not text in the encoding of the contract.
    InvalidText,
    /// The record is longer than the limit; only its beginning is kept.
    TooLong,
    /// The bytes are not a JSON object.
    NotJson,
    /// The line does not match the token pattern of the contract.
    NoMatch,
    /// The header, repeated within the data.
    RepeatedHeader,
    /// An object or array where a single value is expected.
    NotScalar,
    /// A message without a value, which deletes its key in a compacted topic.
    Tombstone,
    /// A message that is an array, and the contract has no `records`.
    ArrayReceived,
    /// A message in the wire format of a schema registry, and the contract has no `framing`.
    RegistryFraming,
    /// The schema registry does not know the schema of a message.
    UnknownSchema,
    /// The schema of a message cannot be used: its kind is not supported, or it is invalid.
    UnusableSchema,
    /// The bytes of a message do not fit its schema.
    NotOfSchema,
    /// The message is not the change of a row, and the contract has `changes`.
    NotAChange,
    /// A topic that is not one of an edge node or a device of Sparkplug.
    UnknownTopic,
    /// Data or a death of an edge node or a device of Sparkplug whose birth is not known.
    BeforeBirth,
    /// A metric of Sparkplug that has neither an alias nor a name of the birth, nor a name and a type of its own.
    UnknownMetric,
    /// The value of a metric of Sparkplug does not have the type that its birth defines.
    WrongDataType,
    /// The sequence number of a message of Sparkplug does not follow the one before, or is missing.
    SequenceGap,
    /// The death of an edge node of Sparkplug that belongs to an earlier session.
    OtherSession,
    /// A birth of Sparkplug that has more metrics than are remembered.
    TooManyMetrics,
    /// No record at the path in the contract: there is no array, or it is empty.
    NoRecords,
    /// An element of an array of records that is not an object.
    NotObject,
    /// A cell of a spreadsheet with the error of a formula, such as `#REF!`.
    CellError,
}

impl Fault {
    /// The reason code in bronze and in `silver.rejected`.
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
            Self::UnknownSchema => "unknown_schema",
            Self::UnusableSchema => "unusable_schema",
            Self::NotOfSchema => "not_of_schema",
            Self::NotAChange => "not_a_change",
            Self::UnknownTopic => "unknown_topic",
            Self::BeforeBirth => "before_birth",
            Self::UnknownMetric => "unknown_metric",
            Self::WrongDataType => "wrong_data_type",
            Self::SequenceGap => "sequence_gap",
            Self::OtherSession => "other_session",
            Self::TooManyMetrics => "too_many_metrics",
            Self::NoRecords => "no_records",
            Self::NotObject => "not_object",
            Self::CellError => "cell_error",
        }
    }
}

/// Records of one file, column by column. All arrays have the same length.
#[derive(Debug, Clone)]
pub struct Batch {
    /// One text array per contract column, null where the record has no such field.
    pub fields: Vec<ArrayRef>,
    /// Fields without a column in the contract as JSON, or the raw text of a faulty record.
    pub rest: StringArray,
    /// [`Fault::code`] of records that cannot be read, else null.
    pub fault: StringArray,
    /// Number of the record in its file, from 1; a header is not counted.
    pub record: Int64Array,
    /// First byte and the byte after the last; null for Parquet and workbooks.
    pub byte_from: Int64Array,
    pub byte_to: Int64Array,
    /// Row group and row within it, from 0, of Parquet; for workbooks the number of the sheet, from 0, and the
    /// row as spreadsheets count it, from 1; null for other formats.
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

/// The id of a topic. A topic that is created again under the same name has another one; the broker
/// chooses it at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicId(pub u128);

/// Separates the name of a topic from the number of its log. Kafka does not allow it in names.
const LOG_NUMBER: char = '#';

/// Name of a topic's log in the lake. For the first topic of a name it is that name; after a topic was
/// deleted and created again, the second one has the log `name#2`.
pub fn log_name(topic: &str, number: i64) -> Arc<str> {
    if number <= 1 { topic.into() } else { format!("{topic}{LOG_NUMBER}{number}").into() }
}

/// The topic of a log.
pub fn topic_name(log: &str) -> &str {
    log.split_once(LOG_NUMBER).map_or(log, |(topic, _)| topic)
}

/// Messages of one topic as received from the broker, in the order of their arrival. All arrays have the same
/// length, and the offsets of a partition increase.
#[derive(Debug, Clone)]
pub struct Messages {
    /// The topic; in the lake its log ([`log_name`]).
    pub topic: Arc<str>,
    pub partition: Int32Array,
    pub offset: Int64Array,
    /// The broker's or the producer's time, by the configuration of the topic: microseconds since 1970 UTC.
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

/// A message stored in the lake. If the broker has another message at its offset, the topic is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    pub offset: i64,
    /// Microseconds since 1970 UTC.
    pub timestamp_us: i64,
    pub payload: Option<Vec<u8>>,
}

/// The fields of messages as text, with a row per record in order.
#[derive(Debug, Clone)]
pub struct Fields {
    /// One text array per contract column, null where the record has no such field.
    pub columns: Vec<ArrayRef>,
    /// [`Fault::code`] of records that cannot be read, else null.
    pub fault: StringArray,
    /// The beginning of a faulty record as text, else null.
    pub rest: StringArray,
    /// The positions of the records in their messages; `None` if each message is one record.
    pub elements: Option<Elements>,
}

/// The records of messages that may contain several.
#[derive(Debug, Clone)]
pub struct Elements {
    /// For each record the number of its message in the batch.
    pub message: UInt32Array,
    /// For each record its position in the message, from 0; null if the whole message cannot be read.
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

    /// Ends the current record. `rest` has the fields without a column in the contract as JSON, or the
    /// raw text of a faulty record.
    pub fn end(&mut self, range: ByteRange, fault: Option<Fault>, rest: Option<&str>) {
        for column in self.fields.iter_mut().skip(self.filled) {
            column.append_null();
        }
        self.filled = 0;
        self.records += 1;
        self.record.append_value(self.records);
        self.rest.append_option(rest);
        self.size_bytes += rest.map_or(0, str::len);
        self.fault.append_option(fault.map(Fault::code));
        self.byte_from.append_value(range.from.cast_signed());
        self.byte_to.append_value(range.to.cast_signed());
    }

    /// Number of records since the last [`BatchBuilder::take`].
    pub fn pending(&self) -> usize {
        self.record.len()
    }

    /// Bytes of text since the last [`BatchBuilder::take`].
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Number of records since the builder was created: the records read in the reconciliation.
    pub fn records(&self) -> i64 {
        self.records
    }

    /// Returns the collected records as a batch and starts the next one; record numbers continue.
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
    fn a_log_has_the_name_of_its_topic() {
        for (number, log) in [(0, "a.b-1"), (1, "a.b-1"), (2, "a.b-1#2"), (10, "a.b-1#10")] {
            assert_eq!(&*log_name("a.b-1", number), log);
            assert_eq!(topic_name(log), "a.b-1");
        }
    }
}
