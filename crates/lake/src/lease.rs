//! The lease: only one process refines a lake. It is stored in the lake, is renewed while its holder runs,
//! and expires after a fixed time without renewal.
//!
//! Each renewal creates the next file of a numbered sequence, which the store allows once, as in a Delta
//! log, so two processes never both hold the lease. A waiting process watches the sequence for the
//! duration of the lease instead of comparing the clocks of two machines; on the same machine it checks
//! whether the process of the holder exists.

use crate::error::Error;
use chrono::{DateTime, Utc};
use config::location::Location;
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const FOLDER: &str = "_cockpit/lease";

/// Pause between two checks of a lease that another process holds.
const WATCH: Duration = Duration::from_secs(1);

/// The holder of a lease, as stored in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub host: String,
    /// Identifies the machine, container and boot in which the process id is valid.
    pub machine: String,
    pub pid: u32,
    /// The run whose uncommitted files remain if the holder is killed.
    pub run: String,
    pub since: DateTime<Utc>,
    pub ttl_s: u64,
}

impl Holder {
    /// This process as a holder.
    pub fn this_process(run: &str, since: DateTime<Utc>, ttl_s: u64) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let boot = read("/proc/sys/kernel/random/boot_id");
        let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        Self {
            host: read("/proc/sys/kernel/hostname"),
            machine: format!("{boot} {}", namespace.display()),
            pid: std::process::id(),
            run: run.to_owned(),
            since,
            ttl_s,
        }
    }

    /// Whether this holder was a process of this machine that no longer exists.
    pub(crate) fn is_known_dead(&self, machine: &str) -> bool {
        !machine.trim().is_empty()
            && self.machine == machine
            && !std::path::Path::new(&format!("/proc/{}", self.pid)).exists()
    }
}

/// A held lease. Renew it more often than its duration, and release it at the end.
pub struct Lease {
    store: Arc<dyn ObjectStore>,
    holder: Holder,
    number: u64,
    /// The previous holder, if it did not release the lease.
    pub died: Option<Holder>,
}

/// How to wait while another process holds the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Fail once the holder renews it.
    UntilSeenAlive,
    /// Wait until the holder releases it or dies.
    UntilFree,
}

/// Takes the lease of the lake at `location`. A lease that another process holds is taken over if it is not
/// renewed within its duration. `None` if `stop` is cancelled while waiting; a lease that was taken is
/// returned even then, because only its holder can release it.
///
/// # Errors
/// [`Error::LeaseHeld`] if another process holds the lease and `patience` does not wait for it.
pub async fn take(
    location: &Location,
    holder: Holder,
    patience: Patience,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Lease>> {
    let mut silent_for = Duration::ZERO;
    let mut last = None;
    loop {
        let newest = newest(location.store().as_ref()).await?;
        let is_free = |(_, held): &(u64, Holder)| {
            let is_silent = silent_for >= Duration::from_secs(held.ttl_s);
            is_silent || held.is_known_dead(&holder.machine)
        };
        if newest.as_ref().is_none_or(is_free) {
            let lease = Lease::after(location, &holder, newest);
            if let Some(lease) = lease.claim().await? {
                return Ok(Some(lease));
            }
            if patience == Patience::UntilSeenAlive {
                let message = "another process took the lease of the lake at the same time; retry";
                return Err(Error::LeaseHeld(message.to_owned()).into());
            }
            (silent_for, last) = (Duration::ZERO, None);
            continue;
        }
        let Some((number, held)) = newest else { continue };
        if last.is_some_and(|last| last != number) {
            if patience == Patience::UntilSeenAlive {
                return Err(Error::LeaseHeld(refusal(location, &held)).into());
            }
            silent_for = Duration::ZERO;
        }
        if last.is_none() {
            tracing::warn!(
                host = held.host,
                pid = held.pid,
                "lease held by another process, watching it"
            );
        }
        last = Some(number);
        tokio::select! {
            () = tokio::time::sleep(WATCH) => silent_for += WATCH,
            () = stop.cancelled() => return Ok(None),
        }
    }
}

fn refusal(location: &Location, held: &Holder) -> String {
    format!(
        "the lake {} is being refined by process {} on {} since {}, and only one process may refine a lake. \
         Stop it, or wait: a process that died loses the lease {} s after its last renewal",
        location.name,
        held.pid,
        held.host,
        held.since.format("%Y-%m-%d %H:%M:%S UTC"),
        held.ttl_s
    )
}

async fn newest(store: &dyn ObjectStore) -> anyhow::Result<Option<(u64, Holder)>> {
    let mut names: Vec<Key> =
        store.list(Some(&Key::from(FOLDER))).map_ok(|it| it.location).try_collect().await?;
    names.sort();
    for name in names.iter().rev() {
        let Some(number) = parse_number(name) else { continue };
        match store.get(name).await {
            Ok(found) => {
                let holder = serde_json::from_slice(&found.bytes().await?)
                    .map_err(|source| Error::LeaseInvalid { file: name.to_string(), source })?;
                return Ok(Some((number, holder)));
            }
            // Its holder has just renewed or released it.
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

fn parse_number(name: &Key) -> Option<u64> {
    name.filename()?.strip_suffix(".json")?.parse().ok()
}

fn key(number: u64) -> Key {
    Key::from(format!("{FOLDER}/{number:020}.json"))
}

impl Lease {
    /// The lease after the newest one, not yet claimed.
    fn after(location: &Location, holder: &Holder, newest: Option<(u64, Holder)>) -> Self {
        let number = newest.as_ref().map_or(0, |(number, _)| number + 1);
        let died = newest.map(|(_, held)| held);
        Self { store: location.store(), holder: holder.clone(), number, died }
    }

    /// `None` if another process was faster.
    async fn claim(self) -> anyhow::Result<Option<Self>> {
        match self.write().await? {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(()) => {
                self.delete_older().await?;
                Ok(Some(self))
            }
        }
    }

    /// Renews the lease.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] if another process has taken it over. Stop refining after any error.
    pub async fn renew(&mut self) -> anyhow::Result<()> {
        self.number += 1;
        match self.write().await? {
            Ok(()) => self.delete_older().await,
            Err(source @ object_store::Error::AlreadyExists { .. }) => {
                Err(Error::LeaseLost { source }.into())
            }
            Err(error) => Err(anyhow::Error::new(error).context("renewing the lease of the lake")),
        }
    }

    /// Releases the lease.
    pub async fn release(self) -> anyhow::Result<()> {
        self.store.delete(&key(self.number)).await?;
        Ok(())
    }

    /// Creates the file of this number. The inner result is that of the store.
    async fn write(&self) -> anyhow::Result<Result<(), object_store::Error>> {
        let text = serde_json::to_vec_pretty(&self.holder)?;
        let put = self.store.put_opts(&key(self.number), text.into(), PutMode::Create.into()).await;
        Ok(put.map(|_| ()))
    }

    async fn delete_older(&self) -> anyhow::Result<()> {
        let names: Vec<Key> = self
            .store
            .list(Some(&Key::from(FOLDER)))
            .map_ok(|it| it.location)
            .try_collect()
            .await?;
        for name in names {
            if parse_number(&name).is_some_and(|number| number < self.number) {
                match self.store.delete(&name).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}
