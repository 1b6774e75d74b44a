//! Delivery of one message on one channel.

mod email;
mod http;
mod mqtt;
mod telegram;
mod webhook;

use bytes::Bytes;
use config::notifications::{Channel, ChannelKind, Language};
use config::outgoing::OutgoingPolicy;
use email::Mailer;
use http::Http;
use plant::alarm::Priority;
use serde_json::Value;
use std::time::Duration;

/// A file that is sent with a message. Only e-mail delivers it; on other channels the link leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    /// Media type, such as `application/pdf`.
    pub media_type: &'static str,
    pub bytes: Bytes,
}

/// A message as a channel delivers it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The same for every attempt, and for no other message.
    pub key: String,
    pub kind: &'static str,
    pub occurrence: i64,
    pub priority: Priority,
    pub language: Language,
    pub recipient: String,
    /// Address of the recipient; `None` for the channel itself or if the channel needs none.
    pub address: Option<String>,
    pub subject: String,
    pub body: String,
    pub link: Option<String>,
    /// The alarms as programs receive them.
    pub alarms: Value,
    pub attachments: Vec<Attachment>,
    /// Time of the attempt in microseconds since 1970, UTC.
    pub now_us: i64,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Without secrets: people see it.
    pub error: String,
    /// Whether another attempt would fail too.
    pub is_permanent: bool,
    /// Pause that the receiver requested.
    pub asked_us: Option<i64>,
}

impl Failure {
    /// A failure after which another attempt may succeed.
    pub fn temporary(error: impl Into<String>) -> Self {
        Self { error: error.into(), is_permanent: false, asked_us: None }
    }

    /// A failure that every further attempt would have.
    pub fn permanent(error: impl Into<String>) -> Self {
        Self { error: error.into(), is_permanent: true, asked_us: None }
    }
}

impl From<anyhow::Error> for Failure {
    /// A secret that cannot be read or a certificate that is missing may be there later.
    fn from(error: anyhow::Error) -> Self {
        Self::temporary(format!("{error:#}"))
    }
}

/// What channels share between messages.
#[derive(Debug)]
pub struct Deliveries {
    http: Http,
    mailer: Mailer,
    /// Time of one attempt.
    time: Duration,
}

impl Deliveries {
    /// Deliveries to addresses that the policy permits; `time` is the longest time of one attempt.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new(policy: &OutgoingPolicy, time: Duration) -> anyhow::Result<Self> {
        Ok(Self { http: Http::new(policy.clone())?, mailer: Mailer::default(), time })
    }

    /// Delivers a message within the time of one attempt.
    ///
    /// # Errors
    /// Why the attempt failed, and whether another one may succeed.
    pub async fn deliver(&self, channel: &Channel, message: &Outgoing) -> Result<(), Failure> {
        let attempt = self.attempt(&channel.kind, message);
        let in_time = tokio::time::timeout(self.time, attempt).await;
        in_time.unwrap_or_else(|_elapsed| {
            Err(Failure::temporary(format!("no response within {} ms", self.time.as_millis())))
        })
    }

    async fn attempt(&self, kind: &ChannelKind, message: &Outgoing) -> Result<(), Failure> {
        let http = &self.http;
        match kind {
            ChannelKind::Email(email) => self.mailer.send(email, message, self.time).await,
            ChannelKind::Webhook(webhook) => webhook::send(http, webhook, message).await,
            ChannelKind::Slack(url) => webhook::send_slack(http, url, message).await,
            ChannelKind::Teams(url) => webhook::send_teams(http, url, message).await,
            ChannelKind::Telegram(telegram) => telegram::send(http, telegram, message).await,
            ChannelKind::Ntfy(ntfy) => telegram::send_ntfy(http, ntfy, message).await,
            ChannelKind::Mqtt(mqtt) => mqtt::send(mqtt, message).await,
            // The row itself is the message.
            ChannelKind::Outbox => Ok(()),
        }
    }
}

/// The text cut off after this many bytes, at a character.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
