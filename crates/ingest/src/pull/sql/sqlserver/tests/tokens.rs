//! Tokens of answers, byte by byte as MS-TDS 2.2.7 defines them.

/// The wire type of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// NVARCHARTYPE of at most 4000 characters.
    Text,
    /// NVARCHARTYPE without bound, in chunks.
    LongText,
    /// BIGVARBINARYTYPE of at most 8000 bytes.
    Bytes,
    /// BIGVARBINARYTYPE without bound, in chunks.
    LongBytes,
    /// INTNTYPE of four bytes.
    Int,
    /// BITNTYPE.
    Bit,
}

/// A value of a row.
#[derive(Clone)]
pub enum Cell {
    Null,
    Text(String),
    Bytes(Vec<u8>),
    Int(i32),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Bytes of a chunk of a value without bound: an odd number, so that characters are divided.
const CHUNK_BYTES: usize = 333;
/// Latin1_General_100_CI_AS: locale 0x0409 and its flags, without a sort order of its own.
const COLLATION: [u8; 5] = [0x09, 0x04, 0xd0, 0x00, 0x34];
const NOT_LAST: u16 = 0x01;
const HAS_ERROR: u16 = 0x02;
const HAS_COUNT: u16 = 0x10;
const OF_ATTENTION: u16 = 0x20;

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A text with its length in characters as one byte.
fn short(text: &str) -> Vec<u8> {
    let mut out = vec![u8::try_from(text.encode_utf16().count()).unwrap()];
    out.extend(utf16(text));
    out
}

/// A text with its length in characters as two bytes.
fn long(text: &str) -> Vec<u8> {
    let mut out = length(text.encode_utf16().count());
    out.extend(utf16(text));
    out
}

fn length(length: usize) -> Vec<u8> {
    u16::try_from(length).unwrap().to_le_bytes().to_vec()
}

/// A token whose length in bytes follows its type.
fn token(kind: u8, body: &[u8]) -> Vec<u8> {
    [vec![kind], length(body.len()), body.to_vec()].concat()
}

pub fn login_ack() -> Vec<u8> {
    let version = [0x74, 0x00, 0x00, 0x04];
    let program = short("Microsoft SQL Server");
    token(0xad, &[&[1][..], &version, &program, &[16, 0, 0x10, 0x27]].concat())
}

pub fn database(name: &str) -> Vec<u8> {
    token(0xe3, &[vec![1], short(name), short("master")].concat())
}

pub fn packet_size(bytes: usize) -> Vec<u8> {
    token(0xe3, &[vec![4], short(&bytes.to_string()), short("4096")].concat())
}

pub fn transaction(descriptor: [u8; 8]) -> Vec<u8> {
    token(0xe3, &[&[8, 8][..], &descriptor, &[0]].concat())
}

/// Another server that the client has to connect to.
pub fn routing(host: &str, port: u16) -> Vec<u8> {
    let target = [&[0][..], &port.to_le_bytes(), &long(host)].concat();
    token(0xe3, &[vec![20], length(target.len()), target, vec![0, 0]].concat())
}

pub fn info(number: u32, message: &str) -> Vec<u8> {
    message_token(0xab, number, 0, message)
}

pub fn error(number: u32, class: u8, message: &str) -> Vec<u8> {
    message_token(0xaa, number, class, message)
}

fn message_token(kind: u8, number: u32, class: u8, message: &str) -> Vec<u8> {
    let body = [
        number.to_le_bytes().to_vec(),
        vec![1, class],
        long(message),
        short("MES-DB"),
        short(""),
        1_u32.to_le_bytes().to_vec(),
    ];
    token(kind, &body.concat())
}

pub fn metadata(columns: &[(&str, Wire)]) -> Vec<u8> {
    let mut out = vec![0x81];
    out.extend(length(columns.len()));
    for (name, wire) in columns {
        // User type, and the flag of columns that may be null.
        out.extend([0, 0, 0, 0, 1, 0]);
        match wire {
            Wire::Text => out.extend([&[0xe7, 0x40, 0x1f][..], &COLLATION].concat()),
            Wire::LongText => out.extend([&[0xe7, 0xff, 0xff][..], &COLLATION].concat()),
            Wire::Bytes => out.extend([0xa5, 0x40, 0x1f]),
            Wire::LongBytes => out.extend([0xa5, 0xff, 0xff]),
            Wire::Int => out.extend([0x26, 4]),
            Wire::Bit => out.extend([0x68, 1]),
        }
        out.extend(short(name));
    }
    out
}

/// A row, as ROW.
pub fn row(columns: &[(&str, Wire)], cells: &[Cell]) -> Vec<u8> {
    assert_eq!(columns.len(), cells.len());
    let mut out = vec![0xd1];
    for ((_, wire), cell) in columns.iter().zip(cells) {
        out.extend(value(*wire, cell));
    }
    out
}

/// A row, as NBCROW: a bit for each null, and the other values.
pub fn row_without_nulls(columns: &[(&str, Wire)], cells: &[Cell]) -> Vec<u8> {
    let mut bits = vec![0; columns.len().div_ceil(8)];
    let mut values = Vec::new();
    for (at, ((_, wire), cell)) in columns.iter().zip(cells).enumerate() {
        match cell {
            Cell::Null => bits[at / 8] |= 1 << (at % 8),
            cell => values.extend(value(*wire, cell)),
        }
    }
    [vec![0xd2], bits, values].concat()
}

fn value(wire: Wire, cell: &Cell) -> Vec<u8> {
    let bytes = match cell {
        Cell::Null => None,
        Cell::Text(text) => Some(utf16(text)),
        Cell::Bytes(bytes) => Some(bytes.clone()),
        Cell::Int(number) => Some(number.to_le_bytes().to_vec()),
    };
    match (wire, bytes) {
        (Wire::Text | Wire::Bytes, None) => vec![0xff, 0xff],
        (Wire::Text | Wire::Bytes, Some(bytes)) => [length(bytes.len()), bytes].concat(),
        (Wire::LongText | Wire::LongBytes, None) => vec![0xff; 8],
        (Wire::LongText | Wire::LongBytes, Some(bytes)) => {
            let mut out = u64::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
            for chunk in bytes.chunks(CHUNK_BYTES) {
                out.extend(u32::try_from(chunk.len()).unwrap().to_le_bytes());
                out.extend(chunk);
            }
            out.extend([0; 4]);
            out
        }
        (Wire::Int | Wire::Bit, None) => vec![0],
        (Wire::Int, Some(bytes)) => [vec![4], bytes].concat(),
        (Wire::Bit, Some(bytes)) => vec![1, bytes[0]],
    }
}

/// The end of a statement of a batch, and of the batch unless `has_more`.
pub fn done(rows: u64, has_more: bool) -> Vec<u8> {
    done_token(HAS_COUNT | if has_more { NOT_LAST } else { 0 }, rows)
}

pub fn failed() -> Vec<u8> {
    done_token(HAS_ERROR, 0)
}

pub fn cancelled() -> Vec<u8> {
    done_token(OF_ATTENTION, 0)
}

fn done_token(status: u16, rows: u64) -> Vec<u8> {
    [vec![0xfd], status.to_le_bytes().to_vec(), vec![0xc1, 0], rows.to_le_bytes().to_vec()].concat()
}

/// The end of a procedure, with its status 0.
pub fn procedure_done(rows: u64) -> Vec<u8> {
    let mut in_procedure = done_token(HAS_COUNT | NOT_LAST, rows);
    in_procedure[0] = 0xff;
    let mut ended = done_token(0, 0);
    ended[0] = 0xfe;
    [in_procedure, vec![0x79, 0, 0, 0, 0], ended].concat()
}
