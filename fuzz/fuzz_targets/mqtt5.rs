//! Packets of a broker with version 5 of MQTT, in parts of any size: they do not depend on the parts.
#![no_main]

use bytes::BytesMut;
use cockpit_fuzz::mqtt5_packets::take;
use libfuzzer_sys::fuzz_target;

const MOST_BYTES: u32 = 4_096;

/// The packets of bytes that arrive in parts, as text, and the fault that ends them. After a fault nothing is read.
fn packets(input: &[u8], part_bytes: usize) -> Vec<String> {
    let (mut received, mut found) = (BytesMut::new(), Vec::new());
    for part in input.chunks(part_bytes) {
        received.extend_from_slice(part);
        loop {
            let before = received.len();
            match take(&mut received, MOST_BYTES) {
                Ok(None) => break,
                Ok(Some(packet)) => {
                    assert!(received.len() < before, "a packet has bytes");
                    found.push(format!("{packet:?}"));
                }
                Err(fault) => {
                    found.push(format!("{fault:?}"));
                    return found;
                }
            }
        }
    }
    found
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    assert_eq!(packets(bytes, 1), packets(bytes, usize::from(*size).max(1)));
});
