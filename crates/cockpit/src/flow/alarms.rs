//! Live values, lake and state of the data flow -> alarms.
//!
//! The process that ingests evaluates the rules. It holds a lock beside the database, so that two processes do
//! not write one journal.

mod data;
mod kpis;
mod notifying;
mod reload;
mod statements;
mod table;

use super::access::Users;
use super::observer::StreamAlarms;
use super::{Flow, now};
use access::Database;
use anyhow::Context as _;
use live::Live;
use notifying::Planning;
use plant::reading::Registry;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watch::backtest::History;
use watch::notify::{self, NotificationPlanner};
use watch::{AlarmLimits, Alarms, Engine, NowUs, Setup};

/// Offsets of each partition (`topic/number`) that the broker deleted before they were read: when that was
/// noticed, and how many.
pub type ExpiredOffsets = Arc<Mutex<HashMap<String, Vec<(i64, i64)>>>>;

/// The alarms of a service that ingests.
pub struct AlarmService {
    pub alarms: Alarms,
    pub expired: ExpiredOffsets,
    engine: Engine,
    planning: Planning,
    /// Held while the engine runs.
    lock: File,
}

impl AlarmService {
    /// The configuration of notifications in use.
    pub fn planner(&self) -> Receiver<Arc<NotificationPlanner>> {
        self.planning.subscribe()
    }

    /// What a stream passes to the alarms.
    pub fn for_stream(&self) -> StreamAlarms {
        StreamAlarms { alarms: self.alarms.clone(), expired: Arc::clone(&self.expired) }
    }
}

impl Flow {
    /// Opens the alarms, if this process ingests and has a database. Without them the reason is logged.
    pub(super) async fn open_alarms(
        &self,
        users: &Users,
        registry: &Registry,
        ingests: bool,
    ) -> Option<AlarmService> {
        if !ingests {
            return None;
        }
        let Some(database) = users.database() else {
            tracing::warn!(
                remedy = "configure `state` in [access] of plant.toml",
                "alarms are off: there is no database"
            );
            return None;
        };
        let rules = self.checked_rules(&self.refinery.plant.alarms).await;
        let setup = Setup {
            rules: rules.valid().cloned().collect(),
            equipment: Arc::new(self.refinery.plant.equipment.clone()),
            registry: Arc::clone(registry),
            limits: self.alarm_limits(),
            database,
        };
        let opened = tokio::task::spawn_blocking(move || open(setup)).await;
        match opened.context("the start of the alarms was cancelled").flatten() {
            Ok((engine, alarms, lock)) => {
                alarms.set_history(History::new(self.refinery.clone()));
                let (expired, planning) = (ExpiredOffsets::default(), self.planning());
                let engine = engine.with_planner(notify::queue_with(planning.subscribe()));
                Some(AlarmService { alarms, expired, engine, planning, lock })
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "alarms are off");
                None
            }
        }
    }

    fn alarm_limits(&self) -> AlarmLimits {
        let limits = &self.lake().limits().alarm;
        AlarmLimits {
            inbox_readings: limits.alarm_inbox_readings,
            ring_events: limits.alarm_ring_events,
            unwritten_events: limits.alarm_unwritten_events,
        }
    }

    /// Evaluates rules until `stop`, and until everything that waits then is in the journal.
    pub(super) async fn run_alarms(
        &self,
        service: Option<AlarmService>,
        live: &Live,
        stop: &CancellationToken,
    ) {
        let Some(service) = service else { return stop.cancelled().await };
        let AlarmService { alarms, expired, engine, planning, lock } = service;
        let clock: NowUs = Arc::new(|| now().timestamp_micros());
        let mut evaluating = JoinSet::new();
        evaluating.spawn_blocking(move || engine.run(&clock));
        let statements = self.run_statements(&alarms, live, &expired, stop);
        let reloading = self.reload_rules(&alarms, &planning, stop);
        let sending = self.send_notifications(&alarms, &planning, stop);
        tokio::join!(statements, reloading, sending);
        alarms.close();
        evaluating.join_all().await;
        drop(lock);
    }
}

fn open(setup: Setup) -> anyhow::Result<(Engine, Alarms, File)> {
    let lock = lock(&setup.database)?;
    let (engine, alarms) = Engine::open(setup)?;
    Ok((engine, alarms, lock))
}

/// Takes the lock of the process that evaluates rules.
fn lock(database: &Database) -> anyhow::Result<File> {
    let path = database.path().with_extension("alarms.lock");
    let file = open_lock(&path).with_context(|| format!("cannot open {}", path.display()))?;
    file.try_lock().map_err(anyhow::Error::from).with_context(|| {
        format!("another process evaluates the alarm rules: {} is locked", path.display())
    })?;
    Ok(file)
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
