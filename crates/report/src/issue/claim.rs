//! Claims of scheduled runs, in the lake: of several programs with one lake, one issues a run.
//!
//! A claim is a file that the store creates once. A program that is killed after its claim leaves it without the
//! mark `done`; after the time of a claim another program takes the run over, and the same database at once, since
//! only one program at a time issues for a database. The marks also show a program with a new database which runs
//! were issued.

use anyhow::Context as _;
use config::location::Location;
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const FOLDER: &str = "_cockpit/reports";

/// The claims of a lake.
#[derive(Debug, Clone)]
pub struct Claims {
    store: Arc<dyn ObjectStore>,
    /// Identifies the database of this program.
    owner: String,
    /// Time after which a claim without an issued report lapses.
    lapses_after_us: i64,
}

/// Result of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// This program issues the run.
    Ours,
    /// The run was issued, or a later one.
    Done,
    /// Another program is issuing it.
    Held,
}

/// Content of a claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claim {
    owner: String,
    at_us: i64,
}

/// A file of the claims of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Attempt { run_at_us: i64, number: u32 },
    Done { run_at_us: i64 },
}

impl Claims {
    /// The claims in a lake, made for the database `owner`.
    pub fn new(lake: &Location, owner: String, lapses_after_us: i64) -> Self {
        Self { store: lake.store(), owner, lapses_after_us }
    }

    /// Time of the last run that any program issued.
    ///
    /// # Errors
    /// The lake cannot be read.
    pub async fn last_done_us(&self, report: &str) -> anyhow::Result<Option<i64>> {
        let done = |mark: Mark| match mark {
            Mark::Done { run_at_us } => Some(run_at_us),
            Mark::Attempt { .. } => None,
        };
        Ok(self.marks(report).await?.into_iter().filter_map(done).max())
    }

    /// Claims a run.
    ///
    /// # Errors
    /// The lake cannot be read or written.
    pub async fn claim(
        &self,
        report: &str,
        run_at_us: i64,
        now_us: i64,
    ) -> anyhow::Result<Claimed> {
        let marks = self.marks(report).await?;
        let is_done =
            |mark: &Mark| matches!(mark, Mark::Done { run_at_us: done } if *done >= run_at_us);
        if marks.iter().any(is_done) {
            return Ok(Claimed::Done);
        }
        let attempt = |mark: &Mark| match mark {
            Mark::Attempt { run_at_us: own, number } if *own == run_at_us => Some(*number),
            _ => None,
        };
        let last = marks.iter().filter_map(attempt).max();
        if let Some(number) = last
            && self.is_held(report, Mark::Attempt { run_at_us, number }, now_us).await?
        {
            return Ok(Claimed::Held);
        }
        let number = last.map_or(1, |number| number + 1);
        let claim = Claim { owner: self.owner.clone(), at_us: now_us };
        self.create(report, Mark::Attempt { run_at_us, number }, &claim).await
    }

    /// Marks a run as issued, and removes the marks of earlier runs.
    ///
    /// # Errors
    /// The lake cannot be written.
    pub async fn finish(&self, report: &str, run_at_us: i64, now_us: i64) -> anyhow::Result<()> {
        let done = Mark::Done { run_at_us };
        let claim = Claim { owner: self.owner.clone(), at_us: now_us };
        self.create(report, done, &claim).await?;
        for mark in self.marks(report).await? {
            let is_earlier = mark.run_at_us() < run_at_us;
            if is_earlier || (mark != done && mark.run_at_us() == run_at_us) {
                self.delete(report, mark).await?;
            }
        }
        Ok(())
    }

    async fn is_held(&self, report: &str, mark: Mark, now_us: i64) -> anyhow::Result<bool> {
        let key = key(report, mark);
        let read = match self.store.get(&key).await {
            Ok(found) => found.bytes().await,
            // The run was finished meanwhile; the next attempt sees its mark.
            Err(object_store::Error::NotFound { .. }) => return Ok(true),
            Err(error) => Err(error),
        };
        let bytes = read.with_context(|| format!("cannot read {key}"))?;
        // A claim that cannot be read was written incompletely, by a program that was killed.
        let Ok(claim) = serde_json::from_slice::<Claim>(&bytes) else { return Ok(false) };
        Ok(claim.owner != self.owner && now_us < claim.at_us.saturating_add(self.lapses_after_us))
    }

