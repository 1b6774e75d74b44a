//! The first request of a connection, in parts of any size: its end does not depend on the parts.
#![no_main]

use cockpit_fuzz::first_request::{FirstRequest, Progress, Sizes};
use libfuzzer_sys::fuzz_target;

const SIZES: Sizes = Sizes { head_bytes: 1 << 10, body_bytes: 1 << 8 };

/// After how many of the bytes the request is complete; `None` if more are missing. The bytes arrive in parts.
fn complete_after(input: &[u8], part_bytes: usize) -> Option<usize> {
    let mut first = FirstRequest::default();
    let mut is_in_body = false;
    for part in input.chunks(part_bytes) {
        first.bytes.extend_from_slice(part);
        match first.progress(SIZES) {
            Progress::Complete => return Some(first.bytes.len()),
            Progress::Head => assert!(!is_in_body, "a head follows its body"),
            Progress::Body => is_in_body = true,
        }
    }
    assert_eq!(first.bytes, input, "bytes stay as they are");
    assert!(input.len() < SIZES.head_bytes + SIZES.body_bytes, "more than the limits is gathered");
    None
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let single = complete_after(bytes, 1);
    let part_bytes = usize::from(*size).max(1);
    match (single, complete_after(bytes, part_bytes)) {
        (Some(single), Some(parts)) => {
            assert!(single <= parts && parts < single + part_bytes, "{single} {parts}");
        }
        (single, parts) => assert_eq!(single, parts),
    }
});
