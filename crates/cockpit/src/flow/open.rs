//! Opens lake and bucket, and queries the lake.

use super::interfaces::Interfaces;
use super::source_states::SourceStates;
use super::watching::Watching;
use super::{Flow, now, stream};
use crate::memory;
use anyhow::{Context as _, bail};
use config::Config;
use config::folder::Plant;
use config::kpi::Kpi;
use config::location::{self, Purpose};
use datafusion::prelude::{DataFrame, SessionContext};
use ingest::schema_registry::SchemaRegistry;
use lake::context::LakeContext;
use lake::kpi::{self, KpiQuery, Row};
use lake::plan::{Step, planner};
use lake::{Lake, session};
use serve::http;
use std::sync::Arc;
use std::time::Duration;

/// Plans the models of the plant.
///
/// # Errors
/// Lists all mistakes in the models.
pub async fn plan(plant: &Plant) -> anyhow::Result<Vec<Step>> {
    let (steps, found) = planner::plan(plant).await?;
    if !found.is_empty() {
        let listed = config::listed(&found);
        bail!("the models of the plant have mistakes:\n{listed}");
    }
    Ok(steps)
}

impl Flow {
    /// Opens the lake and the bucket of the configuration.
    pub async fn open(config: &Config, purpose: Purpose) -> anyhow::Result<Self> {
        memory::release_regularly(&config.plant.limits.refine);
        let steps = plan(&config.plant).await?;
        let run = uuid::Uuid::now_v7().simple().to_string();
        let lake = location::open(&config.lake.0, purpose).context("cannot open the lake")?;
        let bucket = match &config.bucket {
            Some((url, _)) => Some(Arc::new(
                location::open_within(url, Purpose::Read, &config.plant.limits.file_server)
                    .context("cannot open the bucket; choose another one with --bucket")?,
            )),
            None => None,
        };
        let limits = config.plant.limits.clone();
        let registry = config.plant.kafka.registry.as_ref();
        let registry = registry
            .map(|address| SchemaRegistry::new(address, &lake, limits.registry.clone(), now))
            .transpose()?
            .map(Arc::new);
        let runtime = session::runtime(&limits)?;
        let refinery = LakeContext {
            lake: Arc::new(Lake::new(lake, limits, &run, now)),
            plant: Arc::new(config.plant.clone()),
            steps: Arc::new(steps),
            runtime,
            memory: Arc::default(),
            read: stream::reader(&config.plant.limits, registry),
        };
        let kafka = config.kafka.is_some().then(|| config.plant.kafka.clone());
        Ok(Self {
            refinery,
            bucket,
            plant_folder: config.plant_folder.clone(),
            public_url: config.endpoint.public_url.as_ref().map(|(url, _)| url.clone()),
            kafka,
            messages_read: Arc::default(),
            is_simulated: false,
            began_at: now(),
            watching: Watching::default(),
            pulled: Interfaces::default(),
            unmatched_at: Arc::default(),
            sources: Arc::default(),
            states: SourceStates::default(),
            topics: stream::TopicStates::default(),
        })
    }

    pub(super) fn lake(&self) -> &Lake {
        &self.refinery.lake
    }

    /// Pause before a failed stream or a lake that is in use is tried again.
    pub(super) fn retry_pause(&self) -> Duration {
        Duration::from_secs(self.lake().limits().refine.retry_pause_s)
    }

    /// A session over the lake's tables.
    pub async fn session(&self) -> anyhow::Result<SessionContext> {
        let partitions = std::thread::available_parallelism().map_or(1, usize::from);
        session::open(&self.refinery.lake, self.refinery.runtime.clone(), partitions).await
    }

    /// The values of some KPIs.
    pub async fn kpi_rows(&self, kpis: &[Kpi], query: &KpiQuery) -> anyhow::Result<Vec<Row>> {
        kpi::figures::rows(&self.refinery, kpis, query).await
    }

    /// The result of a read-only SQL query.
    pub async fn run_sql(&self, sql: &str) -> anyhow::Result<DataFrame> {
        let context = self.session().await?;
        let limits = serve::Limits::from_settings(self.lake().limits());
        http::plan_reading(&context, sql, &limits).await.map_err(|error| match error.private {
            Some(cause) => cause.context(error.public),
            None => anyhow::anyhow!(error.public),
        })
    }
}
