//! Who refines the lake: one program at a time, by its lease.

use super::{Flow, now};
use anyhow::{Context as _, anyhow};
use lake::lease::{self, Holder, Lease, Patience};
use lake::upkeep;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SILENT: &str =
    "the lake did not answer when its lease was to be given back; the lease ends by itself";

impl Flow {
    /// Runs `work` as the lake's one refiner. The lease is renewed while it runs; if it is lost,
    /// the work is cut off, which harms nothing.
    pub async fn as_refiner<T>(
        &self,
        patience: Patience,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let done = self.as_refiner_until(&CancellationToken::new(), patience, work).await?;
        done.context("waiting for the lake was given up")
    }

    /// [`Flow::as_refiner`], but `None` if `stop` comes before the lake is free, or if the work is not over
    /// `stop_within_s` after it: then it is cut off, and the lake is given back.
    pub async fn as_refiner_until<T>(
        &self,
        stop: &CancellationToken,
        patience: Patience,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        let Some(lease) = self.take_lease(stop, patience).await? else { return Ok(None) };
        self.refine_with(lease, stop, work).await
    }

    async fn take_lease(
        &self,
        stop: &CancellationToken,
        patience: Patience,
    ) -> anyhow::Result<Option<Lease>> {
        let lake = self.lake();
        let holder = Holder::this_process(lake.run(), now(), lake.limits().lake.lease_ttl_s);
        let taken = lease::take(lake.location(), holder, patience, stop).await?;
        let Some(lease) = taken else { return Ok(None) };
        if let Some(dead) = &lease.died {
            let swept = upkeep::delete_uncommitted(lake, dead).await?;
            let (host, pid) = (&dead.host, dead.pid);
            tracing::warn!(host, pid, swept, "took over from a dead refiner");
        }
        Ok(Some(lease))
    }

    async fn refine_with<T>(
        &self,
        mut lease: Lease,
        stop: &CancellationToken,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        let limits = self.lake().limits();
        let ttl = Duration::from_secs(limits.lake.lease_ttl_s);
        let grace = Duration::from_secs(limits.refine.stop_within_s);
        let is_over = CancellationToken::new();
        let (done, lost) = {
            let mut keeping = pin!(keep(&mut lease, ttl, &is_over));
            let working = async {
                tokio::select! {
                    done = work => done.map(Some),
                    () = expired(stop, grace) => Ok(None),
                }
            };
            tokio::select! {
                done = working => {
                    is_over.cancel();
                    // A renewal under way must be known before the lease can be given back.
                    let kept = tokio::time::timeout(ttl, keeping).await;
                    (done, kept.unwrap_or_else(|_elapsed| Err(anyhow!(SILENT))))
                }
                lost = &mut keeping => (Ok(None), lost),
            }
        };
        let given_back = match lost {
            Ok(()) => lease.release().await,
            Err(lost) => Err(lost),
        };
        let done = done?;
        given_back?;
        Ok(done)
    }
}

/// Renews the lease until `is_over`. An error means that it is lost.
async fn keep(lease: &mut Lease, ttl: Duration, is_over: &CancellationToken) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = is_over.cancelled() => return Ok(()),
            () = tokio::time::sleep(ttl / 3) => lease.renew().await?,
        }
    }
}

/// So long after `stop`.
async fn expired(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(grace).await;
    tracing::info!("work under way is cut off");
}
