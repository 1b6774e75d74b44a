//! `silver.rejected` as a stream appends to it.

use super::super::Lake;
use super::super::append::Appender;
use super::super::refine::rejected;
use super::super::table::{Change, State, Table};
use anyhow::bail;
use deltalake::kernel::Add;
use std::collections::BTreeMap;

/// `silver.rejected`, being appended to: others append to it too.
#[derive(Default)]
pub struct RejectedSink {
    /// The table as it was taken.
    state: Option<State>,
    appender: Option<Appender>,
}

impl RejectedSink {
    /// Takes the table as it stands.
    pub fn new(table: Table, state: Option<State>) -> anyhow::Result<Self> {
        // An older program's table lacks columns, and has to be told of them first.
        let is_current = match &state {
            Some(state) => state.schema()?.fields().len() >= rejected::schema().fields().len(),
            None => false,
        };
        let current = state.as_ref().filter(|_| is_current);
        Ok(Self { appender: current.map(|state| Appender::new(table, state)), state })
    }

    /// Commits files, and how far each upstream is contained by them.
    pub async fn commit(
        &mut self,
        lake: &Lake,
        table: Table,
        adds: Vec<Add>,
        checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        if self.appender.is_none() {
            self.catch_up(lake, &table, &checkpoints).await?;
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
                // Another program may have made the table, or added its columns, in the meantime.
                self.catch_up(lake, &table, &checkpoints).await?;
                let appender = self.appender.as_mut().ok_or(error)?;
                appender.append(adds, checkpoints, lake.now_ms()).await
            }
        }
    }

    /// Takes the table anew: dumps may have made it meanwhile. Fails if somebody else went on with one
    /// of these upstreams.
    async fn catch_up(
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
                bail!("another program goes on with {upstream} in {}", table.name);
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

    /// A table that dumps made after the stream had looked for it is appended to, unless another
    /// program went on with the stream.
    #[tokio::test]
    async fn rejected_messages_go_to_the_table_dumps_made_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let place = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        let lake = Lake::new(place, Limits::default(), "run", now);
        let table = lake.table(&rejected::name()).unwrap();
        let mut ours = RejectedSink::new(table.clone(), None).unwrap();
        let mut theirs = RejectedSink::new(table.clone(), None).unwrap();
        let definition = Some(rejected::definition());
        let made = Change { definition, ..Change::default() };
        table.commit(None, made, lake.now_ms()).await.unwrap();
        ours.commit(&lake, table.clone(), Vec::new(), reaches("topic", 1)).await.unwrap();
        ours.commit(&lake, table.clone(), Vec::new(), reaches("topic", 2)).await.unwrap();
        let refused = theirs.commit(&lake, table.clone(), Vec::new(), reaches("topic", 1)).await;
        assert!(refused.unwrap_err().to_string().contains("another program"));
        let state = lake.state(&rejected::name()).await.unwrap().unwrap();
        assert_eq!(table.checkpoint(&state, "topic").await.unwrap(), Some(2));
    }
}
