//! Writes the seed corpus of the fuzz targets.

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, ListArray,
    RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use cockpit_fuzz::handle::{Handle, Part};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::error::Error;
use std::sync::Arc;

/// Texts per target. They follow the option bytes of a case, see `promise::Case`.
const TEXTS: &[(&str, &str)] = &[
    ("delimited", "a,b,c\n1,\"x,\"\"y\"\"\nz\",3\r\n4,\"5\n6,7,8,9\n\n\"a\"b,\n"),
    ("delimited", "c|b|a|d\n1|2|3|4\n5|6\n"),
    ("json", "{\"a\":1.50,\"b\":{\"c\":\"x\\\"\",\"e\":[1, 2]},\"z\":null}\n{\"a\":\n[]\n"),
    ("json", "[{\"a\":1},\n {\"b\":{\"d\":\"],}\"}}, {\"a\":[{}]}, 7, {\"a\":\"\\u00e9\"}]\n"),
    ("delimited", "sep=,\n# x\na,b,c\n1, \"x\\\"y\" ,\u{feff}3\r4||5||6¦7\\,8\nTotal\n"),
    (
        "json",
        "{\"x\":[7],\"a\":[{\"a\":1},{\"b\":{\"c\":2}}],\"b\":{\"c\":[{\"a\":3}],\"d\":4}}\n{\"a\":5}{\n\"a\":6}",
    ),
    ("tokens", "C123idUU-text$$35-19rest\nC123UU-$$\nno\n"),
    ("fixed", "aaabbc\n1  22x\n1\n1234567\n"),
];

/// First requests of connections.
const REQUESTS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\nGET /second HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\ncontent-LENGTH : 5 \r\n\r\n12345",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/// Schemas and data of the decoders of messages: a schema, a byte that ends it, and a datum.
const SCHEMAS: &[(&str, &[u8])] = &[
    ("avro", b"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",\"R\"]},\
        {\"name\":\"b\",\"type\":{\"type\":\"map\",\"values\":\"bytes\"}}]}\n\x02\x00\x00\x02\x02k\x02\xff\x00"),
    ("avro", b"{\"type\":\"array\",\"items\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}\n\x04\x00\x02\x00"),
    ("avro", b"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":3}\n\x04\x30\x39"),
    ("protobuf", b"syntax = \"proto3\"; message R { string a = 1; repeated sint32 b = 2; map<string, R> c = 3; \
        oneof d { double e = 4; R f = 5; } google.protobuf.Timestamp g = 6; }\0\0\x0a\x01x\x12\x02\x01\x02\x32\x02\x08\x01"),
    ("protobuf", b"message A { optional bytes b = 1; enum E { X = 0; } repeated E e = 2; message B {} }\0\x04\0\0"),
];

/// Messages of Sparkplug B: the topic, the length of the payload, and the payload.
const MESSAGES: &[&[u8]] = &[
    // The birth of an edge node with the session 1 and the metric `t` with the alias 7, data, and the death.
    b"\x00\x1c\x08\x01\x12\x0b\x0a\x05bdSeq\x20\x04\x58\x01\x12\x09\x0a\x01t\x10\x07\x20\x03\x50\x10\x18\x00\
        \x02\x0c\x12\x08\x10\x07\x20\x03\x28\x01\x50\x11\x18\x01\
        \x04\x0d\x12\x0b\x0a\x05bdSeq\x20\x04\x58\x01",
    // The birth of a device, null, a gap in the numbers, a message that is sent again, and the death.
    b"\x01\x0d\x12\x09\x0a\x01t\x10\x07\x20\x03\x50\x10\x18\x00\
        \x03\x08\x12\x04\x10\x07\x38\x01\x18\x05\
        \x0b\x08\x12\x04\x10\x07\x38\x01\x18\x05\
        \x05\x02\x18\x06",
];

/// Packets of brokers of MQTT 5 after the size of the parts.
const PACKETS: &[&[u8]] = &[
    // An accepted connection, an accepted subscription, a message with properties, and an answer to a ping.
    b"\x03\x20\x09\x00\x00\x06\x22\x00\x0a\x21\x00\x14\x90\x04\x00\x01\x00\x01\
        \x32\x19\x00\x03a/b\x00\x07\x10\x02\x00\x00\x00\x3c\x03\x00\x01x\x26\x00\x01k\x00\x01v1\xd0\x00",
    // The ends of connections: without a reason, with one, and with properties.
    b"\x01\xe0\x00\xe0\x01\x8e\xe0\x08\x97\x06\x1f\x00\x03max",
    b"\x02\x20\x02\x00\x01",
];

