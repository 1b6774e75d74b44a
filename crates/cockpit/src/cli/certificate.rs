//! `cockpit certificate`: a self-signed certificate with its key, for tests and for plants without an
//! authority of their own.

use super::print;
use crate::flow;
use anyhow::{Context as _, bail};
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const CERTIFICATE: &str = "cockpit.crt";
const KEY: &str = "cockpit.key";

/// The longest validity: browsers refuse certificates that are valid for more than 825 days.
const DAYS_MAX: u16 = 825;

/// Flags of `cockpit certificate`.
#[derive(Debug, clap::Args)]
pub struct CertificateArgs {
    /// A name or address under which people open the service; may be repeated
    #[arg(long = "host", value_name = "NAME", required = true)]
    hosts: Vec<String>,
    /// Folder for cockpit.crt and cockpit.key
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Days until the certificate expires
    #[arg(long, value_name = "N", default_value_t = 397,
          value_parser = clap::value_parser!(u16).range(1..=i64::from(DAYS_MAX)))]
    days: u16,
}

/// Writes certificate and key. Existing files are never replaced.
pub fn run(args: &CertificateArgs) -> anyhow::Result<bool> {
    let hosts = args.hosts.iter().map(|host| config::serve::host(host));
    let hosts = hosts.collect::<anyhow::Result<Vec<String>>>()?;
    let (certificate, key) = make(&hosts, flow::now(), args.days)?;
    std::fs::create_dir_all(&args.dir)
        .with_context(|| format!("cannot create the folder {}", args.dir.display()))?;
    let (certificate_path, key_path) = (args.dir.join(CERTIFICATE), args.dir.join(KEY));
    if let Some(path) = [&certificate_path, &key_path].into_iter().find(|path| path.exists()) {
        bail!("{} exists already: remove it, or name another folder by --dir", path.display());
    }
    write_new(&key_path, &key, 0o600)?;
    write_new(&certificate_path, &certificate, 0o644)?;
    let (host, days) = (&hosts[0], args.days);
    print::line(&format!(
        "wrote {} and {}, valid for {days} days",
        certificate_path.display(),
        key_path.display()
    ));
    print::line("Browsers warn until the certificate is imported as trusted on each machine.");
    print::line(&format!(
        "cockpit serve --listen 0.0.0.0:8443 --certificate {} --key {} --public-url https://{host}:8443",
        certificate_path.display(),
        key_path.display()
    ));
    Ok(true)
}

/// Certificate and key in PEM.
fn make(hosts: &[String], now: DateTime<Utc>, days: u16) -> anyhow::Result<(String, String)> {
    let bare = |host: &String| host.trim_matches(['[', ']']).to_owned();
    let names: Vec<String> = hosts.iter().map(bare).collect();
    let mut params = CertificateParams::new(names.clone()).context("invalid host")?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, names.first().context("no host")?.as_str());
    params.distinguished_name = subject;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // From yesterday on, so that clients whose clock is behind accept it.
    let (year, month, day) = date(now - TimeDelta::days(1));
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = date(now + TimeDelta::days(i64::from(days)));
    params.not_after = date_time_ymd(year, month, day);
    let key = KeyPair::generate().context("cannot make a key")?;
    let certificate = params.self_signed(&key).context("cannot sign the certificate")?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// The day in UTC.
#[expect(clippy::cast_possible_truncation, reason = "months and days are below 32")]
fn date(at: DateTime<Utc>) -> (i32, u8, u8) {
    (at.year(), at.month() as u8, at.day() as u8)
}

/// Writes a new file with this mode, so that it is never readable by others, not even at first.
fn write_new(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}
