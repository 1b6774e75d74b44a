//! Delivers issued reports: as messages on the channels of `alarms.toml`, and as files in folders and buckets.
//!
//! *In*: deliveries queued in the transaction that stored their report. *Out*: mail with files, messages with a
//! link, files. *Promise*: a delivery is attempted until the receiver confirms it or its attempts are used up; an
//! attempt whose outcome is unknown is repeated with the same `Message-ID`, or the same file names and bytes.

mod message;
mod words;

use crate::issue::error::IssueError;
use crate::issue::issuer::Issuer;
use crate::issue::queue::{self, DeliveryOutcome};
use crate::issue::record::{Delivery, DeliveryKind, IssuedFile, IssuedReport};
use crate::issue::store;
use anyhow::Context as _;
use config::location::{Purpose, open};
use config::settings::{IssueLimits, NotificationLimits};
use futures::future::join_all;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt as _, PutPayload};
use std::sync::Arc;
use std::time::Duration;
use watch::notify::{Deliveries, Failure, NotificationPlanner, pause_us};

/// Sends queued deliveries.
#[derive(Clone)]
pub struct DeliverySender {
    issuer: Issuer,
    limits: IssueLimits,
    deliveries: Arc<Deliveries>,
}

/// A delivery with what it delivers.
struct Parcel {
    delivery: Delivery,
    issued: IssuedReport,
    files: Vec<IssuedFile>,
}

impl DeliverySender {
    /// A sender on the channels of the issuer's plant.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new(issuer: Issuer, limits: IssueLimits) -> anyhow::Result<Self> {
        let planner = issuer.planner();
        let notifications = planner.notifications();
        let time = attempt_time(&notifications.limits);
        let deliveries = Arc::new(Deliveries::new(&notifications.outgoing, time)?);
        Ok(Self { issuer, limits, deliveries })
    }

    /// Attempts the deliveries that are due, and stores the results.
    ///
    /// # Errors
    /// The database fails; a delivery that is being attempted then is attempted again after the next start.
    pub async fn round(&self, now_us: &(dyn Fn() -> i64 + Sync)) -> Result<(), IssueError> {
        let planner = self.issuer.planner();
        let limits = planner.notifications().limits.clone();
        let begun_us = now_us();
        if !self.issuer.read(move |tx| queue::is_due(tx, begun_us)).await? {
            return Ok(());
        }
        let claiming = limits.clone();
        let claimed = self.issuer.write(move |tx| {
            let claimed = queue::claim(tx, &claiming, claiming.attempts_at_once, begun_us)?;
            claimed.into_iter().map(|delivery| load(tx, delivery)).collect::<Result<Vec<_>, _>>()
        });
        let attempts =
            claimed.await?.into_iter().map(|parcel| self.attempt(&planner, parcel, begun_us));
        for (delivery, result) in join_all(attempts).await {
            let ended_us = now_us();
            let outcome = outcome(&delivery, result, &limits, ended_us);
            let id = delivery.id;
            self.issuer.write(move |tx| queue::finish(tx, id, &outcome, ended_us)).await?;
        }
        Ok(())
    }

    async fn attempt(
        &self,
        planner: &NotificationPlanner,
        parcel: Parcel,
        now_us: i64,
    ) -> (Delivery, Result<(), Failure>) {
        let result = match parcel.delivery.content.kind {
            DeliveryKind::Message => self.send(planner, &parcel, now_us).await,
            DeliveryKind::Folder => {
                let time = attempt_time(&planner.notifications().limits);
                let written = tokio::time::timeout(time, write_files(&parcel)).await;
                let late =
                    || Failure::temporary(format!("not written within {} s", time.as_secs()));
                written.map_err(|_elapsed| late()).and_then(|it| it.map_err(Failure::from))
            }
        };
        (parcel.delivery, result)
    }

    async fn send(
        &self,
        planner: &NotificationPlanner,
        parcel: &Parcel,
        now_us: i64,
    ) -> Result<(), Failure> {
        let Parcel { delivery, issued, files } = parcel;
        let target = &delivery.content.target;
        let missing = || Failure::temporary(format!("alarms.toml has no channel `{target}`"));
        let channel = planner.notifications().channel(target).ok_or_else(missing)?;
        let bytes_max = self.limits.report_attachments_bytes;
        let message =
            message::outgoing(planner, channel, delivery, issued, files, bytes_max, now_us)
                .map_err(Failure::temporary)?;
        self.deliveries.deliver(channel, &message).await
    }
}

fn attempt_time(limits: &NotificationLimits) -> Duration {
    Duration::from_millis(limits.attempt_time_ms.into())
}

fn load(tx: &rusqlite::Transaction<'_>, delivery: Delivery) -> Result<Parcel, access::Error> {
    let issued = store::get(tx, delivery.issued)?;
    let files = delivery.content.formats.iter();
    let files = files.map(|format| store::file(tx, issued.id, format)).collect::<Result<_, _>>()?;
    Ok(Parcel { delivery, issued, files })
}

/// Writes the files into the folder of the report, each at once: a reader never finds a part of one.
async fn write_files(parcel: &Parcel) -> anyhow::Result<()> {
    let target = parcel.delivery.content.target.clone();
    let opened = tokio::task::spawn_blocking(move || open(&target, Purpose::Write)).await?;
    let store = opened?.store();
    for file in &parcel.files {
        let key = Key::from_iter([parcel.issued.report.as_str(), file.name.as_str()]);
        let payload = PutPayload::from(file.bytes.clone());
        store.put(&key, payload).await.with_context(|| format!("cannot write {key}"))?;
    }
    Ok(())
}

/// What follows from the result of an attempt.
fn outcome(
    delivery: &Delivery,
    result: Result<(), Failure>,
    limits: &NotificationLimits,
    now_us: i64,
) -> DeliveryOutcome {
    let Err(Failure { error, is_permanent, asked_us }) = result else {
        return DeliveryOutcome::Sent;
    };
    let (id, recipient) = (delivery.id, &delivery.content.recipient);
    if is_permanent || delivery.attempts >= limits.attempts_max {
        let attempts = delivery.attempts;
        tracing::error!(id, recipient, attempts, error, "a report was not delivered");
        return DeliveryOutcome::Failed { error };
    }
    tracing::warn!(id, recipient, error, "the delivery of a report failed; it is attempted again");
    let pause_us = pause_us(delivery.attempts, &message::key(delivery), asked_us, limits);
    DeliveryOutcome::Retry { due_at_us: now_us.saturating_add(pause_us), error }
}
