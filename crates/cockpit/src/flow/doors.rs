//! Lake -> other programs: SQL over the PostgreSQL protocol and Arrow Flight SQL, where they are configured.

use super::Flow;
use super::binding::Binding;
use crate::listener;
use anyhow::Context as _;
use config::Config;
use config::serve::Listen;
use doors::Listening;
use serve::http::{Certificates, Service};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Where each protocol listens; `None` is a protocol that is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DoorAddresses {
    pub postgres: Option<SocketAddr>,
    pub flight: Option<SocketAddr>,
}

/// The listeners of the protocols that are on.
#[derive(Default)]
pub struct Doors {
    postgres: Option<TcpListener>,
    flight: Option<TcpListener>,
}

impl DoorAddresses {
    /// Resolves what is configured.
    ///
    /// # Errors
    /// A name has no address; or other machines could connect without encryption, and `is_insecure`
    /// does not permit it. A proxy for HTTP does not encrypt these protocols.
    pub async fn resolve(config: &Config, is_insecure: bool) -> anyhow::Result<Self> {
        let has_tls = config.endpoint.tls.is_some();
        Ok(Self {
            postgres: resolve(config.doors.postgres.as_ref(), has_tls || is_insecure).await?,
            flight: resolve(config.doors.flight.as_ref(), has_tls || is_insecure).await?,
        })
    }
}

async fn resolve<T>(
    configured: Option<&(Listen, T)>,
    is_protected: bool,
) -> anyhow::Result<Option<SocketAddr>> {
    let Some((listen, _origin)) = configured else { return Ok(None) };
    let address = super::binding::resolve(listen).await?;
    anyhow::ensure!(
        is_protected || address.ip().to_canonical().is_loopback(),
        "{address} can be reached by other machines without encryption: configure `certificate` and \
         `key` in [serve] of plant.toml (`cockpit certificate` makes a pair), or permit it with --insecure"
    );
    Ok(Some(address))
}

impl Flow {
    /// Listens where the protocols are configured.
    ///
    /// # Errors
    /// An address is in use.
    pub(super) async fn open_doors(&self, binding: &Binding) -> anyhow::Result<Doors> {
        let unsent_bytes = self.lake().limits().serve.http_unsent_bytes;
        let listen = async |address: Option<SocketAddr>| {
            let Some(address) = address else { return anyhow::Ok(None) };
            let listener = listener::bind(address, unsent_bytes).await.with_context(|| {
                format!("{address} cannot be listened on; another program may have it")
            })?;
            Ok(Some(listener))
        };
        let DoorAddresses { postgres, flight } = binding.doors;
        Ok(Doors { postgres: listen(postgres).await?, flight: listen(flight).await? })
    }

    /// Serves SQL until `stop`. Each protocol has a task of its own, so that rows are sent while others
    /// compute.
    pub(super) async fn serve_doors(
        &self,
        doors: Doors,
        service: &Arc<Service>,
        certificates: Option<Arc<Certificates>>,
        stop: &CancellationToken,
    ) {
        let limits = Arc::new(self.lake().limits().clone());
        let listening = |listener| Listening {
            listener,
            certificates: certificates.clone(),
            limits: Arc::clone(&limits),
            stop: stop.clone(),
        };
        let mut tasks = JoinSet::new();
        if let Some(listener) = doors.postgres {
            tasks.spawn(doors::postgres::serve(Arc::clone(service), listening(listener)));
        }
        if let Some(listener) = doors.flight {
            tasks.spawn(doors::flight::serve(Arc::clone(service), listening(listener)));
        }
        while let Some(ended) = tasks.join_next().await {
            let failed = match ended {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => format!("{error:#}"),
                Err(error) => error.to_string(),
            };
            tracing::error!(error = failed, "sql_protocol_failed");
        }
    }
}

impl Doors {
    /// The addresses that are listened on.
    pub fn addresses(&self) -> DoorAddresses {
        let of = |listener: &Option<TcpListener>| listener.as_ref()?.local_addr().ok();
        DoorAddresses { postgres: of(&self.postgres), flight: of(&self.flight) }
    }
}
