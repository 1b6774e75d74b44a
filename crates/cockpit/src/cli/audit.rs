//! `cockpit audit`: the audit log exported, and its chain of hashes verified.

use super::database::{Database, now_us};
use super::print;
use access::audit::{Anchor, Verified, verify_export};
use anyhow::Context as _;
use config::Config;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What to do with the audit log.
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Verify that no entry was changed, inserted or removed; exits with 1 if one was
    Verify {
        /// Verify an export instead of the database
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// The last entry of an earlier verification: detects that the log was replaced since then
        #[arg(long, value_name = "SEQ:HASH", value_parser = AnchorText::from_str)]
        anchor: Option<AnchorText>,
    },
    /// Write the entries as JSON lines, oldest first
    Export {
        /// A new file; standard output without it
        file: Option<PathBuf>,
        /// Number of the first entry
        #[arg(long, value_name = "SEQ", default_value_t = 1)]
        from: i64,
    },
}

/// An anchor as written on the command line.
#[derive(Debug, Clone)]
pub struct AnchorText(Anchor);

impl AnchorText {
    pub fn into_anchor(self) -> Anchor {
        self.0
    }
}

impl FromStr for AnchorText {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parsed = text.split_once(':').and_then(|(seq, hash)| {
            let is_hash = hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit());
            is_hash.then_some(())?;
            Some(Anchor { seq: seq.parse().ok()?, hash: hash.to_ascii_lowercase() })
        });
        let expected =
            || format!("invalid anchor `{text}`: expected SEQ:HASH as `verify` prints it");
        parsed.map(Self).with_context(expected)
    }
}

/// Runs one of the commands.
pub fn run(config: &Config, command: AuditCommand) -> anyhow::Result<bool> {
    match command {
        AuditCommand::Verify { export: Some(file), anchor } => {
            let opened = File::open(&file);
            let opened = opened.with_context(|| format!("cannot read {}", file.display()))?;
            let anchor = anchor.map(|it| it.0);
            Ok(report(&verify_export(BufReader::new(opened), anchor.as_ref())?))
        }
        AuditCommand::Verify { export: None, anchor } => {
            let Database { access, operator } = Database::open(config)?;
            let anchor = anchor.map(|it| it.0);
            Ok(report(&access.verify_audit(&operator, anchor.as_ref(), now_us())?))
        }
        AuditCommand::Export { file, from } => export(config, file.as_deref(), from),
    }
}

/// Prints the result; returns whether the log is intact.
fn report(verified: &Verified) -> bool {
    print::line(&format!("{} entries are intact", verified.entries));
    if let Some(Anchor { seq, hash }) = &verified.anchor {
        print::line(&format!("anchor {seq}:{hash}"));
    }
    if let Some(broken) = &verified.broken {
        print::line(&format!("the log was tampered with: {broken}"));
    }
    verified.broken.is_none()
}

fn export(config: &Config, file: Option<&Path>, from: i64) -> anyhow::Result<bool> {
    let Database { access, operator } = Database::open(config)?;
    let Some(file) = file else {
        let mut out = std::io::stdout().lock();
        access.export_audit(&operator, from, &mut out, now_us())?;
        out.flush()?;
        return Ok(true);
    };
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(file);
    let mut out = opened.with_context(|| format!("cannot create {}", file.display()))?;
    let count = access.export_audit(&operator, from, &mut out, now_us())?;
    out.sync_all().with_context(|| format!("cannot write {}", file.display()))?;
    print::line(&format!("wrote {count} entries to {}", file.display()));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_a_number_and_a_hash() {
        let hash = "Ab".repeat(32);
        let anchor = format!("17:{hash}").parse::<AnchorText>().unwrap().0;
        assert_eq!((anchor.seq, anchor.hash), (17, hash.to_lowercase()));
        for text in ["", "17", "17:", "x:ab", &format!("x:{hash}"), &format!("17:{hash}0")] {
            let error = text.parse::<AnchorText>().unwrap_err().to_string();
            assert!(error.contains("expected SEQ:HASH"), "{text}: {error}");
        }
    }
}
