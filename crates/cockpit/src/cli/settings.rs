//! `cockpit config`: the effective settings as TOML, with the source of each and the reason for its default.

use super::print::line;
use config::Config;
use config::endpoint::Endpoint;
use config::settings::{LIMITS_PREFIX, Origin, Provenance, Section};
use config::temperature::{LIMIT_C, SENSOR_SILENT_S, TemperatureSetting};
use std::fmt::Display;
use std::path::PathBuf;

/// Prints the effective settings.
pub fn print(config: &Config) {
    head(config);
    kafka(config);
    serve(config);
    temperature(config);
    line("\n[limits]");
    let limits = &config.plant.limits;
    for (title, section) in limits.sections() {
        line(&format!("\n# {title}"));
        print_section(section, limits.provenance());
    }
    access(config);
    openid(config);
    deprecations(config);
}

fn head(config: &Config) {
    let plant = &config.plant;
    let folder = config.plant_folder.as_ref().map(|folder| folder.display().to_string());
    let folder = folder.unwrap_or_else(|| "compiled in".to_owned());
    line(&format!("# Plant {} ({folder}): {}", plant.name, plant.description));
    line(&format!("# Time zone {}, currency {}", plant.zone, plant.currency));
    line(&format!(
        "# Environment variable of a setting: {LIMITS_PREFIX} and its name in capitals; of [access] \
         {}",
        config::settings::ACCESS_PREFIX
    ));
    let none = (String::new(), Origin::Default);
    for (name, (value, origin)) in [
        ("bucket", config.bucket.as_ref().unwrap_or(&none)),
        ("lake", &config.lake),
        ("kafka", config.kafka.as_ref().unwrap_or(&none)),
    ] {
        assignment(name, format!("{value:?}"), *origin);
    }
}

fn kafka(config: &Config) {
    line("\n[kafka]");
    for ((name, value, reason), origin) in config.plant.kafka.settings() {
        line(&format!("# {reason}"));
        assignment(name, format!("{value:?}"), origin);
    }
}

fn serve(config: &Config) {
    line("\n[serve]");
    let (listen, hosts) = (&config.listen, &config.hosts);
    line("# Address to listen on. Default: only this machine can reach it.");
    assignment("listen", format!("{:?}", listen.0.to_string()), listen.1);
    line("# Names of the service in addition to localhost. Default: none.");
    assignment("hosts", format!("{:?}", hosts.0), hosts.1);
    endpoint(&config.endpoint);
}

fn endpoint(endpoint: &Endpoint) {
    let none = (PathBuf::new(), Origin::Default);
    let tls = endpoint.tls.as_ref();
    line("# PEM files of the certificate and of its private key. Default: none, so plain HTTP.");
    for (name, (path, origin)) in [
        ("certificate", tls.map_or(&none, |tls| &tls.certificate)),
        ("key", tls.map_or(&none, |tls| &tls.key)),
    ] {
        assignment(name, format!("{:?}", path.display().to_string()), *origin);
    }
    let url = endpoint.public_url.as_ref();
    let url = url.map_or((String::new(), Origin::Default), |(url, from)| (url.to_string(), *from));
    line("# The address people open. Default: that of listen.");
    assignment("public_url", format!("{:?}", url.0), url.1);
    let (ranges, origin) = &endpoint.trusted_proxies;
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    line("# Reverse proxies whose X-Forwarded headers are trusted. Default: none.");
    assignment("trusted_proxies", format!("{ranges:?}"), *origin);
}

fn temperature(config: &Config) {
    let temperature = &config.plant.temperature;
    line("\n[temperature]");
    let print = |setting: &TemperatureSetting, value: String| {
        let TemperatureSetting { name, description, default, reason, .. } = setting;
        line(&format!("# {description} Default {default}: {reason}."));
        assignment(name, value, temperature.provenance().origin(name));
    };
    print(&LIMIT_C, temperature.limit_c.to_string());
    print(&SENSOR_SILENT_S, temperature.sensor_silent_s.to_string());
}

fn access(config: &Config) {
    let access = &config.plant.access;
    let provenance = access.provenance();
    line("\n[access]");
    if let Some(mode) = access.mode {
        line("# Who may use the program: login or open.");
        assignment("mode", format!("{:?}", mode.as_str()), provenance.origin("mode"));
    }
    if let Some(state) = &access.state {
        line("# Folder of the database of users.");
        assignment("state", format!("{state:?}"), provenance.origin("state"));
    }
    if !access.require_second_factor.is_empty() {
        line("# Roles whose holders need a second factor when they log in by password.");
        let origin = provenance.origin("require_second_factor");
        assignment("require_second_factor", format!("{:?}", access.require_second_factor), origin);
    }
    print_section(&access.limits, provenance);
}

/// The providers of OpenID Connect, with the reference to their client secret.
fn openid(config: &Config) {
    for provider in &config.plant.openid {
        line("\n[[openid]]");
        let secret = provider.client_secret.as_ref().map(ToString::to_string);
        for (name, value) in [
            ("name", Some(&provider.name)),
            ("title", Some(&provider.title)),
            ("issuer", Some(&provider.issuer)),
            ("client_id", Some(&provider.client_id)),
            ("client_secret", secret.as_ref()),
            ("groups_claim", Some(&provider.groups_claim)),
            ("name_claim", Some(&provider.name_claim)),
        ] {
            if let Some(value) = value {
                assignment(name, format!("{value:?}"), Origin::PlantFile);
            }
        }
        if let Some(file) = &provider.ca_file {
            assignment("ca_file", format!("{:?}", file.display().to_string()), Origin::PlantFile);
        }
        let ranges: Vec<_> = provider.allowed_addresses.iter().map(ToString::to_string).collect();
        assignment("allowed_addresses", format!("{ranges:?}"), Origin::PlantFile);
        assignment("scopes", format!("{:?}", provider.scopes), Origin::PlantFile);
        assignment("adds_users", provider.adds_users, Origin::PlantFile);
        assignment("logs_out", provider.logs_out, Origin::PlantFile);
        for rule in &provider.roles {
            line("[[openid.role]]");
            let keys = [("group", &rule.group), ("role", &rule.role), ("scope", &rule.scope)];
            for (name, value) in keys {
                assignment(name, format!("{value:?}"), Origin::PlantFile);
            }
        }
    }
}

fn print_section(section: &dyn Section, provenance: &Provenance) {
    for setting in section.settings() {
        let config::settings::Setting { name, description, default, reason, .. } = setting;
        line(&format!("# {description} Default {default}: {reason}."));
        let value = section.value(name).unwrap_or_default();
        assignment(name, value, provenance.origin(name));
    }
}

/// A line of TOML, with the source of the value in a comment.
fn assignment(name: &str, value: impl Display, origin: Origin) {
    line(&format!("{:<40} # {}", format!("{name} = {value}"), origin.as_str()));
}

fn deprecations(config: &Config) {
    for deprecation in config.deprecations() {
        line(&format!("\n# {deprecation}."));
    }
}
