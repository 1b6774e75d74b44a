//! Tables that cannot be read any more: a derived one is built again, a missing source is reported.

use super::watch::Stalled;
use super::{Extent, Refinery, rejected_name};
use crate::models::Step;
use crate::{bronze, dumps};
use anyhow::{Context as _, bail};
use config::model::TableName;
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use std::collections::BTreeSet;

/// Where the logs of damaged tables are kept, below the lake.
const FOLDER: &str = "_cockpit/damaged";

impl Refinery {
    /// Fails if dumps landed in a bronze table that does not exist any more. Refining would take its
    /// records as gone and empty what was made of them.
    pub async fn refuse_missing_bronze(&self) -> anyhow::Result<()> {
        let mut missing = Vec::new();
        for contract in self.plant.contracts.values().filter(|it| !it.is_stream()) {
            if self.lake.state(&bronze::name(contract)).await?.is_none() {
                missing.push(contract.table.as_str());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let landed = dumps::load(&self.lake).await?;
        for table in missing {
            let is_of_table = |row: &&dumps::DumpRow| {
                row.table_name == table && row.status == dumps::Status::Landed
            };
            let count = landed.iter().filter(is_of_table).count();
            if count > 0 {
                bail!("{}", missing_bronze(table, count, &self.lake.location().name));
            }
        }
        Ok(())
    }

    /// Whether a table cannot be read, and why. Reads all of it.
    async fn damage(&self, name: &TableName) -> Option<anyhow::Error> {
        let read = async {
            let Some(state) = self.lake.state(name).await? else { return Ok(()) };
            let table = self.lake.table(name)?;
            for file in state.files() {
                let mut batches = table.read(&file, None, self.lake.batch_rows()).await?;
                while batches.try_next().await.with_context(|| file.path.clone())?.is_some() {}
            }
            Ok(())
        };
        Box::pin(read).await.err()
    }

    /// What to do about a step that failed: in a rebuild its table is put aside if it is damaged, and
    /// `None` means that the step can run again. Otherwise the error is returned with advice.
    pub(super) async fn after_failure(
        &self,
        step: &Step,
        extent: Extent,
        error: anyhow::Error,
    ) -> Option<anyhow::Error> {
        let name = step.name();
        if error.is::<Stalled>() {
            return Some(error);
        }
        let look = async { anyhow::Ok(self.damage(name).await) };
        let Ok(Some(damage)) = self.watched_work("looking for damage", look).await else {
            return Some(error);
        };
        if extent == Extent::Changes {
            let advice = format!("{name} is damaged; build it again with `cockpit rebuild`");
            return Some(damage.context(advice));
        }
        if let Some(expiring) = self.expiring_source(step) {
            let advice = format!(
                "{name} is damaged, and rows of {expiring} that it was made of have expired; restore \
                 {name} from a copy, or delete its folder to build it from the rows that are left"
            );
            return Some(damage.context(advice));
        }
        let table = name.to_string();
        tracing::warn!(table, damage = format!("{damage:#}"), "damaged table is built again");
        self.set_aside(name).await.err()
    }

    /// Puts `silver.rejected` aside if it is damaged. Every step of a rebuild writes its part of it.
    pub(super) async fn set_aside_damaged_rejected(&self) -> anyhow::Result<()> {
        let Some(damage) = self.damage(&rejected_name()).await else { return Ok(()) };
        tracing::warn!(
            damage = format!("{damage:#}"),
            "silver.rejected is damaged and built again"
        );
        self.set_aside(&rejected_name()).await
    }

    /// A table this step is made of, directly or not, whose rows expire.
    fn expiring_source(&self, step: &Step) -> Option<TableName> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![step.name().clone()];
        while let Some(name) = waiting.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            if name != *step.name() && self.plant.retention.contains_key(&name) {
                return Some(name);
            }
            let Some(model) = self.plant.models.get(&name) else { continue };
            waiting.extend(model.upstreams.iter().cloned());
            let source = model.cleans().and_then(|it| self.plant.contracts.get(it));
            waiting.extend(source.map(bronze::name));
        }
        None
    }

    /// Moves the log of a table to [`FOLDER`], so that there is no such table. Its data files stay until
    /// upkeep deletes them as files that no log names.
    async fn set_aside(&self, name: &TableName) -> anyhow::Result<()> {
        let store = self.lake.location().store();
        let log = Key::from_iter([name.schema.as_str(), name.name.as_str(), "_delta_log"]);
        let kept = format!("{FOLDER}/{name}/{}", self.lake.run());
        let entries: Vec<_> = store.list(Some(&log)).try_collect().await?;
        for entry in entries {
            let from = entry.location;
            let Some(file) = from.filename() else { continue };
            let bytes = store.get(&from).await?.bytes().await?;
            store.put(&Key::from(format!("{kept}/{file}")), bytes.into()).await?;
            store.delete(&from).await?;
        }
        self.lake.forget(name).await;
        Ok(())
    }
}

fn missing_bronze(table: &str, dumps: usize, lake: &str) -> String {
    let dumps = if dumps == 1 { "1 dump".to_owned() } else { format!("{dumps} dumps") };
    format!(
        "bronze.{table} is missing in the lake {lake}, although meta.files lists {dumps} in it. \
         Restore the folder bronze/{table} from a copy. Or delete the folder meta/files, so that \
         `cockpit ingest --once` reads all dumps again, and then run `cockpit rebuild`"
    )
}
