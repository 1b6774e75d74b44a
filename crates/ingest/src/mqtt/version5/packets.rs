//! The packets that a broker sends with version 5 of the protocol.
//!
//! `rumqttc` decodes them, except two that its decoder takes from the buffer and then reports as incomplete, so that
//! they would be lost: a DISCONNECT without properties, which is how Mosquitto sends the reason, and the CONNACK of
//! brokers that do not support version 5. Packets that only clients send are not decoded.

use bytes::{Buf as _, BytesMut};
use rumqttc::v5::mqttbytes;
use rumqttc::v5::mqttbytes::v5::{Disconnect, DisconnectReasonCode, Packet};

/// The first four bits of a packet.
const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const SUBACK: u8 = 9;
const PINGRESP: u8 = 13;
const DISCONNECT: u8 = 14;

/// Why bytes are not a packet of a broker.
#[derive(Debug)]
pub enum PacketFault {
    /// The packet is longer than accepted; with its bytes.
    TooLong(usize),
    /// The answer of a broker that does not support version 5.
    OtherVersion,
    /// A packet that a broker does not send; with its type.
    Unexpected(u8),
    Malformed(mqttbytes::Error),
}

/// Takes the first packet from what was received; `None` if it is not complete. After a fault the connection cannot be
/// used any more.
///
/// # Errors
/// A [`PacketFault`].
pub fn take(received: &mut BytesMut, most_bytes: u32) -> Result<Option<Packet>, PacketFault> {
    let Some(kind) = received.first().map(|first| first >> 4) else { return Ok(None) };
    if !matches!(kind, CONNACK | PUBLISH | SUBACK | PINGRESP | DISCONNECT) {
        return Err(PacketFault::Unexpected(kind));
    }
    match received.as_ref() {
        [0x20, 2, ..] => return Err(PacketFault::OtherVersion),
        [0xE0, 0, ..] => return Ok(Some(without_properties(received, 2, 0)?)),
        [0xE0, 1] => return Ok(None),
        [0xE0, 1, code, ..] => {
            let code = *code;
            return Ok(Some(without_properties(received, 3, code)?));
        }
        _ => {}
    }
    let before = received.len();
    match Packet::read(received, Some(most_bytes)) {
        Ok(packet) => Ok(Some(packet)),
        // Else the packet is complete, and a part of it is not.
        Err(mqttbytes::Error::InsufficientBytes(_)) if received.len() == before => Ok(None),
        Err(mqttbytes::Error::PayloadSizeLimitExceeded { pkt_size, .. }) => {
            Err(PacketFault::TooLong(pkt_size))
        }
        Err(error) => Err(PacketFault::Malformed(error)),
    }
}

/// The DISCONNECT with this code in the first `length` bytes.
fn without_properties(
    received: &mut BytesMut,
    length: usize,
    code: u8,
) -> Result<Packet, PacketFault> {
    received.advance(length);
    let reason = DisconnectReasonCode::try_from(code).map_err(PacketFault::Malformed)?;
    Ok(Packet::Disconnect(Disconnect::new(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOST_BYTES: u32 = 1_000;

    fn first(bytes: &[u8]) -> Result<Option<Packet>, PacketFault> {
        take(&mut BytesMut::from(bytes), MOST_BYTES)
    }

    #[test]
    fn a_message_has_its_properties() {
        // QoS 1, topic `a/b`, identifier 7; message expiry 60 s, content type `x`, user property k = v.
        let properties =
            [&[2, 0, 0, 0, 60, 3, 0, 1, b'x', 38, 0, 1, b'k', 0, 1, b'v'][..]].concat();
        let body = [&[0, 3, b'a', b'/', b'b', 0, 7, 16][..], &properties, b"payload"].concat();
        let packet = [&[0x32, body.len() as u8][..], &body].concat();
        let Ok(Some(Packet::Publish(publish))) = first(&packet) else { panic!("no message") };
        assert_eq!(
            (publish.pkid, &publish.topic[..], &publish.payload[..]),
            (7, &b"a/b"[..], &b"payload"[..])
        );
        let properties = publish.properties.unwrap();
        assert_eq!(properties.message_expiry_interval, Some(60));
        assert_eq!(properties.content_type.as_deref(), Some("x"));
        assert_eq!(properties.user_properties, [("k".to_owned(), "v".to_owned())]);
    }

    #[test]
    fn the_reason_of_a_disconnection_is_read_without_properties() {
        let code = |bytes: &[u8]| match first(bytes) {
            Ok(Some(Packet::Disconnect(found))) => found.reason_code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code(&[0xE0, 0]), DisconnectReasonCode::NormalDisconnection);
        assert_eq!(code(&[0xE0, 1, 0x8E]), DisconnectReasonCode::SessionTakenOver);
        assert_eq!(code(&[0xE0, 2, 0x8B, 0]), DisconnectReasonCode::ServerShuttingDown);
        let long = [0xE0, 8, 0x97, 6, 31, 0, 3, b'm', b'a', b'x'];
        assert_eq!(code(&long), DisconnectReasonCode::QuotaExceeded);
        assert!(matches!(first(&[0xE0, 1, 3]), Err(PacketFault::Malformed(_))));
        assert!(matches!(first(&[0xE0, 1]), Ok(None)));
        let mut two = BytesMut::from(&[0xE0, 1, 0x8E, 0xD0, 0][..]);
        assert!(matches!(take(&mut two, MOST_BYTES), Ok(Some(Packet::Disconnect(_)))));
        assert!(matches!(take(&mut two, MOST_BYTES), Ok(Some(Packet::PingResp(_)))));
        assert!(two.is_empty());
    }

    #[test]
    fn what_a_broker_does_not_send_is_a_fault() {
        assert!(matches!(first(&[0x20, 2, 0, 1]), Err(PacketFault::OtherVersion)));
        assert!(matches!(first(&[0x10, 0]), Err(PacketFault::Unexpected(1))));
        assert!(matches!(first(&[0x00]), Err(PacketFault::Unexpected(0))));
        // 2,000 bytes are announced.
        assert!(matches!(first(&[0x30, 0xD0, 0x0F]), Err(PacketFault::TooLong(2_000))));
        // A message whose properties are longer than the packet.
        let cut = [0x30, 5, 0, 1, b'a', 9, 3];
        assert!(matches!(first(&cut), Err(PacketFault::Malformed(_))));
        assert!(matches!(first(&[0x30, 3, 0, 1, b'a']), Err(PacketFault::Malformed(_))));
    }

    proptest! {
        /// Bytes in parts are the same packets as at once.
        #[test]
        fn packets_do_not_depend_on_the_parts(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5),
            part in 1..20_usize,
        ) {
            let mut bytes = Vec::new();
            for payload in &payloads {
                bytes.extend([0x30, 4 + payload.len() as u8, 0, 1, b'a', 0]);
                bytes.extend(payload);
            }
            bytes.extend([0xE0, 1, 0x8E]);
            let (mut received, mut found) = (BytesMut::new(), Vec::new());
            for part in bytes.chunks(part) {
                received.extend_from_slice(part);
                while let Some(packet) = take(&mut received, MOST_BYTES).unwrap() {
                    found.push(packet);
                }
            }
            let Some(Packet::Disconnect(_)) = found.pop() else { panic!("no end: {found:?}") };
            let found = found.into_iter().map(|it| match it {
                Packet::Publish(it) => it.payload.to_vec(),
                other => panic!("{other:?}"),
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), payloads);
        }
    }
}
