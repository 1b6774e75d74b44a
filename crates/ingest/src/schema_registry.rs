//! The schemas of framed messages, from a registry with the HTTP interface of Confluent's.
//!
//! *In*: messages, and the address of the registry. *Out*: the schemas of their ids. *Promise*: a schema is requested
//! once and then kept in the lake, so that messages are read again without the registry and always by the same
//! schema. A registry that does not answer is an error, never an unknown schema: only an id that the registry
//! reports as unknown is unknown.

mod answer;
mod kept;

use crate::decode::SchemaError;
use crate::decode::avro::AvroSchema;
use crate::decode::message::{MessageSchema, Schemas, framed};
use crate::decode::protobuf::ProtobufSchema;
use crate::http::Clock;
use crate::retry::Backoff;
use crate::{Error, Retry};
use answer::RegistryClient;
use batches::batch::Messages;
use chrono::{DateTime, TimeDelta, Utc};
use config::location::Location;
use config::schema_registry::RegistryAddress;
use config::settings::RegistryLimits;
use kept::{KeptSchema, KeptSchemas};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;

/// The schemas of a lake and of the registry that its messages refer to.
#[derive(Debug)]
pub struct SchemaRegistry {
    client: RegistryClient,
    kept: KeptSchemas,
    limits: RegistryLimits,
    clock: Clock,
    known: RwLock<Known>,
    /// Held while schemas are looked up, so that each is requested once.
    looking: Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    schemas: Schemas,
    /// Ids that the registry did not know, and when.
    unknown: BTreeMap<u32, DateTime<Utc>>,
}

impl SchemaRegistry {
    /// The registry at an address, with the schemas that are kept in the lake at `lake`. It connects when a schema is
    /// needed.
    ///
    /// # Errors
    /// [`Error::Config`] if the certificates cannot be read.
    pub fn new(
        address: &RegistryAddress,
        lake: &Location,
        limits: RegistryLimits,
        clock: Clock,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: RegistryClient::new(address, &limits)?,
            kept: KeptSchemas::new(lake),
            limits,
            clock,
            known: RwLock::default(),
            looking: Mutex::default(),
        })
    }

    /// The schemas of these messages and their keys. Those that the registry does not know are missing.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if the registry does not answer in several attempts, [`Error::Auth`] if it refuses the
    /// credentials, [`Error::Data`] if its answer is not one of a registry, and [`Error::Storage`] if a schema cannot
    /// be kept.
    pub async fn schemas(&self, messages: &Messages) -> Result<Schemas, Error> {
        let ids = ids(messages);
        if self.missing(&ids).is_empty() {
            return Ok(self.of(&ids));
        }
        let limits = &self.limits;
        let (least, most) =
            (limits.schema_registry_retry_min_ms, limits.schema_registry_retry_max_ms);
        let mut backoff = Backoff::new(least, most);
        let mut attempt = 1;
        loop {
            let looked_up = self.look_up(&ids).await;
            match looked_up {
                Ok(()) => return Ok(self.of(&ids)),
                Err(error) if error.retry() != Retry::Backoff => return Err(error),
                Err(error) if attempt >= limits.schema_registry_attempts => return Err(error),
                Err(error) => tracing::debug!(%error, attempt, "request to the registry repeated"),
            }
            attempt += 1;
            tokio::time::sleep(backoff.next_pause(1.0)).await;
        }
    }

    fn of(&self, ids: &BTreeSet<u32>) -> Schemas {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        ids.iter().filter_map(|id| Some((*id, known.schemas.get(id)?.clone()))).collect()
    }

    /// The ids whose schemas are neither known nor known to be missing.
    fn missing(&self, ids: &BTreeSet<u32>) -> Vec<u32> {
        let since = (self.clock)() - self.unknown_for();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_settled = |id: &u32| {
            known.schemas.contains_key(id) || known.unknown.get(id).is_some_and(|at| *at >= since)
        };
        ids.iter().copied().filter(|id| !is_settled(id)).collect()
    }

    fn unknown_for(&self) -> TimeDelta {
        TimeDelta::seconds(i64::try_from(self.limits.schema_unknown_s).unwrap_or(i64::MAX / 1_000))
    }

    async fn look_up(&self, ids: &BTreeSet<u32>) -> Result<(), Error> {
        let _looking = self.looking.lock().await;
        let mut unknown = 0;
        for id in self.missing(ids) {
            let found = match self.kept.get(id).await? {
                Some(kept) => Some(kept),
                None if unknown >= self.limits.schema_unknown_ids => None,
                None => self.request(id).await?,
            };
            unknown += usize::from(found.is_none());
            self.remember(id, found);
        }
        Ok(())
    }

    /// Requests a schema from the registry, and keeps it.
    async fn request(&self, id: u32) -> Result<Option<KeptSchema>, Error> {
        let Some(schema) = self.client.schema(id).await? else {
            tracing::warn!(id, "the schema registry does not know the schema of messages");
            return Ok(None);
        };
        self.kept.keep(id, &schema).await?;
        Ok(Some(schema))
    }

    fn remember(&self, id: u32, found: Option<KeptSchema>) {
        let now = (self.clock)();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let since = now - self.unknown_for();
        known.unknown.retain(|_, at| *at >= since);
        match found {
            Some(kept) => {
                let schema = parsed(&kept);
                if let MessageSchema::Unusable(reason) = &schema {
                    tracing::warn!(id, reason, "messages of a schema cannot be read");
                }
                known.schemas.insert(id, Arc::new(schema));
            }
            None => {
                known.unknown.insert(id, now);
            }
        }
    }
}

/// The ids in the frames of messages and keys.
fn ids(messages: &Messages) -> BTreeSet<u32> {
    let keys = messages.key.iter().flatten().flatten();
    let all = messages.payload.iter().flatten().chain(keys);
    all.filter_map(|bytes| framed(bytes).map(|(id, _)| id)).collect()
}

fn parsed(kept: &KeptSchema) -> MessageSchema {
    let (schema, references) = (&kept.schema, &kept.references);
    let parsed = match kept.kind.as_str() {
        "AVRO" => AvroSchema::parse(schema, references).map(MessageSchema::Avro),
        "PROTOBUF" => ProtobufSchema::parse(schema, references).map(MessageSchema::Protobuf),
        "JSON" => Ok(MessageSchema::Json),
        kind => Err(SchemaError(format!("schemas of the kind {kind} are not supported"))),
    };
    parsed.unwrap_or_else(|error| MessageSchema::Unusable(error.to_string()))
}

#[cfg(test)]
mod tests;
