//! Issues what is due: runs of schedules, corrections and deliveries, while the program runs.

use super::claim::{Claimed, Claims};
use super::correct::correct_all;
use super::error::IssueError;
use super::issuer::{Issuer, Order};
use super::record::IssueCause;
use super::{queue, store};
use crate::schedule::{Progress, due_us};
use crate::send::DeliverySender;
use anyhow::Context as _;
use config::reports::{Definition, Schedule};
use config::settings::IssueLimits;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;
/// How often expired reports are removed.
const EXPIRE_EVERY_US: i64 = 3_600 * SECOND_US;

/// Issues what is due. Of several processes with one database, one works at a time; of several with one lake,
/// [`Claims`] decide.
pub struct Runner {
    issuer: Issuer,
    claims: Claims,
    limits: IssueLimits,
    sender: DeliverySender,
    /// Time of the last run of each schedule.
    last_us: BTreeMap<String, i64>,
    /// When a schedule that failed is tried again.
    retry_us: BTreeMap<String, i64>,
    corrected_at_us: i64,
    expired_at_us: i64,
}

impl Runner {
    /// A runner of the schedules of `issuer`.
    ///
    /// # Errors
    /// There is no TLS for messages.
    pub fn new(issuer: Issuer, claims: Claims, limits: IssueLimits) -> anyhow::Result<Self> {
        let sender = DeliverySender::new(issuer.clone(), limits.clone())?;
        Ok(Self {
            issuer,
            claims,
            limits,
            sender,
            last_us: BTreeMap::new(),
            retry_us: BTreeMap::new(),
            corrected_at_us: i64::MIN / 2,
            expired_at_us: i64::MIN / 2,
        })
    }

    /// Works until `stop`. `clock` returns the time and the last refinement.
    ///
    /// # Errors
    /// The lock file cannot be opened, or the database cannot be read at the start.
    pub async fn run(
        mut self,
        clock: impl Fn() -> Progress + Send + Sync,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let pause = Duration::from_millis(self.limits.report_poll_ms);
        let Some(_lock) = lock(self.issuer.database().path(), pause, &stop).await? else {
            return Ok(());
        };
        let now_us = clock().now_us;
        self.issuer.write(move |tx| queue::recover(tx, now_us)).await?;
        let sender = self.sender.clone();
        let sending = async {
            while !is_stopped(pause, &stop).await {
                if let Err(error) = sender.round(&|| clock().now_us).await {
                    tracing::warn!(%error, "deliveries of reports are not made");
                }
            }
        };
        let issuing = async {
            while !is_stopped(pause, &stop).await {
                if let Err(error) = self.round(clock()).await {
                    tracing::warn!(%error, "reports are not issued");
                }
            }
        };
        tokio::join!(sending, issuing);
        Ok(())
    }

    /// Issues the runs and corrections that are due.
    ///
    /// # Errors
    /// The database or the lake fails. A report that cannot be made is logged and tried again.
    pub async fn round(&mut self, at: Progress) -> Result<(), IssueError> {
        for report in self.issuer.reports().clone().into_values() {
            if let Some(schedule) = &report.schedule {
                self.run_schedule(&report, schedule, at).await?;
            }
        }
        let every_us = micros(self.limits.report_corrections_s);
        if at.now_us - self.corrected_at_us >= every_us {
            self.corrected_at_us = at.now_us;
            correct_all(&self.issuer, &self.limits, at.now_us).await?;
        }
        if at.now_us - self.expired_at_us >= EXPIRE_EVERY_US {
            self.expired_at_us = at.now_us;
            let kept_us = i64::try_from(self.limits.report_kept_days).unwrap_or(i64::MAX);
            let before_us = at.now_us.saturating_sub(kept_us.saturating_mul(DAY_US));
            self.issuer.write(move |tx| store::expire(tx, before_us)).await?;
        }
        Ok(())
    }

