//! Output on the terminal.
//!
//! The reader of the output may stop before its end (`cockpit sql ... | head`). This is not an error, and nothing
//! more is written. Any other failure to write is an error.

use super::Shape;
use crate::flow::Report;
use anyhow::{Context as _, bail};
use arrow::util::pretty::pretty_format_batches;
use config::sentence::sentence;
use config::settings::Limits;
use datafusion::dataframe::DataFrame;
use futures::TryStreamExt as _;
use lake::dumps::Status;
use serve::http::{Encoder, Format};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether output could not be written for another reason than a closed pipe.
static IS_OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Whether all output was written that was read.
pub fn is_complete() -> bool {
    !IS_OUTPUT_LOST.load(Ordering::Relaxed)
}

/// Writes a line.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(failed) = writeln!(out, "{text}").or_else(ignore_closed_pipe)
        && !IS_OUTPUT_LOST.swap(true, Ordering::Relaxed)
    {
        error(&anyhow::Error::new(failed).context(OUTPUT));
    }
}

/// Writes bytes at once. Returns whether the output is still read.
fn bytes(out: &mut impl Write, bytes: &[u8]) -> anyhow::Result<bool> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(failed) => ignore_closed_pipe(failed).map(|()| false).context(OUTPUT),
    }
}

/// Whether output was written; a reader that stopped before its end is not an error.
pub fn unless_closed(written: anyhow::Result<()>) -> anyhow::Result<bool> {
    let is_closed = |error: &anyhow::Error| {
        let source = error.root_cause().downcast_ref::<io::Error>();
        source.is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe)
    };
    match written {
        Err(error) if !is_closed(&error) => Err(error),
        _ => Ok(true),
    }
}

const OUTPUT: &str = "cannot write the output";

fn ignore_closed_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// Writes the error of a failed command.
pub fn error(error: &anyhow::Error) {
    let text = format!("error: {}\n", sentence(error));
    // If standard error is closed too, only the exit code reports the failure.
    if let Err(failed) = io::stderr().lock().write_all(text.as_bytes()) {
        tracing::debug!(%failed, "error not written");
    }
}

/// Maximum number of printed files that match no contract; `meta.files` has all.
const PRINTED_FILES: usize = 10;

/// The result of a run: dumps, problems, and row balances.
pub fn summary(report: &Report) {
    let landed = report.read.iter().filter(|row| row.status == Status::Landed).count();
    line(&format!("{} read, {} unchanged", counted(landed, "dump"), report.unchanged));
    for row in &report.read {
        if row.status == Status::Empty {
            line(&format!("  empty: {}", row.file));
        }
    }
    for file in &report.unfinished {
        line(&format!("  still being written, left for a later round: {file}"));
    }
    if report.elsewhere > 0 {
        let dumps = counted(report.elsewhere, "dump");
        line(&format!("  {dumps} claimed by other programs that land from this bucket"));
    }
    for row in &report.changed_columns {
        let change = row.column_change.as_deref().unwrap_or("?");
        line(&format!("  changed columns: {} {change}", row.file));
    }
    for row in &report.broken {
        line(&format!("  cannot read {}: {}", row.file, row.reason.as_deref().unwrap_or("?")));
    }
    for row in &report.faulty {
        line(&format!("  faulty: {}: {}", row.file, row.reason.as_deref().unwrap_or("?")));
    }
    unmatched(report);
    for problem in &report.problems {
        line(&format!("  {problem}"));
    }
    for note in &report.notes {
        line(&format!("  {note}"));
    }
    if !report.entries.is_empty() {
        print_balances(report);
    }
}

/// Files that match no contract, each reported by the first run that finds it.
fn unmatched(report: &Report) {
    let rows = &report.unmatched;
    if rows.is_empty() {
        return;
    }
    let verb = if rows.len() == 1 { "matches" } else { "match" };
    line(&format!("  {} of the bucket {verb} no contract:", counted(rows.len(), "file")));
    for row in rows.iter().take(PRINTED_FILES) {
        line(&format!("    {}: {}", row.file, row.reason.as_deref().unwrap_or("?")));
    }
    if rows.len() > PRINTED_FILES {
        line(&format!("    and {} more; see meta.files", rows.len() - PRINTED_FILES));
    }
}

