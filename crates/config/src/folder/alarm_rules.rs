//! The alarm rules of a plant folder, which can be read again while the program runs.

use super::{Plant, Texts, texts};
use crate::alarms::{self, FILE, Loaded, References};
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

impl Plant {
    /// Reads the alarm rules and notifications among the texts of the folder, in place of those before.
    pub fn read_alarms(&mut self, texts: &Texts) {
        let loaded = self.alarms_from(texts.get(FILE).map_or("", String::as_str));
        self.alarms = Arc::new(loaded.rules);
        self.notifications = loaded.notifications;
    }

    /// Names of the shifts, sorted.
    pub fn shift_names(&self) -> Vec<String> {
        let names = self.calendar.shifts().iter().map(|shift| shift.name.clone());
        let names: BTreeSet<String> = names.collect();
        names.into_iter().collect()
    }

    /// Reads a text of `alarms.toml` for this plant. Mistakes are among the problems of the rules.
    pub fn alarms_from(&self, text: &str) -> Loaded {
        let references = References {
            temperature: &self.temperature,
            kpis: &self.kpis,
            equipment: &self.equipment,
            tables: self.contracts.keys().map(String::as_str).collect(),
            shifts: self.shift_names(),
        };
        alarms::read(text, &references)
    }

    /// Reads `alarms.toml` of this plant's folder again, or that of the reference plant if there is no
    /// folder.
    ///
    /// # Errors
    /// The file cannot be read. A missing file has no rules.
    pub fn load_alarms(&self, folder: Option<&Path>) -> anyhow::Result<Loaded> {
        let Some(folder) = folder else {
            return Ok(self.alarms_from(texts(None)?.get(FILE).map_or("", String::as_str)));
        };
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(self.alarms_from(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(self.alarms_from("")),
            Err(error) => {
                Err(error).with_context(|| format!("cannot read {} as UTF-8 text", path.display()))
            }
        }
    }
}

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;
