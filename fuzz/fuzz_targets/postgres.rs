//! Messages of PostgreSQL clients: the first one, and those after it.
#![no_main]

use bytes::BytesMut;
use cockpit_fuzz::postgres_message::{First, Message, initial_response, password};
use libfuzzer_sys::fuzz_target;

const BYTES_MAX: usize = 1 << 12;

/// The lengths of texts and values of a message, none of which is longer than the message.
fn longest(message: &Message) -> usize {
    match message {
        Message::Query(text) => text.len(),
        Message::Authentication(body) => body.len(),
        Message::Parse { name, sql, types } => name.len().max(sql.len()).max(types.len() * 4),
        Message::Bind(bind) => {
            let values = bind.values.iter().flatten().map(|it| it.len()).max().unwrap_or(0);
            let codes = (bind.formats.len() + bind.result_formats.len()) * 2;
            values.max(codes).max(bind.values.len() * 4)
        }
        Message::Execute { portal, .. } => portal.len(),
        _ => 0,
    }
}

fuzz_target!(|input: &[u8]| {
    let mut source = BytesMut::from(input);
    let _refused = First::take(&mut source).is_err();
    let mut source = BytesMut::from(input);
    loop {
        let before = source.len();
        match Message::take(&mut source, BYTES_MAX) {
            Ok(Some(message)) => {
                let taken = before - source.len();
                assert!(taken >= 5 && longest(&message) <= taken, "{taken} {message:?}");
                if let Message::Authentication(body) = message {
                    let _refused = password(&body).is_err();
                    if let Ok((mechanism, first)) = initial_response(body) {
                        assert!(mechanism.len() + first.len() + 10 == taken);
                    }
                }
            }
            Ok(None) => {
                assert_eq!(source.len(), before, "an incomplete message stays");
                break;
            }
            Err(invalid) => {
                assert!(!invalid.message.is_empty());
                if invalid.is_fatal {
                    break;
                }
                assert!(source.len() < before, "an invalid message is taken");
            }
        }
    }
});
