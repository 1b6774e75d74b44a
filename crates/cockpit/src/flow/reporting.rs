//! Reports: issued by schedule and on request, corrected and delivered while the service runs.

use super::access::Users;
use super::lake_service::LakeService;
use super::{Flow, now};
use report::issue::IssuerSetup;
use report::schedule::Progress;
use report::{Claims, Engine, Issuer, Runner};
use serve::http::ReportSource;
use std::sync::Arc;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;
use watch::notify::NotificationPlanner;

impl Flow {
    /// The reports of the plant; `None` without a database, in which issued ones are stored.
    pub(super) fn open_reports(
        &self,
        users: &Users,
        lake_service: &Arc<LakeService>,
        planner: Option<Receiver<Arc<NotificationPlanner>>>,
    ) -> Option<Issuer> {
        let Some(database) = users.database() else {
            tracing::warn!(
                remedy = "configure `state` in [access] of plant.toml",
                "reports are off: there is no database"
            );
            return None;
        };
        let limits = serve::Limits::from_settings(self.lake().limits());
        Some(Issuer::new(IssuerSetup {
            database,
            engine: Engine::new(&self.lake().limits().report),
            source: Arc::new(ReportSource::new(lake_service.clone(), limits)),
            plant: self.report_plant(),
            reports: self.refinery.plant.reports.clone(),
            planner: planner.unwrap_or_else(|| self.planning().subscribe()),
        }))
    }

    /// Issues, corrects and delivers reports until `stop`, if this program refines the lake.
    pub(super) async fn run_reports(
        &self,
        issuer: Option<Issuer>,
        lake_service: &LakeService,
        is_refining: bool,
        stop: &CancellationToken,
    ) {
        let Some(issuer) = issuer.filter(|_| is_refining) else { return stop.cancelled().await };
        let limits = self.lake().limits().issue.clone();
        let lapses_after_us = i64::try_from(limits.report_claim_s).unwrap_or(i64::MAX);
        let claims = Claims::new(
            self.lake().location(),
            issuer.database_name(),
            lapses_after_us.saturating_mul(1_000_000),
        );
        let clock = || Progress {
            now_us: now().timestamp_micros(),
            refined_at_us: lake_service.refined_at().map(|at| at.timestamp_micros()),
        };
        let ran = match Runner::new(issuer, claims, limits) {
            Ok(runner) => Box::pin(runner.run(clock, stop.clone())).await,
            Err(error) => Err(error),
        };
        if let Err(error) = ran {
            tracing::error!(error = format!("{error:#}"), "scheduled reports are off");
            stop.cancelled().await;
        }
    }
}
