//! The schedule: dumps at an interval, streams continuously, refinement after both.

use super::landing::Others;
use super::stream::Streaming;
use super::{Flow, Report, Watcher};
use config::sentence::sentence;
use lake::lease::Patience;
use lake::refine::Outcome;
use lake::rejected;
use lake::{bronze, upkeep};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

impl Flow {
    /// Rounds at an interval, until `stop`. A failed round is reported and tried again.
    pub async fn rounds(
        &self,
        watcher: &Watcher,
        stop: &CancellationToken,
        report: impl Fn(&Report),
    ) -> anyhow::Result<bool> {
        loop {
            self.watch_folder().await;
            match self.round(watcher).await {
                Ok(done) if done.read.is_empty() && done.changed.is_empty() => {}
                Ok(done) => report(&done),
                Err(error) => tracing::error!(error = sentence(&error), "round failed"),
            }
            if self.pause(self.until_next_round(), stop, async |_changed| {}).await {
                return Ok(true);
            }
        }
    }

    /// Waits for the next round: for `every`, or until a file arrives in a watched folder or a pull
    /// is complete. Meanwhile refines what
    /// streams bring and compacts their files. Returns whether it was stopped.
    pub(super) async fn pause(
        &self,
        every: Duration,
        stop: &CancellationToken,
        on_change: impl AsyncFn(Vec<Outcome>),
    ) -> bool {
        let limits = self.lake().limits();
        let step = Duration::from_secs(limits.refine.stream_refine_every_s).min(every);
        let mut waited = Duration::ZERO;
        while waited < every {
            tokio::select! {
                () = stop.cancelled() => return true,
                () = self.file_arrived() => return false,
                () = self.answers_arrived() => return false,
                () = tokio::time::sleep(step) => waited += step,
            }
            if self.feeds().is_empty() {
                continue;
            }
            let kept = match self.record_topics().await {
                Ok(()) => self.keep_streams().await,
                Err(error) => Err(error),
            };
            match kept {
                Ok(changed) => on_change(changed).await,
                Err(error) => {
                    tracing::warn!(error = sentence(&error), "refinement of streams failed");
                }
            }
        }
        false
    }

    /// Refines what streams brought and compacts their small files. Returns the changed tables.
    async fn keep_streams(&self) -> anyhow::Result<Vec<Outcome>> {
        let outcomes = lake::run::refine_streams(&self.refinery).await?;
        let contracts = self.refinery.plant.contracts.values().filter(|it| it.is_stream());
        for contract in contracts {
            upkeep::compact(self.lake(), &bronze::name(contract)).await?;
        }
        for name in self.refinery.stream_tables().cloned().chain([rejected::name()]) {
            upkeep::compact(self.lake(), &name).await?;
        }
        Ok(outcomes.into_iter().filter(|it| it.is_changed).collect())
    }

    /// Streams -> bronze and silver, and files -> bronze at an interval, until `stop`. Needs no lease.
    pub async fn land_on(
        &self,
        watcher: &Watcher,
        stop: &CancellationToken,
        report: impl Fn(&Report),
    ) -> anyhow::Result<bool> {
        let streaming = async {
            if !self.feeds().is_empty() {
                self.stream_on(&Streaming::until_stopped(stop)).await;
            }
        };
        let landing = async {
            loop {
                self.watch_folder().await;
                match self.land(watcher, Others::Leave).await {
                    Ok((done, _)) if done.read.is_empty() => {}
                    Ok((done, _)) => report(&done),
                    Err(error) => tracing::error!(error = sentence(&error), "round failed"),
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.file_arrived() => {}
                    () = tokio::time::sleep(self.until_next_round()) => {}
                }
            }
        };
        tokio::join!(streaming, landing);
        Ok(true)
    }

    /// Streams and rounds in parallel until `stop`. Rounds need the lease of the lake, streams do not.
    pub async fn ingest_on(
        &self,
        patience: Patience,
        watcher: &Watcher,
        stop: &CancellationToken,
        report: impl Fn(&Report),
    ) -> anyhow::Result<bool> {
        let streaming = async {
            if !self.feeds().is_empty() {
                self.stream_on(&Streaming::until_stopped(stop)).await;
            }
        };
        let rounds = self.beside_interfaces(self.rounds(watcher, stop, report));
        let (_, done) = tokio::join!(streaming, async {
            let done = self.as_refiner_until(stop, patience, rounds).await;
            stop.cancel();
            done
        });
        Ok(done?.unwrap_or(true))
    }
}