    /// Attempts the deliveries that are due.
    ///
    /// # Errors
    /// The database fails.
    pub async fn deliver(&self, now_us: i64) -> Result<(), IssueError> {
        self.sender.round(&|| now_us).await
    }

    async fn run_schedule(
        &mut self,
        report: &Arc<Definition>,
        schedule: &Schedule,
        at: Progress,
    ) -> Result<(), IssueError> {
        let name = &report.name;
        let last_us = self.last_us(name, at.now_us).await?;
        let calendar = &self.issuer.plant().calendar;
        let Some(run_at_us) = due_us(&schedule.moment, calendar, last_us, at) else {
            return Ok(());
        };
        if self.retry_us.get(name).is_some_and(|retry_us| at.now_us < *retry_us) {
            return Ok(());
        }
        match self.claims.claim(name, run_at_us, at.now_us).await? {
            Claimed::Held => {}
            Claimed::Done => self.note(name, run_at_us).await?,
            Claimed::Ours => self.issue(name, run_at_us, at.now_us).await?,
        }
        Ok(())
    }

    async fn issue(&mut self, name: &str, run_at_us: i64, now_us: i64) -> Result<(), IssueError> {
        let order = Order {
            report: name.to_owned(),
            parameters: BTreeMap::new(),
            language: None,
            cause: IssueCause::Schedule { run_at_us },
            at_us: run_at_us,
            is_sent: true,
        };
        match self.issuer.issue(&order, now_us).await {
            Ok(id) => {
                tracing::info!(report = name, id, run_at_us, "report issued");
                self.issuer.set_problem(name, None);
                self.retry_us.remove(name);
                self.last_us.insert(name.to_owned(), run_at_us);
                Ok(self.claims.finish(name, run_at_us, now_us).await?)
            }
            Err(error) => {
                let pause_s = self.limits.report_retry_s;
                tracing::error!(report = name, run_at_us, pause_s, %error, "report not issued");
                self.issuer.set_problem(name, Some(error.to_string()));
                self.retry_us.insert(name.to_owned(), now_us.saturating_add(micros(pause_s)));
                Ok(())
            }
        }
    }

    /// Time of the last run of a schedule. The first time, a program continues after the last run of any program
    /// with this lake, or begins now.
    async fn last_us(&mut self, name: &str, now_us: i64) -> Result<i64, IssueError> {
        if let Some(last_us) = self.last_us.get(name) {
            return Ok(*last_us);
        }
        let done_us = self.claims.last_done_us(name).await?;
        let (report, begin_us) = (name.to_owned(), done_us.unwrap_or(now_us));
        let stored = self.issuer.write(move |tx| {
            let last_us = store::last_run_us(tx, &report, begin_us)?;
            Ok((last_us, store::is_issued(tx, &report, last_us)?))
        });
        let (last_us, is_issued) = stored.await?;
        if is_issued && done_us.is_none_or(|done_us| done_us < last_us) {
            // The program was killed between the issue and its mark in the lake.
            self.claims.finish(name, last_us, now_us).await?;
        }
        self.last_us.insert(name.to_owned(), last_us);
        Ok(last_us)
    }

    /// Notes a run that another program issued.
    async fn note(&mut self, name: &str, run_at_us: i64) -> Result<(), IssueError> {
        let report = name.to_owned();
        self.issuer.write(move |tx| store::note_run(tx, &report, run_at_us)).await?;
        self.last_us.insert(name.to_owned(), run_at_us);
        Ok(())
    }
}

fn micros(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(SECOND_US)
}

/// Waits; true if stopped.
async fn is_stopped(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(pause) => false,
    }
}

/// The lock of the process that issues reports for a database; `None` if stopped before it was free.
async fn lock(
    database: &Path,
    pause: Duration,
    stop: &CancellationToken,
) -> anyhow::Result<Option<File>> {
    let path = database.with_extension("reports.lock");
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        if is_stopped(pause, stop).await {
            return Ok(None);
        }
    }
}
