//! `COPY (query) TO STDOUT`, by which ADBC and other drivers read large results.

use super::command::CopyFormat;
use super::connection::Connection;
use super::errors::unsupported;
use super::prepared::Kind;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use futures::SinkExt as _;
use pgwire::api::portal::Format;
use pgwire::error::PgWireResult;
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::copy::{CopyData, CopyDone, CopyOutResponse};
use pgwire::messages::data::DataRow;

/// Signature, flags and the length of the extension of the binary format.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The number of fields that ends the binary format.
const TRAILER: &[u8] = b"\xff\xff";

impl Connection {
    /// Runs a query and sends its rows in a format of COPY.
    ///
    /// # Errors
    /// The query fails, or the connection is broken.
    pub async fn copy_out(&mut self, query: &str, format: CopyFormat) -> PgWireResult<()> {
        let prepared = self.session.prepare(query, &[]).await?;
        let Kind::Query(plan) = &prepared.kind else {
            return Err(unsupported("COPY needs a query"));
        };
        let is_binary = format == CopyFormat::Binary;
        let of_rows = if is_binary { Format::UnifiedBinary } else { Format::UnifiedText };
        let mut rows = self.session.run(&prepared, plan, None, &of_rows).await?;
        let columns = i16::try_from(rows.fields().len()).unwrap_or(i16::MAX);
        let code = i8::from(is_binary);
        let codes = vec![i16::from(code); rows.fields().len()];
        let begun = CopyOutResponse::new(code, columns, codes);
        self.socket.feed(PgWireBackendMessage::CopyOutResponse(begun)).await?;
        // As PostgreSQL does, the header is sent with what follows it: ADBC expects a row in the same message.
        let mut header = if is_binary { HEADER } else { &[] };
        let mut sent = 0_u64;
        while let Some(row) = rows.next().await? {
            let data =
                if is_binary { binary(std::mem::take(&mut header), &row) } else { text(row) };
            self.copy_data(data).await?;
            sent += 1;
        }
        if is_binary {
            self.copy_data([header, TRAILER].concat().into()).await?;
        }
        self.socket.feed(PgWireBackendMessage::CopyDone(CopyDone::new())).await?;
        self.complete(format!("COPY {sent}")).await
    }

    async fn copy_data(&mut self, data: Bytes) -> PgWireResult<()> {
        Ok(self.socket.feed(PgWireBackendMessage::CopyData(CopyData::new(data))).await?)
    }
}

/// A row in the binary format after what precedes it: as in a message of rows.
fn binary(before: &[u8], row: &DataRow) -> Bytes {
    let mut data = BytesMut::with_capacity(before.len() + row.data.len() + 2);
    data.put_slice(before);
    data.put_i16(row.field_count);
    data.put_slice(&row.data);
    data.freeze()
}

/// A row in the text format: fields with tabs between them, `\N` for null.
fn text(row: DataRow) -> Bytes {
    let mut line = BytesMut::with_capacity(row.data.len());
    let mut rest = row.data.freeze();
    let mut is_first = true;
    while rest.remaining() >= 4 {
        if !std::mem::take(&mut is_first) {
            line.put_u8(b'\t');
        }
        match usize::try_from(rest.get_i32()) {
            Ok(length) => escape(&rest.split_to(length.min(rest.len())), &mut line),
            Err(_negative) => line.put_slice(b"\\N"),
        }
    }
    line.put_u8(b'\n');
    line.freeze()
}

fn escape(value: &[u8], line: &mut BytesMut) {
    for byte in value {
        match byte {
            b'\\' => line.put_slice(b"\\\\"),
            b'\t' => line.put_slice(b"\\t"),
            b'\n' => line.put_slice(b"\\n"),
            b'\r' => line.put_slice(b"\\r"),
            _ => line.put_u8(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_row_escapes_separators_and_marks_nulls() {
        let mut data = BytesMut::new();
        for value in [Some(""), Some("a\tb"), None, Some(""), Some("c\\\n")] {
            data.put_i32(value.map_or(-1, |it| i32::try_from(it.len()).unwrap()));
            data.put_slice(value.unwrap_or_default().as_bytes());
        }
        assert_eq!(text(DataRow::new(data, 5)), Bytes::from_static(b"\ta\\tb\t\\N\t\tc\\\\\\n\n"));
    }
}
