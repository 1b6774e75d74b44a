//! The schemas that are kept in the lake, one file each.

use crate::Error;
use anyhow::Context as _;
use config::location::Location;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where the schemas are in the lake.
const FOLDER: &str = "_cockpit/schemas";

/// A schema as the registry returned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSchema {
    /// `AVRO`, `JSON` or `PROTOBUF`.
    pub kind: String,
    pub schema: String,
    /// The schemas it refers to, each after those that it refers to itself.
    pub references: Vec<String>,
}

/// The schemas of a lake.
#[derive(Debug)]
pub struct KeptSchemas(Arc<dyn ObjectStore>);

impl KeptSchemas {
    pub fn new(lake: &Location) -> Self {
        Self(lake.store())
    }

    /// The schema of an id; `None` if it is not kept yet.
    ///
    /// # Errors
    /// [`Error::Storage`] if it cannot be read.
    pub async fn get(&self, id: u32) -> Result<Option<KeptSchema>, Error> {
        let read = async {
            match self.0.get(&key(id)).await {
                Ok(found) => {
                    let bytes = found.bytes().await?;
                    Ok(Some(serde_json::from_slice(&bytes).context("the file is damaged")?))
                }
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(anyhow::Error::from(error)),
            }
        };
        read.await.with_context(|| format!("reading {}", key(id))).map_err(Error::Storage)
    }

    /// Keeps the schema of an id. The schema of an id never changes, so it is kept again without harm.
    ///
    /// # Errors
    /// [`Error::Storage`] if it cannot be written.
    pub async fn keep(&self, id: u32, schema: &KeptSchema) -> Result<(), Error> {
        let write = async {
            let bytes = serde_json::to_vec(schema)?;
            self.0.put(&key(id), bytes.into()).await?;
            anyhow::Ok(())
        };
        write.await.with_context(|| format!("writing {}", key(id))).map_err(Error::Storage)
    }
}

fn key(id: u32) -> Key {
    Key::from(format!("{FOLDER}/{id}.json"))
}
