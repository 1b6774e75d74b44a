//! `cockpit journal`: the journal of alarms shown, exported, and its chain of hashes verified.

use super::audit::AnchorText;
use super::database::{Database, time};
use super::print;
use access::chain::{Anchor, Verified};
use anyhow::Context as _;
use config::Config;
use plant::alarm::AlarmEvent;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use watch::journal::{self, JournalQuery};

/// What to do with the journal of alarms.
#[derive(Debug, clap::Subcommand)]
pub enum JournalCommand {
    /// Verify that no entry was changed, inserted or removed; exits with 1 if one was
    Verify {
        /// Verify an export instead of the database
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// The last entry of an earlier verification: detects that the journal was replaced since then
        #[arg(long, value_name = "NUMBER:HASH", value_parser = AnchorText::from_str)]
        anchor: Option<AnchorText>,
    },
    /// Write the entries as JSON lines, oldest first
    Export {
        /// A new file; standard output without it
        file: Option<PathBuf>,
        /// Number of the first entry
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        from: i64,
    },
    /// Show the newest entries
    Show {
        /// Show only entries of this rule
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
        /// Show only entries of this object, such as a sensor or a unit
        #[arg(long, value_name = "OBJECT")]
        object: Option<String>,
        /// Maximum number of entries
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
}

/// Runs one of the commands.
pub fn run(config: &Config, command: JournalCommand) -> anyhow::Result<bool> {
    match command {
        JournalCommand::Verify { export: Some(file), anchor } => {
            let opened = File::open(&file);
            let opened = opened.with_context(|| format!("cannot read {}", file.display()))?;
            let anchor = anchor.map(AnchorText::into_anchor);
            Ok(report(&journal::verify_export(BufReader::new(opened), anchor.as_ref())?))
        }
        JournalCommand::Verify { export: None, anchor } => {
            let database = Database::open(config)?.access.database();
            let anchor = anchor.map(AnchorText::into_anchor);
            Ok(report(&journal::verify(&database, anchor.as_ref())?))
        }
        JournalCommand::Export { file, from } => export(config, file.as_deref(), from),
        JournalCommand::Show { rule, object, limit } => {
            let database = Database::open(config)?.access.database();
            let query = JournalQuery { rule, object, limit, ..JournalQuery::default() };
            for event in journal::list(&database, &query)? {
                print::line(&line(&event));
            }
            Ok(true)
        }
    }
}

/// Prints the result; returns whether the journal is intact.
fn report(verified: &Verified) -> bool {
    print::line(&format!("{} entries are intact", verified.entries));
    if let Some(Anchor { seq, hash }) = &verified.anchor {
        print::line(&format!("anchor {seq}:{hash}"));
    }
    if let Some(broken) = &verified.broken {
        print::line(&format!("the journal was tampered with: {broken}"));
    }
    verified.broken.is_none()
}

fn export(config: &Config, file: Option<&Path>, from: i64) -> anyhow::Result<bool> {
    let database = Database::open(config)?.access.database();
    let Some(file) = file else {
        let mut out = std::io::stdout().lock();
        journal::export(&database, from, &mut out)?;
        out.flush()?;
        return Ok(true);
    };
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(file);
    let mut out = opened.with_context(|| format!("cannot create {}", file.display()))?;
    let count = journal::export(&database, from, &mut out)?;
    out.sync_all().with_context(|| format!("cannot write {}", file.display()))?;
    print::line(&format!("wrote {count} entries to {}", file.display()));
    Ok(true)
}

/// An entry as one line: number, time, priority, transition, alarm, value, and who and why.
pub fn line(event: &AlarmEvent) -> String {
    let value = match (event.value, event.limit) {
        (Some(value), Some(limit)) => format!("  {value:.1} (limit {limit})"),
        _ => String::new(),
    };
    let actor = event.actor.as_ref().map(|it| format!("  by {it}")).unwrap_or_default();
    let comment = event.comment.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    let (at, priority) = (time(event.at_us), event.priority.as_str());
    let transition = event.transition.as_str();
    format!(
        "{:>8}  {at}  {priority}  {transition:<16} {}{value}{actor}{comment}",
        event.number, event.key
    )
}
