//! The births of Sparkplug, which define the aliases of later messages, and their copy in the lake.
//!
//! What a message needs of earlier ones is stored with it in bronze, so rows are read again without the births. These
//! are needed for new messages only. A copy of them is kept in the lake; the messages since the copy are read from
//! bronze at the start. Without a copy all of bronze is read.

use crate::Error;
use crate::decode::headers;
use crate::decode::sparkplug::{BirthContext, Births, HEADER, ReceivedMessage};
use anyhow::Context as _;
use arrow::array::Array as _;
use batches::batch::Messages;
use config::location::Location;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Where the copies are in the lake, one file for each contract.
const FOLDER: &str = "_cockpit/births";

/// How much is remembered and how often it is kept.
#[derive(Debug, Clone, Copy)]
pub struct BirthLimits {
    /// Metrics, edge nodes and devices that are remembered.
    pub metrics: usize,
    /// The longest message that is read.
    pub message_bytes: usize,
    pub keep_every: Duration,
}

/// The births of a contract.
#[derive(Debug, Clone)]
pub struct KeptBirths {
    births: Births,
    limits: BirthLimits,
    store: Arc<dyn ObjectStore>,
    key: Key,
    /// The offset of the last copy.
    kept_offset: i64,
    /// A copy that is written when the messages up to its offset are in the lake.
    next: Option<(i64, Vec<u8>)>,
    /// When the next copy is made.
    due: Instant,
}