/// Messages of SCRAM: the first one, a byte that ends it, and the last one.
const EXCHANGES: &[&str] = &[
    "n,,n=,r=abc\0c=biws,r=abc,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "y,,n=user,r=abc,x=1\0c=eSws,r=abc,x=2,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    "p=tls-server-end-point,a=b,m=c,r=\0c=,r=,p=",
];

fn main() -> Result<(), Box<dyn Error>> {
    for (index, (target, text)) in TEXTS.iter().enumerate() {
        for flags in 0..=127_u8 {
            let encoded: Vec<u8> = match flags & 3 {
                1 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
                2 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                _ => text.bytes().collect(),
            };
            let limit = if flags & 4 == 0 { 255 } else { 12 };
            let case = [&[flags, 5, limit], encoded.as_slice()].concat();
            write(target, &format!("{index}-{flags}"), &case)?;
        }
    }
    for (index, request) in REQUESTS.iter().enumerate() {
        for part_bytes in [1, 7, 255_u8] {
            let case = [&[part_bytes], request.as_bytes()].concat();
            write("first_request", &format!("{index}-{part_bytes}"), &case)?;
        }
    }
    for (index, (target, case)) in SCHEMAS.iter().enumerate() {
        write(target, &index.to_string(), case)?;
    }
    for (index, case) in MESSAGES.iter().enumerate() {
        write("sparkplug", &index.to_string(), case)?;
    }
    for (index, case) in PACKETS.iter().enumerate() {
        write("mqtt5", &index.to_string(), case)?;
    }
    for (index, exchange) in EXCHANGES.iter().enumerate() {
        write("scram", &index.to_string(), exchange.as_bytes())?;
    }
    for (column, array) in arrays()? {
        write("handle", column, &handle(array)?)?;
    }
    let codecs = [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW];
    for (column, array) in arrays()? {
        for (index, codec) in codecs.into_iter().enumerate() {
            write("parquet", &format!("{column}-{index}"), &parquet(Arc::clone(&array), codec)?)?;
        }
    }
    Ok(())
}

fn write(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(name), bytes)
}

fn arrays() -> Result<Vec<(&'static str, ArrayRef)>, Box<dyn Error>> {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None, Some("x"), Some("é")]));
    let lists = vec![Some(vec![Some(1), None]), None, Some(vec![]), Some(vec![Some(2)])];
    let stamps = TimestampMicrosecondArray::from(vec![0, 1, i64::MAX, -1]);
    let decimals = Decimal128Array::from(vec![1, -2, 3, 4]).with_precision_and_scale(30, 4)?;
    Ok(vec![
        ("text", Arc::clone(&texts)),
        ("int", Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)]))),
        ("float", Arc::new(Float64Array::from(vec![0.1, f64::NAN, 1e300, -0.0]))),
        ("bool", Arc::new(BooleanArray::from(vec![true, false, true, true]))),
        ("bytes", Arc::new(BinaryArray::from(vec![&b"ab"[..], b"\xFF", b"", b"x"]))),
        ("stamp", Arc::new(stamps.with_timezone("+00:00"))),
        ("decimal", Arc::new(decimals)),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ("struct", Arc::new(StructArray::try_from(vec![("s", texts)])?)),
    ])
}

/// A handle of a prepared statement with the values of one parameter.
fn handle(array: ArrayRef) -> Result<Vec<u8>, Box<dyn Error>> {
    let rows = RecordBatch::try_from_iter_with_nullable(vec![("a", array, true)])?;
    let (maker, options) = (IpcDataGenerator::default(), IpcWriteOptions::default());
    let (mut tracker, mut context) = (DictionaryTracker::new(false), IpcWriteContext::default());
    let schema = rows.schema();
    let schema = maker.schema_to_bytes_with_dictionary_tracker(&schema, &mut tracker, &options);
    let batch = maker.encode(&rows, &mut tracker, &options, &mut context)?.1;
    let values = [schema, batch]
        .map(|it| Part { header: it.ipc_message.into(), body: it.arrow_data.into() })
        .into();
    Ok(Handle { sql: "SELECT $1".to_owned(), values }.write().to_vec())
}

fn parquet(array: ArrayRef, codec: Compression) -> Result<Vec<u8>, Box<dyn Error>> {
    let other: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4));
    let rows =
        RecordBatch::try_from_iter_with_nullable(vec![("a", array, true), ("z", other, true)])?;
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(3))
        .set_compression(codec)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties))?;
    writer.write(&rows)?;
    Ok(writer.into_inner()?)
}
