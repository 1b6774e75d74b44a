//! Lake and live -> people: ingesting on a schedule and answering, side by side in one program.

use super::access::refresh_providers;
use super::alarms::AlarmService;
use super::binding::Binding;
use super::doors::DoorAddresses;
use super::lake_service::LakeService;
use super::stream::Streaming;
use super::{Flow, Report, Watcher, now};
use crate::{compute, descriptors, listener};
use anyhow::Context as _;
use config::Config;
use config::location::Purpose;
use config::sentence::sentence;
use lake::lease::Patience;
use lake::refine::Outcome;
use live::{Live, LiveLimits};
use plant::reading::Registry;
use serve::http::{self, RuleFile};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Ingests on a schedule (unless `ingests` is false) and serves where it is configured, until `stop`.
/// Reports the address once it can be opened. `is_insecure` permits connections from other machines
/// without encryption.
pub async fn serve(
    config: &Config,
    ingests: bool,
    is_insecure: bool,
    stop: CancellationToken,
    report: impl Fn(&Addresses),
) -> anyhow::Result<bool> {
    let binding = Binding::resolve(config, is_insecure).await?;
    let scheme = binding.scheme();
    let public_url = config.endpoint.public_url.as_ref().map(|(url, _)| url.to_string());
    let report = |started: Started| {
        let address = started.address;
        let url = format!("{scheme}://{address}");
        let base = public_url.clone().unwrap_or_else(|| match address.ip().is_unspecified() {
            true => format!("{scheme}://localhost:{}/", address.port()),
            false => format!("{url}/"),
        });
        let setup_link = started.setup_secret.map(|secret| format!("{base}setup#{secret}"));
        report(&Addresses { url, setup_link, is_open: started.is_open, doors: started.doors });
    };
    Flow::open(config, Purpose::Write).await?.serve(binding, ingests, stop, report).await
}

/// Where the service can be opened.
#[derive(Debug, Clone)]
pub struct Addresses {
    pub url: String,
    /// The one-time link that creates the first administrator, while there are no users.
    pub setup_link: Option<String>,
    /// Whether everybody who can reach the service is an administrator until there are users.
    pub is_open: bool,
    /// Where SQL clients connect.
    pub doors: DoorAddresses,
}

/// What is known once the service listens.
#[derive(Debug, Clone)]
pub struct Started {
    pub address: SocketAddr,
    /// The secret of the one-time link.
    pub setup_secret: Option<String>,
    pub is_open: bool,
    pub doors: DoorAddresses,
}

impl Flow {
    /// [`serve`], of what is open already.
    pub async fn serve(
        &self,
        binding: Binding,
        ingests: bool,
        stop: CancellationToken,
        say: impl Fn(Started),
    ) -> anyhow::Result<bool> {
        let users = self.open_users(&binding).await?;
        let doors = self.open_doors(&binding).await?;
        let Binding { address, network, public_url, certificates, .. } = binding;
        let limits = self.http_limits();
        let (listener, address) = self.listen(address).await?;
        let is_refining = ingests && (self.bucket.is_some() || self.has_source());
        let lake_service =
            Arc::new(LakeService::new(self.refinery.clone(), is_refining, self.is_simulated));
        let registry = Registry::default();
        let live = self.new_live(&registry);
        let upkeep = users.upkeep();
        let alarms = self.open_alarms(&users, &registry, is_refining).await;
        let stream_alarms = alarms.as_ref().map(AlarmService::for_stream);
        alarms.iter().for_each(|it| lake_service.report_alarms(it.alarms.clone()));
        let planner = alarms.as_ref().map(AlarmService::planner);
        let reports = self.open_reports(&users, &lake_service, planner);
        let configured = &self.refinery.plant.openid;
        let openid = Arc::new(http::Providers::new(configured, public_url, &limits.openid));
        let service = self
            .http_service(&lake_service, &live, users.control, &network, limits.clone())?
            .with_alarms(alarms.as_ref().map(|it| it.alarms.clone()))
            .with_planner(alarms.as_ref().map(AlarmService::planner))
            .with_network(network.clone())
            .with_openid(Arc::clone(&openid));
        let service = Arc::new(service.with_reports(reports.clone()));
        let router = http::router(Arc::clone(&service), cockpit_ui::ASSETS);
        say(Started {
            address,
            setup_secret: users.setup_secret,
            is_open: users.is_open,
            doors: doors.addresses(),
        });
        let querying = Box::pin(self.serve_doors(doors, &service, certificates.clone(), &stop));
        let endpoint = http::Endpoint { network, certificates };
        let answering = http::serve(listener, router, &limits, endpoint, stop.clone());
        let ingesting = Box::pin(self.ingest_if(is_refining, &lake_service, &live, &stop));
        let streaming = async {
            if !ingests || self.feeds().is_empty() {
                return;
            }
            let shown = Streaming::with_live_pages(self, &live, stream_alarms, &registry).await;
            self.stream_on(&Streaming { stop: stop.clone(), ..shown }).await;
        };
        let pushing = start_pushing(&live, &stop);
        let watching = Box::pin(self.run_alarms(alarms, &live, &stop));
        let reloading = self.reload_boards(&service, &live, &stop);
        let kept = futures::future::join(upkeep.run(&stop), reloading);
        let refreshed = refresh_providers(&openid, &stop);
        let reporting = self.run_reports(reports, &lake_service, is_refining, &stop);
        let (answered, ingested, (), (), _kept, (), (), ()) = tokio::join!(
            answering, ingesting, streaming, watching, kept, refreshed, reporting, querying
        );
        upkeep.once().await;
        pushing.join_all().await;
        answered?;
        ingested?;
        Ok(true)
    }

