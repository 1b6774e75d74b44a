//! Claims: several processes land the dumps of a bucket, each dump by the process that has claimed it.
//!
//! A claim is an object of the lake, which the store creates once. A process renews one object for all of
//! its claims. If it does not renew it for `claim_ttl_s`, or if it is known not to exist, another process
//! deletes its claims and lands the dumps. All times are those of the store, so the clocks of two machines
//! are never compared.
//!
//! In a folder a claim is a further link to that object. A file per claim would be created and deleted for each
//! dump, and ext4 searches the inodes that were deleted in the last seconds whenever a file is created.
//!
//! A claim only avoids double work. A process that was slow may still land a dump that was taken over:
//! then [`crate::bronze::Landings::commit`] finds it in the table and does not land it again.

use crate::delta::store::Durable;
use crate::lake::Lake;
use crate::lease::Holder;
use batches::record_digest::digest;
use chrono::TimeDelta;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode};
use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Folder of the claims, one object each.
pub(crate) const CLAIMS: &str = "_cockpit/claims";

/// Folder of the processes that have claims.
pub(crate) const LANDERS: &str = "_cockpit/landers";

/// Requests to the store at the same time.
const AT_ONCE: usize = 16;

/// The claims of this process.
pub struct Claims {
    store: Arc<dyn ObjectStore>,
    holder: Holder,
    /// Whether the store is a folder, where objects can be linked.
    is_folder: bool,
}

/// The name of the claim on a dump of a table.
pub fn name(table: &str, file: &str) -> String {
    format!("{:032x}", digest([Some(table), Some(file)].into_iter(), None))
}

/// Whether other processes have claims, or had them and ended without releasing them.
pub async fn has_others(lake: &Lake) -> anyhow::Result<bool> {
    let claims = Claims::new(lake);
    let own = claims.own_key();
    Ok(claims.list(LANDERS).await?.iter().any(|it| it.location != own))
}

impl Claims {
    pub fn new(lake: &Lake) -> Self {
        let mut location = lake.location().clone();
        let is_folder = location.folder.is_some();
        if is_folder {
            // After a power failure no claim matters.
            location.root = Arc::new(Durable::unsynced(lake.run()));
        }
        let ttl_s = lake.limits().ingest.claim_ttl_s;
        let holder = Holder::this_process(lake.run(), lake.now(), ttl_s);
        Self { store: location.store(), holder, is_folder }
    }

