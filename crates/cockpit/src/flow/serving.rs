//! Lake and live -> people: ingesting on a schedule and answering, side by side in one program.

use super::lake_service::LakeService;
use super::stream::Streaming;
use super::{Flow, RETRY, Report, Watcher, now};
use anyhow::{Context as _, bail};
use config::Config;
use config::location::Purpose;
use config::sentence::sentence;
use config::serve::Listen;
use lake::lease::Patience;
use lake::refine::Outcome;
use live::{Live, LiveLimits};
use plant::reading::Registry;
use serve::http;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Ingests on a schedule (unless `ingests` is false) and answers where the configuration says, until
/// `stop`. Other machines are let in only if `is_insecure`, for there is neither login nor encryption.
pub async fn serve(
    config: &Config,
    ingests: bool,
    is_insecure: bool,
    stop: CancellationToken,
    say: impl Fn(SocketAddr),
) -> anyhow::Result<bool> {
    let (listen, hosts) = (&config.listen.0, config.hosts.0.clone());
    let door = Door::resolve(listen, hosts, is_insecure).await?;
    Flow::open(config, Purpose::Write).await?.serve(door, ingests, stop, say).await
}

/// Where the service listens, and the names it answers to beside those of the loopback.
#[derive(Debug, Clone)]
pub struct Door {
    address: SocketAddr,
    hosts: Vec<String>,
}

impl Door {
    /// A port of the loopback; 0 is any that is free.
    pub fn local(port: u16) -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), hosts: Vec::new() }
    }

    async fn resolve(
        listen: &Listen,
        mut hosts: Vec<String>,
        is_insecure: bool,
    ) -> anyhow::Result<Self> {
        let found = tokio::net::lookup_host((listen.host.as_str(), listen.port)).await;
        let mut found: Vec<SocketAddr> = found
            .with_context(|| format!("the name `{}` to listen on has no address", listen.host))?
            .collect();
        // Of both kinds the one that every client has.
        found.sort_by_key(SocketAddr::is_ipv6);
        let address = *found.first().with_context(|| format!("`{listen}` has no address"))?;
        let ip = address.ip().to_canonical();
        if ip.is_loopback() {
            return Ok(Self { address, hosts });
        }
        if !is_insecure {
            bail!(
                "{address} can be reached by other machines, and there is no login and no encryption yet: \
                 listen on localhost behind a proxy that has both, and name the proxy's host with --host or \
                 in [serve] of plant.toml; or let everybody in with --insecure"
            );
        }
        if !ip.is_unspecified() {
            // Who opens the address itself was not sent by a foreign name.
            hosts.push(config::serve::host(&ip.to_string())?);
        } else if hosts.is_empty() {
            tracing::warn!(
                %address,
                "no host is configured, so other machines get 421; name one with --host"
            );
        }
        tracing::warn!(%address, "everybody who reaches this address can read all data");
        Ok(Self { address, hosts })
    }
}

impl Flow {
    /// [`serve`], of what is open already.
    pub async fn serve(
        &self,
        door: Door,
        ingests: bool,
        stop: CancellationToken,
        say: impl Fn(SocketAddr),
    ) -> anyhow::Result<bool> {
        let Door { address, hosts } = door;
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("{address} cannot be listened on; another program may have it")
        })?;
        let address = listener.local_addr()?;
        let is_refining = ingests && (self.bucket.is_some() || self.kafka.is_some());
        let lake_service =
            Arc::new(LakeService::new(self.refinery.clone(), is_refining, self.is_simulated));
        let limits = serve::Limits::from_settings(self.lake().limits());
        let clock: serve::Clock = Arc::new(now);
        let registry = Registry::default();
        let live = Live::new(
            registry.clone(),
            LiveLimits::from_settings(self.lake().limits(), &self.refinery.plant.temperature),
            self.lake().run().to_owned(),
        );
        let service =
            http::Service::new(lake_service.clone(), live.clone(), limits.clone(), clock, hosts);
        let router = http::router(Arc::new(service), cockpit_ui::ASSETS, axum::Router::new());
        say(address);
        let answering = http::serve(listener, router, &limits, stop.clone());
        let ingesting = async {
            if !is_refining {
                stop.cancelled().await;
                return Ok(());
            }
            Box::pin(self.ingest_for(&lake_service, &live, &stop)).await
        };
        let streaming = async {
            let Some(kafka) = self.kafka.as_ref().filter(|_| ingests) else { return };
            let shown = Streaming::with_live_pages(self, kafka, &live, &registry).await;
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
        lake_service: &LakeService,
        live: &Live,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let watcher: Watcher = Arc::new(|_event| {});
        loop {
            let work = self.rounds_for(&watcher, lake_service, live, stop);
            let refining = Box::pin(self.as_refiner_until(stop, Patience::UntilFree, work));
            match refining.await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    tracing::warn!(error = sentence(&error), "not refining");
                    lake_service.not_refining(sentence(&error));
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
        lake_service: &LakeService,
        live: &Live,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let every = Duration::from_secs(self.lake().limits().ingest.listing_every_s);
        loop {
            let started_at = now();
            let done = self.round(watcher).await;
            lake_service.round_done(started_at, now(), now() + every, &done);
            self.notify_changed(live, &done).await;
            if let Err(error) = &done {
                tracing::error!(error = sentence(error), "round failed");
            }
            let on_change = async |changed: Vec<Outcome>| {
                let changed = changed.into_iter().map(|it| it.table).collect();
                self.notify_changed(live, &Ok(Report { changed, ..Report::default() })).await;
            };
            if self.pause(every, stop, on_change).await {
                return Ok(());
            }
        }
    }
}

impl Flow {
    /// Tells viewers which tables have a new version.
    async fn notify_changed(&self, live: &Live, done: &anyhow::Result<Report>) {
        let Ok(report) = done else { return };
        for table in &report.changed {
            if let Ok(Some(state)) = self.lake().state(table).await {
                live.changed(&table.to_string(), state.version());
            }
        }
    }
}
