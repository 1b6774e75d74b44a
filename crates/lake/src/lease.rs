//! The lease: one refiner per lake. It lies in the lake, is renewed while its holder lives, and is
//! lost by a dead one after a stated time.
//!
//! Each renewal writes the next file of a numbered row, which can be done only once, as in a Delta
//! log; so two contenders never both believe they have it. Whether a holder is alive is judged by
//! watching the row for the lease's own duration, never by comparing clocks of two machines; on the
//! same machine a process that is gone is known to be gone.

use anyhow::{Context as _, bail};
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

/// Pause between two looks at another's lease.
const WATCH: Duration = Duration::from_secs(1);

/// Who holds the lease, as written into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub host: String,
    /// Tells process ids of one machine, container and boot apart from those of another.
    pub machine: String,
    pub pid: u32,
    /// The run whose files a dead holder may have left behind.
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

    /// Whether this holder is a process of this machine that is no more.
    fn is_known_dead(&self, machine: &str) -> bool {
        !machine.trim().is_empty()
            && self.machine == machine
            && !std::path::Path::new(&format!("/proc/{}", self.pid)).exists()
    }
}

/// The lease, held. Renew it more often than its duration; give it back at the end.
pub struct Lease {
    store: Arc<dyn ObjectStore>,
    holder: Holder,
    number: u64,
    /// Who held it before and never gave it back.
    pub died: Option<Holder>,
}

/// What to do while somebody else holds the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Give up at the holder's first sign of life.
    UntilSeenAlive,
    /// Wait until it gives the lease back or dies.
    UntilFree,
}

/// Takes the lease of the lake at `location`. If somebody holds it, it is watched: without a sign of
/// life within its own duration the lease is taken over. `None` if `stop` comes while it is watched;
/// a lease once taken is handed over even then, for only its holder can give it back.
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
            let lease = Lease::behind(location, &holder, newest);
            if let Some(lease) = lease.claim().await? {
                return Ok(Some(lease));
            }
            if patience == Patience::UntilSeenAlive {
                bail!("somebody else took the lake at the same moment; try again");
            }
            (silent_for, last) = (Duration::ZERO, None);
            continue;
        }
        let Some((number, held)) = newest else { continue };
        if last.is_some_and(|last| last != number) {
            if patience == Patience::UntilSeenAlive {
                bail!("{}", refusal(location, &held));
            }
            silent_for = Duration::ZERO;
        }
        if last.is_none() {
            tracing::warn!(host = held.host, pid = held.pid, "lake is held, watching its holder");
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
        "the lake {} is being refined by process {} on {}, since {}; only one program refines a \
         lake. Stop that one, or wait: if it is dead it loses the lake {} s after its last sign of \
         life",
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
        let Some(number) = number_of(name) else { continue };
        match store.get(name).await {
            Ok(found) => {
                let holder = serde_json::from_slice(&found.bytes().await?)
                    .with_context(|| format!("{name} is no lease; delete it if nobody runs"))?;
                return Ok(Some((number, holder)));
            }
            // Its holder has just renewed or given it back.
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

fn number_of(name: &Key) -> Option<u64> {
    name.filename()?.strip_suffix(".json")?.parse().ok()
}

fn key(number: u64) -> Key {
    Key::from(format!("{FOLDER}/{number:020}.json"))
}

impl Lease {
    /// The lease behind the newest there is, not yet claimed.
    fn behind(location: &Location, holder: &Holder, newest: Option<(u64, Holder)>) -> Self {
        let number = newest.as_ref().map_or(0, |(number, _)| number + 1);
        let died = newest.map(|(_, held)| held);
        Self { store: location.store(), holder: holder.clone(), number, died }
    }

    /// `None` if somebody else was quicker.
    async fn claim(self) -> anyhow::Result<Option<Self>> {
        if let Err(error) = self.write().await {
            let is_taken =
                matches!(error.downcast_ref(), Some(object_store::Error::AlreadyExists { .. }));
            return if is_taken { Ok(None) } else { Err(error) };
        }
        self.forget_older().await?;
        Ok(Some(self))
    }

    /// Shows that the holder lives. An error means the lease is lost: stop refining.
    pub async fn renew(&mut self) -> anyhow::Result<()> {
        self.number += 1;
        self.write().await.context("the lake's lease was lost to another program")?;
        self.forget_older().await
    }

    /// Gives the lease back.
    pub async fn give_back(self) -> anyhow::Result<()> {
        self.store.delete(&key(self.number)).await?;
        Ok(())
    }

    /// Fails if the number is taken.
    async fn write(&self) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(&self.holder)?;
        self.store.put_opts(&key(self.number), text.into(), PutMode::Create.into()).await?;
        Ok(())
    }

    async fn forget_older(&self) -> anyhow::Result<()> {
        let names: Vec<Key> = self
            .store
            .list(Some(&Key::from(FOLDER)))
            .map_ok(|it| it.location)
            .try_collect()
            .await?;
        for name in names {
            if number_of(&name).is_some_and(|number| number < self.number) {
                match self.store.delete(&name).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}
