//! The answers of HTTP interfaces, kept in the lake as dumps are kept in the bucket.
//!
//! A pull writes its answers first, `<table>/<number>/<page>`, and then its record, `<table>/pulls/<number>.json`, which
//! makes them count. So the record is the checkpoint: a killed pull leaves answers without a record, which the next
//! pull replaces. An answer lands like a dump, by its key and SHA-256, so landing is repeated without harm. A copy of
//! the record stays beside the answers, `<table>/<number>/pull.json`: it has their requests.

use super::{Answer, Checkpoint};
use crate::Error;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use config::location::Location;
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, WriteMultipart};
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::sync::Arc;

/// Where the answers are in the lake.
const FOLDER: &str = "_cockpit/answers";
/// Larger answers are written in parts of this size.
const PART_BYTES: usize = 8 << 20;

/// The answers of a lake.
#[derive(Debug, Clone)]
pub struct KeptAnswers {
    location: Location,
    store: Arc<dyn ObjectStore>,
}

/// A complete pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRecord {
    /// Number of the pull of this table, from 1.
    pub number: u64,
    pub started_at: DateTime<Utc>,
    pub answers: Vec<KeptAnswer>,
    /// Where the next pull starts.
    pub next: Checkpoint,
}

/// An answer with records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Its key: `_file` of its records.
    pub key: String,
    /// The request, without credentials.
    pub request: String,
    pub sha256: String,
    pub size_bytes: u64,
    pub records: u64,
    pub received_at: DateTime<Utc>,
}

impl KeptAnswers {
    /// The answers of the lake at `lake`.
    pub fn new(lake: &Location) -> Self {
        let prefix: Key = lake.prefix.parts().chain(Key::from(FOLDER).parts()).collect();
        let name = format!("{}/{FOLDER}", lake.name.trim_end_matches('/'));
        // They are complete when they are listed, unlike files that somebody writes into a folder.
        let location = Location { name, prefix, folder: None, ..lake.clone() };
        Self { store: location.store(), location }
    }

    /// Where the answers are fetched from by their keys.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The complete pulls of a table whose records are still there, oldest first.
    ///
    /// # Errors
    /// [`Error::Storage`] if they cannot be read.
    pub async fn pulls(&self, table: &str) -> Result<Vec<PullRecord>, Error> {
        self.read_pulls(table)
            .await
            .with_context(|| format!("reading the pulls of {table}"))
            .map_err(Error::Storage)
    }

    async fn read_pulls(&self, table: &str) -> anyhow::Result<Vec<PullRecord>> {
        let folder = Key::from(format!("{table}/pulls"));
        let listed: Vec<_> = self.store.list(Some(&folder)).try_collect().await?;
        let mut pulls = Vec::with_capacity(listed.len());
        for object in listed.iter().filter(|it| it.location.extension() == Some("json")) {
            let bytes = self.store.get(&object.location).await?.bytes().await?;
            let pull: PullRecord = serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged", object.location))?;
            pulls.push(pull);
        }
        pulls.sort_by_key(|pull| pull.number);
        Ok(pulls)
    }

    /// Keeps an answer of pull `number`.
    ///
    /// # Errors
    /// [`Error::Storage`] if it cannot be written.
    pub async fn keep(
        &self,
        table: &str,
        number: u64,
        answer: &Answer,
        received_at: DateTime<Utc>,
    ) -> Result<KeptAnswer, Error> {
        let key = format!("{}/{:06}", folder(table, number), answer.page);
        let kept = KeptAnswer {
            key: key.clone(),
            request: answer.request.clone(),
            sha256: answer.fetched.sha256.clone(),
            size_bytes: answer.fetched.size_bytes,
            records: answer.records,
            received_at,
        };
        let written = self.write(&Key::from(key), answer).await;
        written.with_context(|| format!("keeping {}", kept.key)).map_err(Error::Storage)?;
        Ok(kept)
    }

    async fn write(&self, key: &Key, answer: &Answer) -> anyhow::Result<()> {
        let mut file = answer.fetched.again()?.into_file();
        if answer.fetched.size_bytes <= PART_BYTES as u64 {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            self.store.put(key, bytes.into()).await?;
            return Ok(());
        }
        let mut upload = WriteMultipart::new(self.store.put_multipart(key).await?);
        let mut part = vec![0; PART_BYTES];
        loop {
            let read = file.read(&mut part)?;
            if read == 0 {
                break;
            }
            upload.wait_for_capacity(1).await?;
            upload.write(&part[..read]);
        }
        upload.finish().await?;
        Ok(())
    }

    /// Completes a pull: from now on its answers count, and the next one starts from its checkpoint.
    ///
    /// # Errors
    /// [`Error::Storage`] if it cannot be written, or another process has completed a pull of this number.
    pub async fn complete(&self, table: &str, pull: &PullRecord) -> Result<(), Error> {
        let key = record_key(table, pull.number);
        let written = async {
            let bytes = serde_json::to_vec(pull)?;
            let copy = Key::from(format!("{}/pull.json", folder(table, pull.number)));
            self.store.put(&copy, bytes.clone().into()).await?;
            let options = PutOptions::from(PutMode::Create);
            self.store.put_opts(&key, bytes.into(), options).await?;
            anyhow::Ok(())
        };
        written.await.with_context(|| format!("completing the pull {key}")).map_err(Error::Storage)
    }

    /// Deletes what a pull without a record left: one that was killed, or whose source had not changed.
    ///
    /// # Errors
    /// [`Error::Storage`] if it cannot be deleted.
    pub async fn discard(&self, table: &str, number: u64) -> Result<(), Error> {
        let folder = Key::from(folder(table, number));
        let discarded = async {
            let listed: Vec<_> = self.store.list(Some(&folder)).try_collect().await?;
            for object in listed {
                self.store.delete(&object.location).await?;
            }
            anyhow::Ok(())
        };
        discarded.await.with_context(|| format!("deleting {folder}")).map_err(Error::Storage)
    }

    /// Deletes the record of a pull whose answers have landed, and which is not the last one. The answers are kept.
    ///
    /// # Errors
    /// [`Error::Storage`] if it cannot be deleted.
    pub async fn forget(&self, table: &str, number: u64) -> Result<(), Error> {
        let deleted = self.store.delete(&record_key(table, number)).await;
        deleted.map_err(|error| Error::Storage(error.into()))
    }
}

fn folder(table: &str, number: u64) -> String {
    format!("{table}/{number:010}")
}

fn record_key(table: &str, number: u64) -> Key {
    Key::from(format!("{table}/pulls/{number:010}.json"))
}
