//! A table at an older version, as long as its log and its data files are stored.

use crate::delta::table::{State, Table};
use anyhow::Context as _;
use deltalake::kernel::Version;
use deltalake::table::state::DeltaTableState;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use std::collections::BTreeSet;

/// Files that are looked up at the same time.
const LOOKED_UP: usize = 16;

impl Table {
    /// The state at `version`, which is older than `newest`; `None` if its log or one of its data files has
    /// been deleted.
    pub async fn load_stored(
        &self,
        version: Version,
        newest: &State,
    ) -> anyhow::Result<Option<State>> {
        let log = self.log();
        let commit = log.read_commit_entry(version).await;
        if commit.with_context(|| format!("opening {} at version {version}", self.name))?.is_none()
        {
            return Ok(None);
        }
        let state = match DeltaTableState::try_new(log.as_ref(), Some(version)).await {
            Ok(state) => State::new(state),
            Err(error) => {
                // The commit is there, but those before it, back to a checkpoint, may be deleted.
                let (table, error) = (self.name.to_string(), error.to_string());
                tracing::warn!(table, version, error, "table_version_unavailable");
                return Ok(None);
            }
        };
        Ok(self.has_all_files(&state, newest).await?.then_some(state))
    }

    /// Whether every data file of `state` is stored. Those of the newest state are.
    async fn has_all_files(&self, state: &State, newest: &State) -> anyhow::Result<bool> {
        let active: BTreeSet<String> = newest.files().into_iter().map(|file| file.path).collect();
        let removed = state.files().into_iter().map(|file| file.path);
        let removed = removed.filter(|path| !active.contains(path));
        let lookups = futures::stream::iter(removed.map(|path| self.is_stored(path)));
        lookups.buffer_unordered(LOOKED_UP).try_all(async |is_stored| is_stored).await
    }

    async fn is_stored(&self, path: String) -> anyhow::Result<bool> {
        match self.store.head(&Key::from(path.as_str())).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error).with_context(|| format!("looking up {path} of {}", self.name)),
        }
    }
}
