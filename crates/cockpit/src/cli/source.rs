//! `cockpit source`: tries a source out, or drafts a contract for one.

pub mod draft;

use super::print;
use crate::flow;
use arrow::util::pretty::pretty_format_batches;
use config::{Config, Flags};

/// What to do with a source.
#[derive(Debug, clap::Subcommand)]
pub enum SourceCommand {
    /// Connect, read the first records and print how the contract reads them; nothing is written
    Test {
        /// Name of the contract: the bronze table
        name: String,
    },
    /// Propose a contract from a sample: format, encoding, header, types, formats of times, key
    Draft(draft::DraftArgs),
}

/// Runs the command with the configuration that `load` reads, which a draft does not need.
pub async fn run(
    command: SourceCommand,
    flags: &Flags,
    load: impl FnOnce(&Flags) -> anyhow::Result<Config>,
) -> anyhow::Result<bool> {
    match command {
        SourceCommand::Test { name } => test(&load(flags)?, &name).await,
        SourceCommand::Draft(args) => draft::run(&args, flags.plant.as_deref()).await,
    }
}

/// Prints a sample. Returns whether all records were accepted.
async fn test(config: &Config, name: &str) -> anyhow::Result<bool> {
    let Some(sample) = flow::sample_source(config, name).await? else {
        print::line(&format!("{name} has no records"));
        return Ok(true);
    };
    let typed = &sample.typed;
    let count = print::counted(typed.rows.num_rows(), "record");
    print::line(&format!("{count} of {}, as the source has them:", sample.address));
    print::line(&pretty_format_batches(&[sample.texts])?.to_string());
    print::line("As the contract reads them:");
    print::line(&pretty_format_batches(std::slice::from_ref(&typed.rows))?.to_string());
    for rejection in &typed.rejections {
        let (row, reason) = (rejection.row + 1, &rejection.reason);
        let raw = rejection.raw.as_deref().unwrap_or_default();
        print::line(&format!("record {row} is rejected: {} `{raw}`: {reason}", rejection.column));
    }
    for (column, count) in &typed.repaired {
        print::line(&format!("{column}: {} unreadable, null", print::counted(*count, "value")));
    }
    sample.notes.iter().for_each(|note| print::line(note));
    Ok(typed.rejections.is_empty())
}