impl KeptBirths {
    /// The births of a contract as they were kept in the lake; none if there is no copy.
    ///
    /// # Errors
    /// [`Error::Storage`] if the lake cannot be read.
    pub async fn load(lake: &Location, table: &str, limits: BirthLimits) -> Result<Self, Error> {
        let (store, key) = (lake.store(), Key::from(format!("{FOLDER}/{table}.json")));
        let read = async {
            match store.get(&key).await {
                Ok(found) => Ok(Some(found.bytes().await?)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(anyhow::Error::from(error)),
            }
        };
        let read = read.await.with_context(|| format!("reading {key}")).map_err(Error::Storage)?;
        let births = read.and_then(|bytes| match serde_json::from_slice(&bytes) {
            Ok(births) => Some(births),
            Err(error) => {
                tracing::warn!(%key, %error, "a copy of births is damaged; bronze is read instead");
                None
            }
        });
        let births: Births = births.unwrap_or_default();
        let (kept_offset, due) = (births.offset, Instant::now() + limits.keep_every);
        Ok(Self { births, limits, store, key, kept_offset, next: None, due })
    }

    /// The offset of the last message that the births follow from; -1 before the first one.
    pub fn offset(&self) -> i64 {
        self.births.offset
    }

    /// Takes messages of bronze after those that were taken before.
    pub fn replay(&mut self, messages: &Messages) {
        for row in 0..messages.len() {
            let offset = messages.offset.value(row);
            let key = messages.key.as_ref().filter(|keys| keys.is_valid(row));
            let topic = key.and_then(|keys| std::str::from_utf8(keys.value(row)).ok());
            let Some(topic) = topic.filter(|_| offset > self.births.offset) else { continue };
            let all = messages.headers.as_ref().filter(|all| all.is_valid(row));
            let stored = all.and_then(|all| headers::find(all.value(row), HEADER).ok().flatten());
            let is_again = stored.is_some_and(|text| BirthContext::from_text(&text).is_again);
            let payload = messages.payload.value(row);
            self.take(&ReceivedMessage { offset, topic, payload, is_again });
        }
    }

    /// The messages after the offset `landed` are received now, with the numbers that follow it.
    pub fn resume(&mut self, landed: i64) {
        self.births.offset = landed;
        self.kept_offset = self.kept_offset.min(landed);
    }

    /// Takes a message. Returns what is stored with it as a header, if there is anything to store.
    pub fn take(&mut self, message: &ReceivedMessage<'_>) -> Option<String> {
        let BirthLimits { metrics, message_bytes, .. } = self.limits;
        let context = self.births.take(message, metrics, message_bytes);
        if context.has_too_many {
            let (topic, most) = (message.topic, metrics);
            tracing::warn!(topic, most, "a birth has too many metrics; raise sparkplug_metrics");
        }
        context.to_text()
    }

    /// Writes a copy if one is due, after the messages up to the offset `landed` are in the lake. Without the copy the
    /// next start reads more of bronze, so a failure is logged only.
    pub async fn keep(&mut self, landed: i64, is_end: bool) {
        let is_new = self.births.offset > self.kept_offset;
        if is_end || self.next.is_none() && is_new && Instant::now() >= self.due {
            // Serializing plain values cannot fail.
            let copy = serde_json::to_vec(&self.births).unwrap_or_default();
            self.next = is_new.then_some((self.births.offset, copy));
        }
        let Some((offset, copy)) = self.next.take_if(|(offset, _)| *offset <= landed) else {
            return;
        };
        self.due = Instant::now() + self.limits.keep_every;
        match self.store.put(&self.key, copy.into()).await {
            Ok(_) => self.kept_offset = offset,
            Err(error) => tracing::warn!(key = %self.key, %error, "births not kept in the lake"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::sparkplug::encoder::{born, encoded, int};
    use arrow::array::{BinaryArray, Int32Array, Int64Array, StringArray};
    use config::location::{self, Purpose};

    const LIMITS: BirthLimits =
        BirthLimits { metrics: 100, message_bytes: 10_000, keep_every: Duration::ZERO };

    const BIRTH: &str = "spBv1.0/G/NBIRTH/E";
    const DATA: &str = "spBv1.0/G/NDATA/E";

    fn birth(seq: u64) -> Vec<u8> {
        encoded(seq, &[born("t", 7)])
    }

    fn data(seq: u64) -> Vec<u8> {
        encoded(seq, &[int(Some(7), 5)])
    }

    async fn load(lake: &Location) -> KeptBirths {
        KeptBirths::load(lake, "metrics", LIMITS).await.unwrap()
    }

    fn take(births: &mut KeptBirths, offset: i64, topic: &str, payload: &[u8]) -> Option<String> {
        births.take(&ReceivedMessage { offset, topic, payload, is_again: false })
    }

    #[tokio::test]
    async fn aliases_are_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let lake = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        let mut births = load(&lake).await;
        assert_eq!(births.offset(), -1);
        take(&mut births, 0, BIRTH, &birth(0));
        take(&mut births, 1, DATA, &data(1));
        // A copy is written when its messages are in the lake.
        births.keep(0, false).await;
        assert_eq!(load(&lake).await.offset(), -1);
        births.keep(1, false).await;
        let mut again = load(&lake).await;
        assert_eq!(again.offset(), 1);
        let expected = take(&mut births, 2, DATA, &data(2));
        assert_eq!(expected.as_deref(), Some(r#"{"metrics":[["t",3]]}"#));
        assert_eq!(take(&mut again, 2, DATA, &data(2)), expected);
    }

    #[tokio::test]
    async fn messages_after_the_copy_are_read_from_bronze() {
        let folder = tempfile::tempdir().unwrap();
        let lake = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        let mut births = load(&lake).await;
        take(&mut births, 0, BIRTH, &birth(0));
        births.keep(0, true).await;
        let payloads = [birth(0), data(1), data(2), data(1)];
        let again = r#"[{"key":"sparkplug","value":"{\"is_again\":true}"}]"#;
        let messages = Messages {
            topic: "mqtt/metrics".into(),
            partition: Int32Array::from(vec![0; 4]),
            offset: Int64Array::from_iter_values(0..4),
            timestamp_us: Int64Array::from(vec![0; 4]),
            payload: BinaryArray::from_iter_values(payloads),
            key: Some(BinaryArray::from_iter_values([BIRTH, DATA, DATA, DATA])),
            headers: Some(StringArray::from(vec![None, None, None, Some(again)])),
        };
        let mut resumed = load(&lake).await;
        resumed.replay(&messages);
        assert_eq!(resumed.offset(), 3);
        let context = take(&mut resumed, 4, DATA, &data(3));
        assert_eq!(context.as_deref(), Some(r#"{"metrics":[["t",3]]}"#));
        let context = take(&mut resumed, 5, DATA, &data(5)).unwrap();
        assert!(context.contains(r#""gap":{"expected":4}"#), "{context}");
    }

    #[tokio::test]
    async fn a_damaged_copy_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let lake = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        let key = Key::from(format!("{FOLDER}/metrics.json"));
        lake.store().put(&key, b"{".to_vec().into()).await.unwrap();
        assert_eq!(load(&lake).await.offset(), -1);
    }
}
