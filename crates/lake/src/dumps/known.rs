//! The dumps that `meta.files` lists, kept up to date while other processes add to it.

use crate::dumps::{DumpRow, load, merged, newest, save, table};
use crate::lake::Lake;
use crate::meta;
use deltalake::kernel::Version;
use std::collections::BTreeMap;

/// The dumps that `meta.files` lists as of one of its versions, and those saved since by this process.
#[derive(Debug, Default)]
pub struct KnownDumps {
    rows: Vec<DumpRow>,
    newest: BTreeMap<(String, String), DumpRow>,
    version: Option<Version>,
}

impl KnownDumps {
    /// All dumps that are listed now.
    pub async fn load(lake: &Lake) -> anyhow::Result<Self> {
        let mut known = Self::default();
        known.refresh(lake).await?;
        Ok(known)
    }

    pub fn rows(&self) -> &[DumpRow] {
        &self.rows
    }

    /// The newest row of each table and key.
    pub fn newest(&self) -> &BTreeMap<(String, String), DumpRow> {
        &self.newest
    }

    /// Adds what other processes have saved since. Rows that were only added are read alone.
    pub async fn refresh(&mut self, lake: &Lake) -> anyhow::Result<()> {
        let definition = table();
        let Some(state) = lake.state(&definition.name).await? else { return Ok(()) };
        let before = self.version.replace(state.version());
        if before == Some(state.version()) {
            return Ok(());
        }
        let log = lake.table(&definition.name)?;
        let difference = match before {
            Some(before) => log.difference(i64::try_from(before)?, &state).await?,
            None => None,
        };
        match difference.filter(|it| it.removed.is_empty()) {
            Some(difference) => {
                let added = log.read_all(&difference.added, None, lake.batch_rows()).await?;
                self.add(&meta::from_batches::<DumpRow>(&added)?);
            }
            None => {
                self.rows = load(lake).await?;
                self.newest = newest(&self.rows);
            }
        }
        Ok(())
    }

    /// Saves rows; a row of the same table, key and number is replaced.
    pub async fn save(&mut self, lake: &Lake, rows: &[DumpRow]) -> anyhow::Result<()> {
        save(lake, rows, &self.rows).await?;
        self.add(rows);
        Ok(())
    }

    fn add(&mut self, rows: &[DumpRow]) {
        if rows.is_empty() {
            return;
        }
        self.rows = merged(std::mem::take(&mut self.rows), rows);
        for (key, row) in newest(rows) {
            let known = self.newest.get(&key);
            if known.is_none_or(|known| (known.seen_at, known.dump) <= (row.seen_at, row.dump)) {
                self.newest.insert(key, row);
            }
        }
    }
}