    /// Does `work`, which may claim dumps. The claims that it leaves when it fails are released.
    pub async fn hold<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        if self.holder_at(&self.own_key()).await?.is_some() {
            // Work of this process was cancelled.
            self.delete_claims(&self.own_run()).await?;
        }
        self.renew().await?;
        let done = tokio::select! {
            done = work => done,
            never = self.keep_renewing() => match never {},
        };
        let ended = self.end(done.is_err()).await;
        let done = done?;
        ended?;
        Ok(done)
    }

    async fn end(&self, has_failed: bool) -> anyhow::Result<()> {
        if has_failed {
            self.delete_claims(&self.own_run()).await?;
        }
        self.delete(&self.own_key()).await
    }

    async fn keep_renewing(&self) -> Infallible {
        let pause = Duration::from_secs(self.holder.ttl_s) / 3;
        loop {
            tokio::time::sleep(pause).await;
            if let Err(error) = self.renew().await {
                tracing::warn!(error = format!("{error:#}"), "claims not renewed");
            }
        }
    }

    async fn renew(&self) -> anyhow::Result<()> {
        self.store.put(&self.own_key(), self.own_text()?.into()).await?;
        Ok(())
    }

    fn own_text(&self) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(&self.holder)?)
    }

    /// Deletes the claims of processes that have ended without releasing them. Returns those of this machine
    /// that no longer exist, whose uncommitted files can be deleted; one that is only silent may still live.
    pub async fn sweep(&self) -> anyhow::Result<Vec<Holder>> {
        let landers = self.list(LANDERS).await?;
        let own = self.own_key();
        let renewed_at = landers.iter().find(|it| it.location == own).map(|it| it.last_modified);
        let (mut ended, mut dead) = (BTreeSet::new(), Vec::new());
        for lander in landers.iter().filter(|it| it.location != own) {
            let Some(holder) = self.holder_at(&lander.location).await? else { continue };
            let ttl = TimeDelta::seconds(holder.ttl_s.cast_signed());
            let is_silent = renewed_at.is_some_and(|at| at - lander.last_modified > ttl);
            let is_dead = holder.is_known_dead(&self.holder.machine);
            if is_dead || is_silent {
                ended.insert(holder.run.clone());
            }
            if is_dead {
                dead.push(holder);
            }
        }
        if !ended.is_empty() {
            self.delete_claims(&ended).await?;
        }
        for run in ended {
            self.delete(&lander_key(&run)).await?;
        }
        Ok(dead)
    }

    /// The names of all claims.
    pub async fn all(&self) -> anyhow::Result<HashSet<String>> {
        Ok(self.list(CLAIMS).await?.iter().filter_map(|it| claim_of(&it.location)).collect())
    }

    /// Claims dumps. Returns the names of those that no other process has claimed.
    pub async fn take(&self, names: Vec<String>) -> anyhow::Result<HashSet<String>> {
        let text = bytes::Bytes::from(self.own_text()?);
        let claims = names.into_iter().map(|name| {
            let text = text.clone();
            async move {
                match self.create(&claim_key(&name), text).await {
                    Ok(()) => Ok(Some(name)),
                    Err(object_store::Error::AlreadyExists { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            }
        });
        let taken = futures::stream::iter(claims).buffer_unordered(AT_ONCE);
        let taken: Vec<Option<String>> = taken.try_collect().await?;
        Ok(taken.into_iter().flatten().collect())
    }

    /// Creates an object of this process unless it exists.
    async fn create(&self, key: &Key, text: bytes::Bytes) -> object_store::Result<()> {
        if self.is_folder {
            // Not every file system has links, the number of those to a file is limited, and there is nothing to
            // link outside of `hold`.
            match self.store.copy_if_not_exists(&self.own_key(), key).await {
                Ok(()) => return Ok(()),
                Err(error @ object_store::Error::AlreadyExists { .. }) => return Err(error),
                Err(_) => {}
            }
        }
        self.store.put_opts(key, text.into(), PutMode::Create.into()).await.map(drop)
    }

    /// Releases claims of this process.
    pub async fn release(&self, names: impl Iterator<Item = String>) -> anyhow::Result<()> {
        let keys: Vec<Key> = names.map(|name| claim_key(&name)).collect();
        let deleted = keys.iter().map(|key| self.delete(key));
        futures::stream::iter(deleted).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Deletes the claims of runs.
    async fn delete_claims(&self, runs: &BTreeSet<String>) -> anyhow::Result<()> {
        let listed = self.list(CLAIMS).await?;
        let deleted = listed.iter().map(|claim| async move {
            let text = self.read(&claim.location).await?;
            let is_theirs = text.is_some_and(|text| runs.contains(&run_of(&text)));
            if is_theirs { self.delete(&claim.location).await } else { Ok(()) }
        });
        futures::stream::iter(deleted).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// The process whose object this is; `None` if it has been deleted meanwhile.
    async fn holder_at(&self, key: &Key) -> anyhow::Result<Option<Holder>> {
        let Some(text) = self.read(key).await? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&text)?))
    }

    async fn read(&self, key: &Key) -> anyhow::Result<Option<bytes::Bytes>> {
        match self.store.get(key).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn list(&self, folder: &str) -> anyhow::Result<Vec<ObjectMeta>> {
        let listed: Vec<ObjectMeta> =
            self.store.list(Some(&Key::from(folder))).try_collect().await?;
        Ok(listed.into_iter().filter(|it| claim_of(&it.location).is_some()).collect())
    }

    async fn delete(&self, key: &Key) -> anyhow::Result<()> {
        match self.store.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn own_key(&self) -> Key {
        lander_key(&self.holder.run)
    }

    fn own_run(&self) -> BTreeSet<String> {
        BTreeSet::from([self.holder.run.clone()])
    }
}

fn lander_key(run: &str) -> Key {
    Key::from(format!("{LANDERS}/{run}.json"))
}

fn claim_key(name: &str) -> Key {
    Key::from(format!("{CLAIMS}/{name}.json"))
}

/// The run that a claim belongs to. Older versions wrote it without the process.
fn run_of(text: &[u8]) -> String {
    match serde_json::from_slice::<Holder>(text) {
        Ok(holder) => holder.run,
        Err(_) => String::from_utf8_lossy(text).into_owned(),
    }
}

/// The name of a claim, or the run of a process; `None` for a temporary file.
fn claim_of(key: &Key) -> Option<String> {
    let name = key.filename()?.strip_suffix(".json")?;
    (!name.starts_with('.')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
