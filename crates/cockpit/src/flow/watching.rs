//! Files -> rounds: a file that arrives in the folder of the bucket starts a round.

use super::Flow;
use super::clock::machine_now;
use config::sentence::sentence;
use ingest::Error;
use ingest::files::ListedDump;
use ingest::watch_folder::{Arrival, FolderWatch, WatchOptions};
use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// The folder that rounds watch. Shared by the clones of a flow, one of which runs the rounds.
#[derive(Debug, Clone, Default)]
pub struct Watching(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    watch: Option<FolderWatch>,
    /// Why the folder is not watched, or not completely, as it was last logged.
    problem: Option<String>,
}

/// New files, by what the watch of their folder reports.
pub(super) struct Arrived {
    /// Those that are not known to grow.
    pub new: Vec<ListedDump>,
    /// The keys among `new` that are known to be complete.
    pub complete: HashSet<String>,
    /// The keys of files that grow.
    pub growing: Vec<String>,
}

const NOT_ALL: &str = "more folders than `watched_folders` or fs.inotify.max_user_watches allow";

impl State {
    /// Logs a problem once, until it changes.
    fn report(&mut self, problem: String) {
        if self.problem.as_ref() != Some(&problem) {
            tracing::warn!(
                problem,
                "folder is not watched completely; it is listed at an interval"
            );
            self.problem = Some(problem);
        }
    }

    fn fail(&mut self, error: Error) {
        self.watch = None;
        self.report(sentence(&anyhow::Error::from(error)));
    }
}

fn now_ms() -> i64 {
    machine_now().timestamp_millis()
}

impl Flow {
    /// Watches the folder of the bucket, if it is one, and begins a round: before it lists the folder, so that a
    /// file that arrives later starts the next round.
    pub(super) async fn watch_folder(&self) {
        let Some(options) = self.watch_options() else { return };
        let mut state = self.watching.0.lock().await;
        if state.watch.is_none() {
            match FolderWatch::open(options) {
                Ok(watch) => {
                    tracing::info!("folder watched");
                    state.watch = Some(watch);
                }
                Err(error) => return state.fail(error),
            }
        }
        let Some(watch) = state.watch.as_mut() else { return };
        match watch.take_changes(now_ms()) {
            Ok(()) => watch.arrivals().begin_round(now_ms()),
            Err(error) => return state.fail(error),
        }
        match watch.is_limited() {
            true => state.report(NOT_ALL.to_owned()),
            false => state.problem = None,
        }
    }

    fn watch_options(&self) -> Option<WatchOptions> {
        let limits = &self.lake().limits().ingest;
        let folder = self.bucket.as_ref()?.folder.clone()?;
        let contracts = self.refinery.plant.contracts.values();
        let contracts = contracts.filter(|it| !it.is_stream() && it.http.is_none());
        (limits.watched_folders > 0).then(|| WatchOptions {
            folder,
            without: self.lake().location().folder.clone(),
            contracts: contracts.cloned().map(Arc::new).collect(),
            most_folders: limits.watched_folders,
            settle_ms: i64::try_from(limits.watched_settle_ms).unwrap_or(i64::MAX),
        })
    }

    /// Waits until a complete file has arrived in the watched folder; for ever if none is watched.
    pub(super) async fn file_arrived(&self) {
        let mut state = self.watching.0.lock().await;
        loop {
            let Some(watch) = state.watch.as_mut() else { break };
            match wait_for_arrival(watch).await {
                Ok(true) => {
                    let gather_ms = self.lake().limits().ingest.arrivals_gather_ms;
                    return tokio::time::sleep(Duration::from_millis(gather_ms)).await;
                }
                Ok(false) => {}
                Err(error) => state.fail(error),
            }
        }
        drop(state);
        pending().await
    }

    /// Splits new files by what the watch of their folder reports.
    pub(super) async fn arrived(&self, new: Vec<ListedDump>) -> Arrived {
        let mut arrived = Arrived { new, complete: HashSet::new(), growing: Vec::new() };
        let mut state = self.watching.0.lock().await;
        let Some(watch) = state.watch.as_mut() else { return arrived };
        if let Err(error) = watch.take_changes(now_ms()) {
            state.fail(error);
            return arrived;
        }
        let arrivals = watch.arrivals();
        arrived.new.retain(|it| match arrivals.arrival(&it.key) {
            Arrival::Complete => {
                arrived.complete.insert(it.key.clone());
                true
            }
            Arrival::Unknown => true,
            Arrival::Growing if it.contract.done_marker.is_some() => true,
            Arrival::Growing => {
                arrived.growing.push(it.key.clone());
                false
            }
        });
        arrived
    }
}

/// Waits for the next changes, or until a growing file has rested. Returns whether a file is complete.
async fn wait_for_arrival(watch: &mut FolderWatch) -> Result<bool, Error> {
    watch.take_changes(now_ms())?;
    let now_ms = now_ms();
    if watch.arrivals().is_due(now_ms) {
        return Ok(true);
    }
    let rested = watch.arrivals().next_due_ms().map(|due_ms| due_ms.saturating_sub(now_ms));
    let until_rested = async {
        match rested {
            Some(ms) => tokio::time::sleep(Duration::from_millis(ms.max(1).unsigned_abs())).await,
            None => pending().await,
        }
    };
    tokio::select! {
        changed = watch.wait() => changed?,
        () = until_rested => {}
    }
    Ok(false)
}
