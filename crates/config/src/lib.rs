//! Merges and validates settings: plant folder, then environment, then flags.
//!
//! In: a plant folder, environment variables, the flags of the command line.
//! Out: [`Config`], which is valid and records the source of every setting.
//! Promise: nothing outside this module reads the environment; unknown keys are errors; secrets
//! are never part of a `Config` and never printed.

pub mod alarms;
pub mod boards;
mod calendar;
pub mod contract;
pub mod definition;
pub mod diagnostic;
pub mod dialect;
pub mod doors;
pub mod endpoint;
mod equipment;
pub mod folder;
pub mod kafka;
pub mod kpi;
pub mod location;
pub mod model;
pub mod network;
pub mod notifications;
pub mod openid;
pub mod outgoing;
pub mod reference;
pub mod reports;
pub mod retention;
pub mod schema;
pub mod schema_registry;
pub mod secret;
pub mod sentence;
pub mod serve;
pub mod settings;
pub mod starter;
pub mod temperature;
pub mod toml_reader;
mod variables;

use anyhow::{Context as _, bail};
use diagnostic::Diagnostic;
use doors::Doors;
use endpoint::Endpoint;
use folder::Plant;
use serve::Listen;
use settings::{Deprecation, Origin};
use std::path::PathBuf;

/// Where the lake is by default.
const DEFAULT_LAKE: &str = "./cockpit-data";

/// Values of flags; `None` if the flag is missing.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub plant: Option<PathBuf>,
    pub bucket: Option<String>,
    pub lake: Option<String>,
    pub kafka: Option<String>,
    pub listen: Option<String>,
    /// Names of the service; empty if the flag is missing.
    pub hosts: Vec<String>,
    /// PEM file of the certificate, and of its key.
    pub certificate: Option<String>,
    pub key: Option<String>,
    pub public_url: Option<String>,
    /// Address ranges of trusted proxies; none if no flag gave any.
    pub trusted_proxies: Vec<String>,
    /// Address for the PostgreSQL protocol.
    pub postgres_listen: Option<String>,
    /// Address for Arrow Flight SQL.
    pub flight_listen: Option<String>,
}

/// The effective configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub plant: Plant,
    /// Folder of the plant; `None` for the reference plant that is compiled in.
    pub plant_folder: Option<PathBuf>,
    pub bucket: Option<(String, Origin)>,
    pub lake: (String, Origin),
    /// Kafka brokers; `None` if no stream is read.
    pub kafka: Option<(String, Origin)>,
    /// Where `serve` listens.
    pub listen: (Listen, Origin),
    /// Names `serve` answers to beside those of the loopback, without ports.
    pub hosts: (Vec<String>, Origin),
    /// TLS, public address and proxies of `serve`.
    pub endpoint: Endpoint,
    /// Where `serve` listens for SQL of other programs.
    pub doors: Doors,
}

impl Config {
    /// Deprecated names of settings that were used, with their replacements.
    pub fn deprecations(&self) -> impl Iterator<Item = &Deprecation> {
        let plant = &self.plant;
        [plant.limits.provenance(), plant.temperature.provenance(), plant.access.provenance()]
            .into_iter()
            .flat_map(|provenance| provenance.deprecations())
    }
}

/// A variable of the environment, if it is set and not empty. The only place that reads one.
#[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads the plant folder, which environment and flags override.
///
/// # Errors
/// Lists all mistakes of the folder.
pub fn load(flags: &Flags) -> anyhow::Result<Config> {
    let texts = folder::texts(flags.plant.as_deref())?;
    let (plant, diagnostics) = folder::read(&texts);
    let Some(mut plant) = plant.filter(|_| diagnostics.is_empty()) else {
        bail!("the plant folder has mistakes:\n{}", listed(&diagnostics));
    };
    refuse_unknown_variables(&plant)?;
    plant.limits.read_env(env)?;
    plant.access.read_env(env)?;
    plant.temperature.read_env(env)?;
    // Rules refer to temperatures, which the environment may have changed.
    plant.read_alarms(&texts);
    let bucket = pick(flags.bucket.clone(), "COCKPIT_BUCKET", plant.bucket.clone());
    let lake = pick(flags.lake.clone(), "COCKPIT_LAKE", plant.lake.clone())
        .unwrap_or_else(|| (DEFAULT_LAKE.to_owned(), Origin::Default));
    let brokers = Some(plant.kafka.brokers.clone()).filter(|brokers| !brokers.is_empty());
    let kafka = pick(flags.kafka.clone(), "COCKPIT_KAFKA", brokers);
    if let Some((brokers, _)) = &kafka {
        plant.kafka.brokers.clone_from(brokers);
    }
    for (name, (url, origin)) in bucket.iter().map(|it| ("bucket", it)).chain([("lake", &lake)]) {
        location::refuse_keys(url)
            .with_context(|| format!("{name}, set by {}", origin.as_str()))?;
    }
    location::refuse_read_only(&lake.0)
        .with_context(|| format!("lake, set by {}", lake.1.as_str()))?;
    let listen = listen(flags, &plant)?;
    let hosts = hosts(flags, &plant)?;
    let endpoint = Endpoint::read(flags, &plant.serve)?;
    let doors = Doors::read(flags, &plant.serve)?;
    let plant_folder = flags.plant.clone();
    Ok(Config { plant, plant_folder, bucket, lake, kafka, listen, hosts, endpoint, doors })
}

fn listen(flags: &Flags, plant: &Plant) -> anyhow::Result<(Listen, Origin)> {
    let picked = pick(flags.listen.clone(), "COCKPIT_LISTEN", plant.serve.listen.clone());
    let Some((text, origin)) = picked else { return Ok((Listen::default(), Origin::Default)) };
    let listen = text.parse::<Listen>();
    Ok((listen.with_context(|| format!("the address set by {}", origin.as_str()))?, origin))
}

fn hosts(flags: &Flags, plant: &Plant) -> anyhow::Result<(Vec<String>, Origin)> {
    let split = |texts: &[String]| -> anyhow::Result<Vec<String>> {
        let names = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
        names.filter(|name| !name.is_empty()).map(serve::host).collect()
    };
    let (texts, origin) = match (&flags.hosts[..], env("COCKPIT_HOSTS"), &plant.serve.hosts) {
        ([], None, None) => (Vec::new(), Origin::Default),
        ([], None, Some(texts)) => (texts.clone(), Origin::PlantFile),
        ([], Some(text), _) => (vec![text], Origin::Environment),
        (texts, _, _) => (texts.to_vec(), Origin::Flag),
    };
    let names = split(&texts).with_context(|| format!("the hosts set by {}", origin.as_str()))?;
    Ok((names, origin))
}

#[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
fn refuse_unknown_variables(plant: &Plant) -> anyhow::Result<()> {
    let is_set = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        (!value.is_empty()).then(|| name.to_string_lossy().into_owned())
    };
    variables::refuse_unknown(std::env::vars_os().filter_map(is_set), &plant.kafka)
}

/// Diagnostics as text, one after the other.
pub fn listed(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn pick(flag: Option<String>, variable: &str, plant: Option<String>) -> Option<(String, Origin)> {
    let flag = flag.map(|value| (value, Origin::Flag));
    let variable = || env(variable).map(|value| (value, Origin::Environment));
    flag.or_else(variable).or_else(|| plant.map(|value| (value, Origin::PlantFile)))
}
