//! `cockpit serve`: the pages and the HTTP interface, while the bucket and the topics are ingested.

use super::{print, stop_token};
use crate::flow;
use clap::builder::FalseyValueParser;
use config::{Config, Flags};

/// Flags of `cockpit serve` and `cockpit connect`.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Address to listen on: PORT, HOST or HOST:PORT; the default can be reached by this machine only
    /// [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A name under which people open the service; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// The address people open, such as https://cockpit.plant.example
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Certificate of the service and of its issuers, in PEM; turns on HTTPS
    #[arg(long, value_name = "FILE")]
    certificate: Option<String>,
    /// Private key of the certificate, in PEM, without password
    #[arg(long, value_name = "FILE")]
    key: Option<String>,
    /// Address range of a reverse proxy whose X-Forwarded headers are trusted, such as 10.0.0.5 or
    /// 10.0.0.0/8; may be repeated
    #[arg(long = "trusted-proxy", value_name = "RANGE")]
    trusted_proxies: Vec<String>,
    /// Address for PostgreSQL clients: PORT, HOST or HOST:PORT; without it there is none
    #[arg(long, value_name = "ADDRESS")]
    postgres_listen: Option<String>,
    /// Address for Arrow Flight SQL: PORT, HOST or HOST:PORT; without it there is none
    #[arg(long, value_name = "ADDRESS")]
    flight_listen: Option<String>,
    /// Allow other machines to connect without encryption
    #[arg(long, env = "COCKPIT_INSECURE", value_parser = FalseyValueParser::new())]
    insecure: bool,
    /// Do not ingest, because another program does
    #[arg(long)]
    no_ingest: bool,
}

impl ServeArgs {
    /// `flags` with those of this command.
    pub fn flags(&self, flags: Flags) -> Flags {
        let args = self.clone();
        Flags {
            listen: args.listen,
            hosts: args.hosts,
            public_url: args.public_url,
            certificate: args.certificate,
            key: args.key,
            trusted_proxies: args.trusted_proxies,
            postgres_listen: args.postgres_listen,
            flight_listen: args.flight_listen,
            ..flags
        }
    }
}

/// Serves until Ctrl-C.
pub async fn run(
    flags: Flags,
    args: &ServeArgs,
    load: impl FnOnce(&Flags) -> anyhow::Result<Config>,
) -> anyhow::Result<bool> {
    let config = load(&args.flags(flags))?;
    let say = |addresses: &flow::serving::Addresses| {
        print::line(&format!("serving on {}", addresses.url));
        for (protocol, address) in
            [("PostgreSQL", addresses.doors.postgres), ("Flight SQL", addresses.doors.flight)]
        {
            if let Some(address) = address {
                print::line(&format!("{protocol} on {address}"));
            }
        }
        if let Some(link) = &addresses.setup_link {
            print::line(&format!("create the first administrator by this one-time link: {link}"));
        }
        if addresses.is_open {
            print::line("until then, everybody at this machine is an administrator without login");
        }
    };
    let serving = flow::serving::serve(&config, !args.no_ingest, args.insecure, stop_token(), say);
    Box::pin(serving).await
}
