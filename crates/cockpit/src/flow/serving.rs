//! Lake and live -> people: ingesting on a schedule and answering, side by side in one program.

use super::stream::Streaming;
use super::{Flow, RETRY, Report, Watcher, answers, now};
use crate::config::Config;
use crate::config::location::Purpose;
use crate::lake::lease::Patience;
use crate::lake::refine::Outcome;
use crate::live::{Live, LiveLimits};
use crate::serve::http;
use anyhow::Context as _;
use plant::reading::Registry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Ingests on a schedule (unless `ingests` is false) and answers on `listen`, until `stop`.
pub async fn serve(
    config: &Config,
    listen: SocketAddr,
    ingests: bool,
    stop: CancellationToken,
    say: impl Fn(SocketAddr),
) -> anyhow::Result<bool> {
    Flow::open(config, Purpose::Write).await?.serve(listen, ingests, stop, say).await
}

impl Flow {
    /// [`serve`], of what is open already.
    pub async fn serve(
        &self,
        listen: SocketAddr,
        ingests: bool,
        stop: CancellationToken,
        say: impl Fn(SocketAddr),
    ) -> anyhow::Result<bool> {
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("{listen} cannot be listened on; another program may have it")
        })?;
        let address = listener.local_addr()?;
        let is_refining = ingests && (self.bucket.is_some() || self.kafka.is_some());
        let desk =
            Arc::new(answers::Desk::new(self.refinery.clone(), is_refining, self.is_simulated));
        let limits = answers::limits(self.lake().limits());
        let clock: crate::serve::Clock = Arc::new(now);
        let registry = Registry::default();
        let live = Live::new(
            registry.clone(),
            LiveLimits::of(self.lake().limits(), self.refinery.plant.temperature.limit_c),
            self.lake().run().to_owned(),
        );
        let service =
            http::Service::new(desk.clone(), live.clone(), limits.clone(), clock, Vec::new());
        let router = http::router(Arc::new(service), cockpit_ui::ASSETS, axum::Router::new());
        say(address);
        let answering = http::serve(listener, router, &limits, stop.clone());
        let ingesting = async {
            if !is_refining {
                stop.cancelled().await;
                return Ok(());
            }
            Box::pin(self.ingest_for(&desk, &live, &stop)).await
        };
        let streaming = async {
            let Some(kafka) = self.kafka.as_ref().filter(|_| ingests) else { return };
            let shown = Streaming::shown(self, kafka, &live, &registry).await;
            self.stream_on(&Streaming { stop: stop.clone(), ..shown }).await;
        };
        // What is joined here shares one thread. Pushing has a task of its own, so that nobody who
        // looks waits for what the others compute.
        let mut pushing = JoinSet::new();
        let (pushed, until) = (live.clone(), stop.clone());
        pushing.spawn(async move {
            pushed.push(Arc::new(|| now().timestamp_micros()), until).await;
        });
        let (answered, ingested, ()) = tokio::join!(answering, ingesting, streaming);
        pushing.join_all().await;
        answered?;
        ingested?;
        Ok(true)
    }

    /// Takes the lake as its refiner and works until `stop`; while another program has it, waits
    /// and says so.
    async fn ingest_for(
        &self,
        desk: &answers::Desk,
        live: &Live,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let watcher: Watcher = Arc::new(|_event| {});
        loop {
            let work = self.rounds_for(&watcher, desk, live, stop);
            match self.as_refiner_until(stop, Patience::UntilFree, work).await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "not refining");
                    desk.not_refining(format!("{error:#}"));
                }
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    async fn rounds_for(
        &self,
        watcher: &Watcher,
        desk: &answers::Desk,
        live: &Live,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let every = Duration::from_secs(self.lake().limits().get("listing_every_s"));
        loop {
            let started_at = now();
            let done = self.round(watcher).await;
            desk.round_done(started_at, now(), now() + every, &done);
            self.tell_changed(live, &done).await;
            if let Err(error) = &done {
                tracing::error!(error = format!("{error:#}"), "round failed");
            }
            let told = async |changed: Vec<Outcome>| {
                let changed = changed.into_iter().map(|it| it.table).collect();
                self.tell_changed(live, &Ok(Report { changed, ..Report::default() })).await;
            };
            if self.pause(every, stop, told).await {
                return Ok(());
            }
        }
    }
}

impl Flow {
    /// Tells viewers which tables have a new version.
    async fn tell_changed(&self, live: &Live, done: &anyhow::Result<Report>) {
        let Ok(report) = done else { return };
        for table in &report.changed {
            if let Ok(Some(state)) = self.lake().state(table).await {
                live.changed(&table.to_string(), state.version());
            }
        }
    }
}
