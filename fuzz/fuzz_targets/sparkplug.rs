//! Payloads of Sparkplug B and the births that define their metrics: every message has a row or a fault, every metric of data
//! has a row, and what is stored with a message and of the births is read again as it was.
#![no_main]

use cockpit_fuzz::decode::sparkplug::{
    BirthContext, Births, ReceivedMessage, SparkplugPayload, rows,
};
use libfuzzer_sys::fuzz_target;

const TOPICS: [&str; 8] = [
    "spBv1.0/G/NBIRTH/E",
    "spBv1.0/G/DBIRTH/E/D",
    "spBv1.0/G/NDATA/E",
    "spBv1.0/G/DDATA/E/D",
    "spBv1.0/G/NDEATH/E",
    "spBv1.0/G/DDEATH/E/D",
    "spBv1.0/G/NBIRTH/F",
    "spBv1.0/G/NCMD/E",
];
const MOST_METRICS: usize = 64;
const MOST_BYTES: usize = 1_024;

fuzz_target!(|input: &[u8]| {
    let mut births = Births::default();
    let mut rest = input;
    let mut offset = 0;
    // Messages: a byte of the topic and whether it is sent again, one of the length, and the payload.
    while let [choice, length, bytes @ ..] = rest {
        let (payload, next) = bytes.split_at(usize::from(*length).min(bytes.len()));
        let topic = TOPICS[usize::from(choice & 7)];
        let message = ReceivedMessage { offset, topic, payload, is_again: choice & 8 != 0 };
        let context = births.take(&message, MOST_METRICS, MOST_BYTES);
        let stored = context.to_text().map(|text| BirthContext::from_text(&text));
        assert_eq!(stored.unwrap_or_default(), context);
        if let Ok(found) = rows(topic, payload, &context, 0) {
            let metrics = SparkplugPayload::parse(payload).unwrap().metrics.len();
            assert!(!found.is_empty() && found.len() >= metrics);
        }
        (rest, offset) = (next, offset + 1);
    }
    let text = serde_json::to_string(&births).unwrap();
    assert_eq!(serde_json::from_str::<Births>(&text).unwrap(), births);
});
