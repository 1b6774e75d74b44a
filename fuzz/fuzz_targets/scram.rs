//! Messages of SCRAM-SHA-256: the first one of a client, and the last one after an answer.
#![no_main]

use cockpit_fuzz::scram::ClientFirst;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (first, last) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(first_read) = ClientFirst::read(first) else { return };
    let whole = [first_read.binding.as_bytes(), first_read.bare.as_bytes()].concat();
    assert_eq!(whole, first, "the proof signs all of the message");
    let nonce = first_read.nonce.clone();
    // A last message can have the nonce only if it is known, so the random part is empty here.
    let challenge = first_read.answer(b"", &[7; 16], 4_096);
    if let Ok(proved) = challenge.read(last) {
        assert!(proved.exchange.contains(&format!("r={nonce}")));
        let signed = last.len() - ",p=".len() - 44;
        assert!(
            proved.exchange.as_bytes().ends_with(&last[..signed]),
            "all but the proof is signed"
        );
    }
});
