//! Zstandard frames, with windows of any length.

use super::{Notes, unreadable};
use std::io::{self, BufReader, Read};

/// The longest window the library reads, as a power of two.
const LONGEST_WINDOW_LOG: u32 = 31;
/// The smallest limit on windows that the library accepts, as a power of two.
const SHORTEST_WINDOW_LOG: u32 = 10;

/// Reads frames. One that declares a window larger than `window_bytes` is read as long as it decompresses to no more
/// than that: the library uses only as much of a window as there is data.
pub fn reader(
    source: BufReader<Box<dyn Read>>,
    head: &[u8],
    window_bytes: u64,
    notes: &Notes,
) -> io::Result<Box<dyn Read>> {
    let declared = window(head).filter(|declared| *declared > window_bytes);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
    let allowed_log = match declared {
        Some(_) => LONGEST_WINDOW_LOG,
        None => window_bytes.ilog2().clamp(SHORTEST_WINDOW_LOG, LONGEST_WINDOW_LOG),
    };
    decoder.window_log_max(allowed_log)?;
    let Some(declared) = declared else { return Ok(Box::new(Frames { decoder, window_bytes })) };
    notes.add(format!(
        "its zstd frame declares a window of {declared} bytes, which other readers refuse; have the \
         source compress it without --long or --ultra"
    ));
    let decoder = Frames { decoder, window_bytes };
    Ok(Box::new(Short { decoder, declared, window_bytes, left_bytes: window_bytes }))
}

/// The library's decoder, with its error for a window that is too long explained.
struct Frames<R: io::BufRead> {
    decoder: zstd::stream::read::Decoder<'static, R>,
    window_bytes: u64,
}

impl<R: io::BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(into).map_err(|error| {
            if error.to_string().contains("requires too much memory") {
                return unreadable(too_long("a longer one", self.window_bytes));
            }
            error
        })
    }
}

/// A decoder whose output is limited to the limit on windows.
struct Short<R> {
    decoder: R,
    declared: u64,
    window_bytes: u64,
    left_bytes: u64,
}

impl<R: Read> Read for Short<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(into)?;
        match self.left_bytes.checked_sub(read as u64) {
            Some(left_bytes) => self.left_bytes = left_bytes,
            None => {
                let declared = format!("{} bytes", self.declared);
                return Err(unreadable(too_long(&declared, self.window_bytes)));
            }
        }
        Ok(read)
    }
}

fn too_long(declared: &str, window_bytes: u64) -> String {
    format!(
        "the zstd data needs a window of {declared}, and {window_bytes} bytes are allowed \
         (max_window_bytes); have the source compress it without --long or --ultra, or raise the limit"
    )
}

/// The window that the first frame declares; `None` if its header is not within these bytes.
fn window(mut head: &[u8]) -> Option<u64> {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = head {
        let len = u32::from_le_bytes([*a, *b, *c, *d]);
        head = rest.get(usize::try_from(len).ok()?..)?;
    }
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, rest @ ..] = head else { return None };
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let byte = u64::from(*rest.first()?);
        let base = 1_u64 << (10 + (byte >> 3));
        return Some(base + base / 8 * (byte & 7));
    }
    // The window of a single segment is its content, whose size follows the dictionary id.
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let width = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let field = rest.get(dictionary..dictionary + width)?;
    let size = field.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Some(if width == 2 { size + 256 } else { size })
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn the_window_is_read_from_the_header_of_the_first_frame() {
        let long = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8];
        assert_eq!(window(&long), Some(2 << 30));
        let skipped = [&[0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7][..], &long].concat();
        assert_eq!(window(&skipped), Some(2 << 30));
        assert_eq!(window(&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 9]), Some(9));
        assert_eq!(window(&[0x28, 0xb5, 0x2f, 0xfd, 0x60, 1, 1]), Some(513));
        assert_eq!(window(&skipped[..9]), None);
        assert_eq!(window(b"Id,Place"), None);
    }
}