/// A number and its noun: 1 dump, 2 dumps.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn print_balances(report: &Report) {
    line(&format!(
        "{:<18}{:<44}{:>10}{:>10}{:>10}{:>10}{:>12}",
        "table", "dump", "read", "bronze", "silver", "rejected", "superseded"
    ));
    let mut sums = [0; 5];
    for entry in &report.entries {
        let counts = [entry.read, entry.bronze, entry.silver, entry.rejected, entry.superseded];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        let file = short(&entry.file);
        line(&format!(
            "{:<18}{file:<44}{:>10}{:>10}{:>10}{:>10}{:>12}{}",
            entry.table_name,
            counts[0],
            counts[1],
            counts[2],
            counts[3],
            counts[4],
            if entry.is_balanced { "" } else { "  NOT BALANCED" }
        ));
    }
    line(&format!(
        "{:<62}{:>10}{:>10}{:>10}{:>10}{:>12}",
        "sum", sums[0], sums[1], sums[2], sums[3], sums[4]
    ));
    let are_balanced = report.entries.iter().all(|entry| entry.is_balanced);
    line(if are_balanced { "all rows balance" } else { "SOME ROWS DO NOT BALANCE" });
}

fn short(file: &str) -> String {
    const WIDTH: usize = 42;
    let count = file.chars().count();
    if count <= WIDTH {
        return file.to_owned();
    }
    let tail: String = file.chars().skip(count - WIDTH + 1).collect();
    format!("…{tail}")
}

/// Time and memory that a result may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    table_time_s: u64,
    file_time_s: u64,
    memory_bytes: usize,
}

impl Bounds {
    /// The bounds of results over HTTP.
    pub fn from_limits(limits: &Limits) -> Self {
        Self {
            table_time_s: limits.serve.query_time_s,
            file_time_s: limits.serve.file_time_s,
            memory_bytes: limits.refine.memory_bytes,
        }
    }

    /// Runs `work` within the time for the format.
    pub async fn within<T>(
        self,
        shape: Shape,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let (name, seconds) = match shape {
            Shape::Table => ("query_time_s", self.table_time_s),
            Shape::Csv | Shape::Json | Shape::Parquet => ("file_time_s", self.file_time_s),
        };
        match tokio::time::timeout(Duration::from_secs(seconds), work).await {
            Ok(done) => done,
            Err(_elapsed) => bail!(
                "the query took longer than {name} = {seconds}; select less, or raise the limit by COCKPIT_{}",
                name.to_uppercase()
            ),
        }
    }
}

/// Writes a result in the requested format, within its bounds.
pub async fn shaped(frame: DataFrame, shape: Shape, bounds: Bounds) -> anyhow::Result<()> {
    let written = async {
        match shape {
            Shape::Table => table(frame, bounds.memory_bytes).await,
            Shape::Csv => encoded(frame, Format::Csv).await,
            Shape::Json => encoded(frame, Format::Json).await,
            Shape::Parquet => encoded(frame, Format::Parquet).await,
        }
    };
    bounds.within(shape, written).await
}

/// A result as a table of text. It is held in memory, because its columns are as wide as their widest value.
async fn table(frame: DataFrame, memory_bytes: usize) -> anyhow::Result<()> {
    let schema = frame.schema().as_arrow().clone();
    let mut stream = frame.execute_stream().await?;
    let (mut batches, mut held_bytes) = (Vec::new(), 0);
    while let Some(batch) = stream.try_next().await? {
        held_bytes += batch.get_array_memory_size();
        if held_bytes > memory_bytes {
            bail!(
                "the result is larger than memory_bytes = {memory_bytes}; select fewer rows with LIMIT, or \
                 stream it with --format csv"
            );
        }
        batches.push(batch);
    }
    if batches.is_empty() {
        batches.push(arrow::array::RecordBatch::new_empty(schema.into()));
    }
    let text = format!("{}\n", pretty_format_batches(&batches)?);
    bytes(&mut io::stdout().lock(), text.as_bytes()).map(drop)
}

/// A result as a stream of bytes in one of the formats of the HTTP interface. Ends early, without an error, if
/// the output is closed.
async fn encoded(frame: DataFrame, format: Format) -> anyhow::Result<()> {
    // The types of the result are known once it is planned: times are in microseconds then.
    let mut batches = frame.execute_stream().await?;
    let mut encoder = Encoder::new(format, &batches.schema())?.with_line_feeds();
    let brackets = if format == Format::Json { ("[", "]\n") } else { ("", "") };
    let mut out = io::stdout().lock();
    let mut is_read = bytes(&mut out, brackets.0.as_bytes())?;
    while is_read && let Some(batch) = batches.try_next().await? {
        is_read = bytes(&mut out, &encoder.rows(&batch)?)?;
    }
    if is_read {
        let rest = [&encoder.end()?, brackets.1.as_bytes()].concat();
        bytes(&mut out, &rest)?;
    }
    Ok(())
}
