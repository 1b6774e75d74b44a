//! `cockpit source`: tries a source out.

use super::print;
use crate::flow;
use arrow::util::pretty::pretty_format_batches;
use config::Config;

/// What to do with a source.
#[derive(Debug, clap::Subcommand)]
pub enum SourceCommand {
    /// Connect, read the first records and print how the contract reads them; nothing is written
    Test {
        /// Name of the contract: the bronze table
        name: String,
    },
}

/// Runs the command. Returns whether all records were accepted.
pub async fn run(config: &Config, command: SourceCommand) -> anyhow::Result<bool> {
    let SourceCommand::Test { name } = command;
    let Some(sample) = flow::sample_source(config, &name).await? else {
        print::line(&format!("{name} has no records"));
        return Ok(true);
    };
    let typed = &sample.typed;
    let count = print::counted(typed.rows.num_rows(), "record");
    print::line(&format!("{count} of {}, as the database writes them:", sample.address));
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