    async fn create(&self, report: &str, mark: Mark, claim: &Claim) -> anyhow::Result<Claimed> {
        let key = key(report, mark);
        let payload = PutPayload::from(serde_json::to_vec(claim)?);
        match self.store.put_opts(&key, payload, PutMode::Create.into()).await {
            Ok(_) => Ok(Claimed::Ours),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Claimed::Held),
            Err(error) => Err(error).with_context(|| format!("cannot write {key}")),
        }
    }

    async fn delete(&self, report: &str, mark: Mark) -> anyhow::Result<()> {
        let key = key(report, mark);
        match self.store.delete(&key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot delete {key}")),
        }
    }

    async fn marks(&self, report: &str) -> anyhow::Result<Vec<Mark>> {
        let folder = Key::from_iter(FOLDER.split('/').chain([report]));
        let found = self.store.list(Some(&folder)).try_collect::<Vec<_>>().await;
        let found = found.with_context(|| format!("cannot list {folder}"))?;
        let marks = found.iter().filter_map(|it| it.location.filename().and_then(Mark::from_name));
        Ok(marks.collect())
    }
}

impl Mark {
    fn run_at_us(self) -> i64 {
        match self {
            Self::Attempt { run_at_us, .. } | Self::Done { run_at_us } => run_at_us,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Attempt { run_at_us, number } => format!("{run_at_us}-{number}.json"),
            Self::Done { run_at_us } => format!("{run_at_us}-done.json"),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let (run_at, mark) = name.strip_suffix(".json")?.split_once('-')?;
        let run_at_us = run_at.parse().ok()?;
        match mark {
            "done" => Some(Self::Done { run_at_us }),
            number => Some(Self::Attempt { run_at_us, number: number.parse().ok()? }),
        }
    }
}

fn key(report: &str, mark: Mark) -> Key {
    let name = mark.name();
    Key::from_iter(FOLDER.split('/').chain([report, name.as_str()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::location::{Purpose, open};
    use tempfile::TempDir;

    const RUN: i64 = 1_000_000;
    const LAPSE: i64 = 500;

    fn lake() -> (TempDir, Location) {
        let folder = tempfile::tempdir().unwrap();
        let lake = open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        (folder, lake)
    }

    fn claims(lake: &Location, owner: &str) -> Claims {
        Claims::new(lake, owner.into(), LAPSE)
    }

    #[tokio::test]
    async fn one_of_two_programs_issues_a_run() {
        let (_folder, lake) = lake();
        let (first, second) = (claims(&lake, "a"), claims(&lake, "b"));
        let (one, other) =
            tokio::join!(first.claim("stock", RUN, RUN), second.claim("stock", RUN, RUN));
        let mut both = [one.unwrap(), other.unwrap()];
        both.sort_by_key(|it| *it != Claimed::Ours);
        assert_eq!(both, [Claimed::Ours, Claimed::Held]);
    }

    #[tokio::test]
    async fn an_issued_run_is_done_for_all_and_earlier_ones_too() {
        let (_folder, lake) = lake();
        let (first, second) = (claims(&lake, "a"), claims(&lake, "b"));
        assert_eq!(second.last_done_us("stock").await.unwrap(), None);
        for run in [RUN, RUN + 1] {
            assert_eq!(first.claim("stock", run, run).await.unwrap(), Claimed::Ours);
            first.finish("stock", run, run).await.unwrap();
        }
        for run in [RUN, RUN + 1] {
            assert_eq!(second.claim("stock", run, run).await.unwrap(), Claimed::Done);
        }
        assert_eq!(second.last_done_us("stock").await.unwrap(), Some(RUN + 1));
        assert_eq!(second.marks("stock").await.unwrap(), [Mark::Done { run_at_us: RUN + 1 }]);
        assert_eq!(second.claim("quality", RUN, RUN).await.unwrap(), Claimed::Ours);
    }

    #[tokio::test]
    async fn a_run_of_a_killed_program_is_taken_over_once() {
        let (_folder, lake) = lake();
        let (first, second, third) = (claims(&lake, "a"), claims(&lake, "b"), claims(&lake, "c"));
        assert_eq!(first.claim("stock", RUN, RUN).await.unwrap(), Claimed::Ours);
        // The next program with the same database continues at once.
        assert_eq!(first.claim("stock", RUN, RUN).await.unwrap(), Claimed::Ours);
        assert_eq!(second.claim("stock", RUN, RUN + LAPSE - 1).await.unwrap(), Claimed::Held);
        assert_eq!(second.claim("stock", RUN, RUN + LAPSE).await.unwrap(), Claimed::Ours);
        assert_eq!(third.claim("stock", RUN, RUN + LAPSE).await.unwrap(), Claimed::Held);
    }
}