    /// Ingests until the stop; a service that only reads waits for it.
    async fn ingest_if(
        &self,
        is_refining: bool,
        service: &LakeService,
        live: &Live,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        if is_refining {
            return self.ingest_for(service, live, stop).await;
        }
        stop.cancelled().await;
        Ok(())
    }

    /// Binds the address of the service.
    async fn listen(&self, address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
        let unsent_bytes = self.lake().limits().serve.http_unsent_bytes;
        let listener = listener::bind(address, unsent_bytes).await.with_context(|| {
            format!("{address} cannot be listened on; another program may have it")
        })?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    /// The limits of the service, with no more connections than there are file descriptors for.
    fn http_limits(&self) -> serve::Limits {
        let settings = self.lake().limits();
        let limits = serve::Limits::from_settings(settings);
        let Some(available) = descriptors::available() else { return limits };
        let fitting = available.saturating_sub(settings.serve.http_reserved_descriptors).max(1);
        if fitting >= limits.connections {
            return limits;
        }
        let advice = "raise the limit on open files (LimitNOFILE, ulimit -n)";
        tracing::warn!(wanted = limits.connections, fitting, advice, "connections_limited");
        serve::Limits { connections: fitting, ..limits }
    }

    fn http_service(
        &self,
        lake_service: &Arc<LakeService>,
        live: &Live,
        control: http::AccessControl,
        network: &http::Network,
        limits: serve::Limits,
    ) -> anyhow::Result<http::Service> {
        let (lake, live, hosts) = (lake_service.clone(), live.clone(), network.hosts.clone());
        let service = http::Service::new(lake, live, limits, Arc::new(now), hosts, control);
        let rules = RuleFile::new(self.plant_folder.clone(), self.refinery.plant.clone());
        let compute = http::Compute::new(compute::start()?);
        let service = service.with_rule_file(rules).with_compute(compute);
        Ok(service.with_boards(self.open_boards()?))
    }

    fn new_live(&self, registry: &Registry) -> Live {
        let limits =
            LiveLimits::from_settings(self.lake().limits(), &self.refinery.plant.temperature);
        Live::new(registry.clone(), limits, self.lake().run().to_owned())
    }

    /// Takes the lake as its refiner and works until `stop`; while another program holds it, waits
    /// and logs that.
    async fn ingest_for(
        &self,
        lake_service: &LakeService,
        live: &Live,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let watcher: Watcher = Arc::new(|_event| {});
        loop {
            let work = self.beside_interfaces(self.rounds_for(&watcher, lake_service, live, stop));
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
                () = tokio::time::sleep(self.retry_pause()) => {}
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
        loop {
            let started_at = now();
            self.watch_folder().await;
            if let Some(alarms) = lake_service.alarms()
                && let Err(error) = self.land_alarm_events(alarms).await
            {
                tracing::warn!(error = sentence(&error), "alarm events not landed");
            }
            let done = self.round(watcher).await;
            let every = self.until_next_round();
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

/// Sends live values to viewers until `stop`. What `serve` joins shares one thread; this has a task of its own,
/// so that viewers do not wait for the computations of the others.
fn start_pushing(live: &Live, stop: &CancellationToken) -> JoinSet<()> {
    let mut pushing = JoinSet::new();
    let (pushed, until) = (live.clone(), stop.clone());
    pushing.spawn(async move {
        pushed.push(Arc::new(|| now().timestamp_micros()), until).await;
    });
    pushing
}

impl Flow {
    /// Notifies viewers of the tables that have a new version.
    async fn notify_changed(&self, live: &Live, done: &anyhow::Result<Report>) {
        let Ok(report) = done else { return };
        for table in &report.changed {
            if let Ok(Some(state)) = self.lake().state(table).await {
                live.table_changed(&table.to_string(), state.version());
            }
        }
    }
}
