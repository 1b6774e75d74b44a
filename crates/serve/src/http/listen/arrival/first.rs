//! How much of a first request is still missing, decided from its bytes alone.

/// What of a request is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Bytes of the head.
    Head,
    /// Bytes of the body.
    Body,
    /// Nothing.
    Complete,
}

/// The longest head and body that are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub head_bytes: usize,
    pub body_bytes: usize,
}

/// The bytes of a request so far.
#[derive(Debug, Default)]
pub struct FirstRequest {
    /// As they arrived.
    pub bytes: Vec<u8>,
    /// So many bytes contain no end of the head.
    scanned: usize,
    /// Length of head and body, once known.
    end: Option<usize>,
}

impl FirstRequest {
    /// What is missing, after bytes were appended. A request that is too long, or whose length only hyper
    /// determines, is complete.
    pub fn progress(&mut self, sizes: Sizes) -> Progress {
        if self.end.is_none() {
            let head = head_end(&self.bytes, self.scanned);
            let length = head.unwrap_or(self.bytes.len());
            let new = self.bytes[..length].get(self.scanned..).unwrap_or_default();
            if length >= sizes.head_bytes || new.iter().any(is_invalid) {
                return Progress::Complete;
            }
            self.end = head.map(|head| {
                let body = content_length(&self.bytes[..head]);
                head + body.filter(|length| *length <= sizes.body_bytes).unwrap_or(0)
            });
            self.scanned = self.bytes.len();
        }
        match self.end {
            None => Progress::Head,
            Some(end) if self.bytes.len() < end => Progress::Body,
            Some(_) => Progress::Complete,
        }
    }
}

/// Whether no head contains the byte, such as one of a TLS handshake.
const fn is_invalid(byte: &u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n')
}

/// Length of the head with the empty line after it. No end of a head is within the first `scanned` bytes.
fn head_end(bytes: &[u8], scanned: usize) -> Option<usize> {
    (scanned.saturating_sub(2)..bytes.len()).filter(|at| bytes[*at] == b'\n').find_map(|at| {
        match &bytes[at + 1..] {
            [b'\n', ..] => Some(at + 2),
            [b'\r', b'\n', ..] => Some(at + 3),
            _ => None,
        }
    })
}

/// Length of the body; `None` if it is not stated once and plainly, or if the client waits for an answer before it
/// sends the body.
fn content_length(head: &[u8]) -> Option<usize> {
    let mut found = None;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") || name.eq_ignore_ascii_case(b"expect") {
            return None;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let length: usize = std::str::from_utf8(value).ok()?.parse().ok()?;
            if found.replace(length).is_some() {
                return None;
            }
        }
    }
    found
}
