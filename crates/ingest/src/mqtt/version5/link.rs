//! The bytes of a connection of version 5.
//!
//! The event loop of `rumqttc` is not used for this version. Its decoder loses reasons (see [`packets`]), it reports
//! messages with a topic alias without their topic, it keeps the reason text of a refused connection to itself, and its
//! network is private, so that acknowledgements would be sent one by one in turn with received packets.

use super::packets::{self, PacketFault};
use bytes::BytesMut;
use rumqttc::v5::mqttbytes;
use rumqttc::v5::mqttbytes::v5::{Packet, PingReq};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until};

/// Room for bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// A socket, encrypted or not.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub struct Link {
    stream: Box<dyn Duplex>,
    received: BytesMut,
    /// Packets that are not written yet.
    unsent: BytesMut,
    /// Whether all that was written has left the stream.
    is_flushed: bool,
    /// The longest packet that is accepted.
    most_received: u32,
    /// The longest packet that the broker accepts.
    most_sent: Option<u32>,
    /// Interval of pings; zero for none.
    ping_every: Duration,
    ping_at: Instant,
    has_open_ping: bool,
}

impl Link {
    /// The longest packet that is accepted has `most_received` bytes. Pings begin later.
    pub fn new(stream: Box<dyn Duplex>, most_received: u32) -> Self {
        Self {
            stream,
            received: BytesMut::new(),
            unsent: BytesMut::new(),
            is_flushed: true,
            most_received,
            most_sent: None,
            ping_every: Duration::ZERO,
            ping_at: Instant::now(),
            has_open_ping: false,
        }
    }

    /// What was agreed with the broker: the interval of pings, zero for none, and the longest packet that it accepts.
    pub fn agree(&mut self, ping_every: Duration, most_sent: Option<u32>) {
        self.ping_every = ping_every;
        self.ping_at = Instant::now() + ping_every;
        self.most_sent = most_sent;
    }

    /// The next packet of those that were received; `None` if it is not complete.
    ///
    /// # Errors
    /// A [`PacketFault`]; the link cannot be used any more.
    pub fn take(&mut self) -> Result<Option<Packet>, PacketFault> {
        let packet = packets::take(&mut self.received, self.most_received)?;
        if matches!(packet, Some(Packet::PingResp(_))) {
            self.has_open_ping = false;
        }
        Ok(packet)
    }

    /// Adds a packet to those that are sent next. CONNECT has to be the first one: `rumqttc` writes its flags at a
    /// position from the start of the buffer.
    ///
    /// # Errors
    /// An error of the encoder, in particular if the packet is longer than the broker accepts.
    pub fn put(&mut self, packet: &Packet) -> Result<(), mqttbytes::Error> {
        packet.write(&mut self.unsent, self.most_sent).map(drop)
    }

    /// Sends what was added. If the wait is ended before, the next one continues.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn flush(&mut self) -> io::Result<()> {
        if !self.unsent.is_empty() {
            self.is_flushed = false;
            self.stream.write_all_buf(&mut self.unsent).await?;
        }
        if !self.is_flushed {
            self.stream.flush().await?;
            self.is_flushed = true;
        }
        Ok(())
    }

    /// Waits for further bytes, or until a ping is due. If the wait is ended before, no bytes are lost.
    ///
    /// # Errors
    /// The connection is lost, or the broker does not answer a ping.
    pub async fn more(&mut self) -> io::Result<()> {
        // A broker that sends without a pause is never waited for, and needs pings nevertheless.
        if self.is_ping_due() && !self.has_open_ping {
            self.ping()?;
            return self.flush().await;
        }
        self.flush().await?;
        self.received.reserve(READ_BYTES);
        tokio::select! {
            // An answer that was received is not overdue.
            biased;
            read = self.stream.read_buf(&mut self.received) => match read? {
                0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the broker has closed it without a reason")),
                _ => Ok(()),
            },
            () = sleep_until(self.ping_at), if !self.ping_every.is_zero() => self.ping(),
        }
    }

    fn is_ping_due(&self) -> bool {
        !self.ping_every.is_zero() && Instant::now() >= self.ping_at
    }

    fn ping(&mut self) -> io::Result<()> {
        if self.has_open_ping {
            let reason = "the broker does not answer; it is not reached any more";
            return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
        }
        self.has_open_ping = true;
        self.ping_at = Instant::now() + self.ping_every;
        self.put(&Packet::PingReq(PingReq)).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rumqttc::v5::mqttbytes::v5::PubAck;
    use tokio::io::duplex;
    use tokio::time::timeout;

    const MOST_BYTES: u32 = 1_000;
    const PING: [u8; 2] = [0xC0, 0];
    const PONG: [u8; 2] = [0xD0, 0];

    #[tokio::test]
    async fn packets_that_do_not_fit_are_sent_later() {
        let (ours, mut theirs) = duplex(6);
        let mut link = Link::new(Box::new(ours), MOST_BYTES);
        for id in 1..=4 {
            link.put(&Packet::PubAck(PubAck::new(id, None))).unwrap();
        }
        assert!(timeout(Duration::ZERO, link.flush()).await.is_err(), "16 bytes do not fit into 6");
        let mut sent = vec![0; 16];
        let (read, flushed) = tokio::join!(theirs.read_exact(&mut sent), link.flush());
        read.unwrap();
        flushed.unwrap();
        let expected: Vec<u8> = (1..=4).flat_map(|id| [0x40, 2, 0, id]).collect();
        assert_eq!(sent, expected);
    }

    #[tokio::test]
    async fn a_packet_that_the_broker_does_not_accept_is_not_sent() {
        let mut link = Link::new(Box::new(duplex(64).0), MOST_BYTES);
        link.agree(Duration::ZERO, Some(3));
        let error = link.put(&Packet::PubAck(PubAck::new(1, None))).unwrap_err();
        assert!(matches!(error, mqttbytes::Error::OutgoingPacketTooLarge { pkt_size: 4, max: 3 }));
        assert!(link.unsent.is_empty());
    }

    #[tokio::test]
    async fn a_ping_without_an_answer_ends_the_connection() {
        let (ours, mut theirs) = duplex(64);
        let mut link = Link::new(Box::new(ours), MOST_BYTES);
        link.agree(Duration::from_millis(10), None);
        let mut sent = [0; 2];
        for _ in 0..2 {
            link.more().await.unwrap();
            link.flush().await.unwrap();
            theirs.read_exact(&mut sent).await.unwrap();
            assert_eq!(sent, PING);
            theirs.write_all(&PONG).await.unwrap();
            link.more().await.unwrap();
            assert!(matches!(link.take(), Ok(Some(Packet::PingResp(_)))));
        }
        link.more().await.unwrap();
        let error = link.more().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_closed_connection_is_an_error() {
        let (ours, theirs) = duplex(64);
        let mut link = Link::new(Box::new(ours), MOST_BYTES);
        drop(theirs);
        assert_eq!(link.more().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
