//! Rules that are edited while the program runs.

use super::notifying::Planning;
use crate::flow::Flow;
use config::alarms::{self, AlarmRules, Loaded};
use lake::plan::alarms as planned;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;
use watch::Alarms;

/// Size and time of the last change of a file; `None` if there is no file.
type Stamp = Option<(u64, Option<SystemTime>)>;

impl Flow {
    /// Reads `alarms.toml` again whenever it changes, until `stop`. A file that is not valid TOML, or cannot be
    /// read, leaves the rules as they are; a rule with a mistake is left out.
    pub(super) async fn reload_rules(
        &self,
        alarms: &Alarms,
        planning: &Planning,
        stop: &CancellationToken,
    ) {
        let Some(folder) = self.plant_folder.as_deref() else { return stop.cancelled().await };
        let every = Duration::from_millis(self.lake().limits().alarm.alarm_reload_ms);
        let mut revision = self.refinery.plant.alarms.revision.clone();
        let mut seen = stamp(folder);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            let found = stamp(folder);
            if found == seen {
                continue;
            }
            seen = found;
            if let Some(loaded) = self.load_rules(folder, &revision).await {
                revision = loaded.rules.revision.clone();
                alarms.reload(loaded.rules.valid().cloned().collect(), None, None);
                self.renew(planning, loaded.notifications);
                tracing::info!(revision, "alarm rules reloaded");
            }
        }
    }

    /// The rules of the file if they differ from those with `revision` and can be used.
    async fn load_rules(&self, folder: &Path, revision: &str) -> Option<Loaded> {
        let (folder, plant) = (folder.to_owned(), Arc::clone(&self.refinery.plant));
        let read = tokio::task::spawn_blocking(move || plant.load_alarms(Some(&folder))).await;
        let loaded = match read {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(error)) => {
                tracing::warn!(error = format!("{error:#}"), "alarm rules not reloaded");
                return None;
            }
            Err(_cancelled) => return None,
        };
        if loaded.rules.revision == revision {
            return None;
        }
        let rules = self.checked_rules(&loaded.rules).await;
        rules.is_readable.then_some(Loaded { rules, ..loaded })
    }

    /// The rules without those whose statements cannot be planned. Mistakes are logged.
    pub(super) async fn checked_rules(&self, rules: &AlarmRules) -> AlarmRules {
        let mut rules = rules.clone();
        let (plant, steps) = (&self.refinery.plant, &self.refinery.steps);
        if let Err(error) = planned::check(plant, steps, &mut rules).await {
            tracing::warn!(error = format!("{error:#}"), "statements of alarm rules not checked");
        }
        for mistake in rules.mistakes() {
            tracing::warn!(mistake = mistake.to_string(), "mistake in the alarm rules");
        }
        rules
    }
}

fn stamp(folder: &Path) -> Stamp {
    let found = std::fs::metadata(folder.join(alarms::FILE)).ok()?;
    Some((found.len(), found.modified().ok()))
}
