//! Connections to SQL Server.

use super::meaning;
use crate::Error;
use crate::pull::sql::session::password;
use crate::tls;
use anyhow::Context as _;
use plant::source::Server;
use std::time::Duration;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

/// A connection after the login.
pub type Connection = Client<Compat<TcpStream>>;

/// How often a server may refer to another: a listener refers to a replica, and a gateway to a node.
const REFERRALS: usize = 3;

/// Bytes of a packet: fewer packets than the default of 4096, and within the 16383 of encrypted connections.
const PACKET_BYTES: u32 = 8_000;

/// Connects and logs in. A listener refers to a replica that is only read, if there is one.
///
/// # Errors
/// As [`crate::pull::read`].
pub async fn open(server: &Server, place: &str, wait: Duration) -> Result<Connection, Error> {
    let config = options(server, wait)?;
    let (mut host, mut port) = (server.host.clone(), server.port);
    for _ in 0..=REFERRALS {
        let connected = tokio::time::timeout(wait, TcpStream::connect((host.as_str(), port))).await;
        let Ok(connected) = connected else { return Err(meaning::no_answer(place, wait)) };
        let socket = connected.and_then(|it| it.set_nodelay(true).map(|()| it));
        let socket = socket.map_err(|it| meaning::of(place, &it.into()))?;
        let mut config = config.clone();
        config.host(&host);
        config.port(port);
        match Box::pin(Client::connect(config, socket.compat_write())).await {
            Ok(connection) => return Ok(connection),
            Err(tiberius::error::Error::Routing { host: other, port: other_port }) => {
                // A gateway puts the name of the instance behind the host.
                other.split('\\').next().unwrap_or_default().clone_into(&mut host);
                port = other_port;
            }
            Err(tiberius::error::Error::Io { kind: std::io::ErrorKind::TimedOut, .. }) => {
                return Err(meaning::no_answer(place, wait));
            }
            Err(error) => return Err(meaning::of(place, &error)),
        }
    }
    Err(Error::Unreachable(format!(
        "{place} cannot be reached: it referred to another server {} times, at last to {host}:{port}",
        REFERRALS + 1
    )))
}

fn options(server: &Server, wait: Duration) -> Result<Config, Error> {
    let secret = password(server)?;
    let mut config = Config::new();
    config.database(&server.database);
    config.application_name("cockpit");
    let password = secret.as_ref().map(|it| it.expose()).unwrap_or_default();
    config.authentication(AuthMethod::sql_server(&server.user, password));
    config.readonly(true);
    config.packet_size(PACKET_BYTES);
    config.handshake_timeout(Some(wait));
    // The time of a whole statement is bounded instead.
    config.command_timeout(None);
    // A text that is not UTF-16 lands with U+FFFD instead of ending the read.
    config.lossy_utf16_decoding(true);
    if !server.is_encrypted {
        config.encryption(EncryptionLevel::NotSupported);
        return Ok(config);
    }
    config.encryption(EncryptionLevel::Required);
    // Reports certificates that cannot be read.
    tls::config(server.ca_file.as_deref())?;
    if let Some(file) = &server.ca_file {
        let read = std::fs::read(file)
            .with_context(|| format!("cannot read the certificates {file} of `ca_file`"));
        config.trust_cert_ca_bundle(read.map_err(Error::Config)?);
    }
    Ok(config)
}
