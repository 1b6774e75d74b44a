//! Appends to `silver.rejected`, which steps and other streams write too.

use crate::delta::append::Appender;
use crate::delta::table::{Change, State, Table};
use crate::error::Error;
use crate::lake::Lake;
use crate::rejected;
use deltalake::kernel::Add;
use std::collections::BTreeMap;

/// Appends the rejected records of one stream.
#[derive(Default)]
pub struct RejectedSink {
    /// The table when it was loaded.
    state: Option<State>,
    appender: Option<Appender>,
}

impl RejectedSink {
    /// Appends to the table at `state`.
    pub fn new(table: Table, state: Option<State>) -> anyhow::Result<Self> {
        // The table of an older program lacks columns, which have to be added first.
        let is_current = match &state {
            Some(state) => state.schema()?.fields().len() >= rejected::schema().fields().len(),
            None => false,
        };
        let current = state.as_ref().filter(|_| is_current);
        Ok(Self { appender: current.map(|state| Appender::new(table, state)), state })
    }

    /// Commits files, and for each upstream its version that is contained after the commit.
    pub async fn commit(
        &mut self,
        lake: &Lake,
        table: Table,
        adds: Vec<Add>,
        checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        if self.appender.is_none() {
            self.reload(lake, &table, &checkpoints).await?;
        }
        if let Some(appender) = &mut self.appender {
            return appender.append(adds, checkpoints, lake.now_ms()).await;
        }
        let change = Change {
            adds: adds.clone(),
            checkpoints: checkpoints.clone(),
            definition: Some(rejected::definition()),
            ..Change::default()
        };
        match table.commit(self.state.as_ref(), change, lake.now_ms()).await {
            Ok(state) => {
                lake.remember(&table.name, state.clone()).await;
                *self = Self::new(table, Some(state))?;
                Ok(())
            }
            Err(error) => {
                // Another process may have created the table, or added its columns, in the meantime.
                self.reload(lake, &table, &checkpoints).await?;
                let appender = self.appender.as_mut().ok_or(error)?;
                appender.append(adds, checkpoints, lake.now_ms()).await
            }
        }
    }

    /// Loads the table again: a step may have created it meanwhile.
    ///
    /// # Errors
    /// [`Error::CheckpointTaken`] if another process has committed one of these upstreams.
    async fn reload(
        &mut self,
        lake: &Lake,
        table: &Table,
        upstreams: &BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        let Some(state) = lake.state(&table.name).await? else { return Ok(()) };
        for upstream in upstreams.keys() {
            let before = match &self.state {
                Some(before) => table.checkpoint(before, upstream).await?,
                None => None,
            };
            if table.checkpoint(&state, upstream).await? != before {
                let (table, checkpoint) = (table.name.clone(), upstream.clone());
                return Err(Error::CheckpointTaken { table, checkpoint }.into());
            }
        }
        *self = Self::new(table.clone(), Some(state))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use config::location::{self, Purpose};
    use config::settings::Limits;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_795_441_733_776).unwrap()
    }

    fn reaches(upstream: &str, version: i64) -> BTreeMap<String, i64> {
        [(upstream.to_owned(), version)].into()
    }

    /// A table that a step created after the stream had looked for it is appended to, unless another
    /// process has committed the same upstream.
    #[tokio::test]
    async fn rejected_messages_are_appended_to_a_table_created_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let place = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        let lake = Lake::new(place, Limits::default(), "run", now);
        let table = lake.table(&rejected::name()).unwrap();
        let mut ours = RejectedSink::new(table.clone(), None).unwrap();
        let mut theirs = RejectedSink::new(table.clone(), None).unwrap();
        let definition = Some(rejected::definition());
        let created = Change { definition, ..Change::default() };
        table.commit(None, created, lake.now_ms()).await.unwrap();
        ours.commit(&lake, table.clone(), Vec::new(), reaches("topic", 1)).await.unwrap();
        ours.commit(&lake, table.clone(), Vec::new(), reaches("topic", 2)).await.unwrap();
        let refused = theirs.commit(&lake, table.clone(), Vec::new(), reaches("topic", 1)).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused.downcast_ref(), Some(Error::CheckpointTaken { .. })), "{refused}");
        let state = lake.state(&rejected::name()).await.unwrap().unwrap();
        assert_eq!(table.checkpoint(&state, "topic").await.unwrap(), Some(2));
    }
}
