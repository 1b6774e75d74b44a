//! `alarms.toml` in the plant folder: read, checked, and written as a whole.

use super::{RuleProblem, invalid};
use crate::http::error::Error;
use axum::http::StatusCode;
use config::alarms::{self, FILE, Loaded, Problem};
use config::folder::{self, Plant};
use plant::alarm::Rule;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use watch::notify::NotificationPlanner;

/// The file of the rules of a plant.
pub struct RuleFile {
    /// The plant folder; `None` for a plant that is part of the program.
    folder: Option<PathBuf>,
    plant: Arc<Plant>,
    /// Held while the file is changed, so that two changes are not based on one version.
    changing: Mutex<()>,
}

/// A change of one rule, before it is stored.
pub struct Change {
    before: String,
    pub after: String,
    /// The file with the change.
    pub loaded: Loaded,
    /// Name of the changed rule; empty if it is removed.
    name: String,
}

impl RuleFile {
    /// The rules of `plant` in its folder.
    pub fn new(folder: Option<PathBuf>, plant: Arc<Plant>) -> Self {
        Self { folder, plant, changing: Mutex::default() }
    }

    /// The rules as they are in the file.
    pub fn read(&self) -> Result<Loaded, Error> {
        self.plant.load_alarms(self.folder.as_deref()).map_err(Error::internal)
    }

    /// Plans notifications as the file configures them.
    pub fn planner(&self) -> Result<NotificationPlanner, Error> {
        let notifications = Arc::new(self.read()?.notifications);
        let calendar = Arc::new(self.plant.calendar.clone());
        Ok(NotificationPlanner::new(notifications, calendar, None))
    }

    /// Waits until no other change is in progress.
    pub fn lock(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder; an error for a plant that is part of the program.
    pub fn folder(&self) -> Result<&Path, Error> {
        self.folder.as_deref().ok_or_else(|| {
            let message = "the rules of this plant are part of the program: start it with --plant FOLDER \
                           to change them (`cockpit init` makes a folder)";
            Error::new(StatusCode::CONFLICT, "not_editable", message)
        })
    }

    /// A rule in place of the one with `name`, or of the one with its own name.
    pub fn check(&self, name: Option<&str>, toml: &str) -> Result<Change, Error> {
        let before = self.text()?;
        let own = self.name_of(toml);
        let name = name.unwrap_or(&own);
        let after = alarms::replace_rule(&before, name, toml);
        let after = after.map_err(|error| invalid(&format!("invalid rule: {error}")))?;
        let loaded = self.plant.alarms_from(&after);
        Ok(Change { before, after, loaded, name: own })
    }

    /// The name of the first rule of a text; empty without one.
    fn name_of(&self, toml: &str) -> String {
        let rules = self.plant.alarms_from(toml).rules.rules;
        rules.into_iter().next().map(|rule| rule.name).unwrap_or_default()
    }

    fn text(&self) -> Result<String, Error> {
        let Some(path) = &self.folder else {
            let texts = folder::texts(None).map_err(Error::internal)?;
            return Ok(texts.get(FILE).cloned().unwrap_or_default());
        };
        match std::fs::read_to_string(path.join(FILE)) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(Error::internal(error.into())),
        }
    }

    /// The version of the file before a change.
    pub fn revision(&self, change: &Change) -> String {
        self.plant.alarms_from(&change.before).rules.revision
    }
}

impl Change {
    /// The change in the unified format.
    pub fn diff(&self) -> String {
        alarms::unified_diff(FILE, &self.before, &self.after)
    }

    /// The changed rule; an error with its first mistake if it has one.
    pub fn valid_rule(&self) -> Result<Arc<Rule>, Error> {
        let found = self.loaded.rules.find(&self.name).and_then(|it| it.rule.clone());
        let mistake = self.problems().into_iter().find(|problem| !problem.is_warning);
        found.ok_or_else(|| match mistake {
            Some(it) => invalid(&format!("line {}: {}. {}", it.line, it.message, it.remedy)),
            None => invalid("invalid rule: expected one [[rule]]"),
        })
    }

    /// The problems of the changed rule, and of the whole file if it cannot be read, with their lines in the
    /// rule.
    pub fn problems(&self) -> Vec<RuleProblem> {
        let rules = &self.loaded.rules;
        let lines_before = rules.find(&self.name).map_or(0, |rule| rule.line - 1);
        let is_own =
            |it: &&Problem| it.rule.as_deref() == Some(self.name.as_str()) || !rules.is_readable;
        let own = rules.problems.iter().filter(is_own);
        own.map(|problem| RuleProblem::new(problem, lines_before)).collect()
    }
}
