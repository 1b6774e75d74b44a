//! What the program says on the terminal.

#![expect(clippy::print_stdout, reason = "the command line's own output")]

use super::Shape;
use crate::config::Config;
use crate::config::settings::Origin;
use crate::flow::Report;
use crate::lake::dumps::Status;
use crate::serve::http::{Encoder, Format};
use arrow::util::pretty::pretty_format_batches;
use datafusion::dataframe::DataFrame;
use futures::TryStreamExt as _;
use std::io::Write as _;

pub fn line(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "the last word of a failed command")]
pub fn error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

/// The books of a run, and what could not be read.
pub fn summary(report: &Report) {
    let landed = report.read.iter().filter(|row| row.status == Status::Landed).count();
    println!("{landed} dumps read, {} unchanged", report.unchanged);
    for row in &report.read {
        if row.status == Status::Empty {
            println!("  empty: {}", row.file);
        }
    }
    for file in &report.unfinished {
        println!("  still being written, left for a later round: {file}");
    }
    for row in &report.broken {
        println!("  cannot read {}: {}", row.file, row.reason.as_deref().unwrap_or("?"));
    }
    for problem in &report.problems {
        println!("  {problem}");
    }
    for note in &report.notes {
        println!("  {note}");
    }
    if !report.entries.is_empty() {
        print_books(report);
    }
}

fn print_books(report: &Report) {
    println!(
        "{:<18}{:<44}{:>10}{:>10}{:>10}{:>10}{:>12}",
        "table", "dump", "read", "bronze", "silver", "rejected", "superseded"
    );
    let mut sums = [0; 5];
    for entry in &report.entries {
        let counts = [entry.read, entry.bronze, entry.silver, entry.rejected, entry.superseded];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        let file = short(&entry.file);
        println!(
            "{:<18}{file:<44}{:>10}{:>10}{:>10}{:>10}{:>12}{}",
            entry.table_name,
            counts[0],
            counts[1],
            counts[2],
            counts[3],
            counts[4],
            if entry.closed { "" } else { "  DOES NOT CLOSE" }
        );
    }
    println!(
        "{:<62}{:>10}{:>10}{:>10}{:>10}{:>12}",
        "sum", sums[0], sums[1], sums[2], sums[3], sums[4]
    );
    let all_close = report.entries.iter().all(|entry| entry.closed);
    println!("{}", if all_close { "the books close" } else { "THE BOOKS DO NOT CLOSE" });
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

/// The configuration in force, each setting with where it was said and why its default is.
pub fn config(config: &Config) -> anyhow::Result<()> {
    let folder = config.plant_folder.as_ref().map(|folder| folder.display().to_string());
    let folder = folder.unwrap_or_else(|| "compiled in".to_owned());
    let plant = &config.plant;
    println!("# plant: {} ({folder}): {}", plant.name, plant.description);
    println!("# zone {}, money in {}", plant.zone, plant.currency);
    let none = (String::new(), Origin::Default);
    for (name, (value, origin)) in [
        ("bucket", config.bucket.as_ref().unwrap_or(&none)),
        ("lake", &config.lake),
        ("kafka", config.kafka.as_ref().unwrap_or(&none)),
    ] {
        println!("{:<40} # {}", format!("{name} = {value:?}"), origin.word());
    }
    println!("\n[kafka]");
    for ((name, value, reason), origin) in plant.kafka.settings() {
        let said = format!("{name} = {value:?}");
        println!("{said:<40} # {}; by default: {reason}", origin.word());
    }
    println!("\n[limits]");
    for (known, setting) in config.plant.limits.all() {
        let said = format!("{} = {}", known.name, setting.value);
        println!(
            "{said:<40} # {}; default {}: {}",
            setting.origin.word(),
            known.default,
            known.reason
        );
    }
    Ok(())
}

/// An answer as it is asked for.
pub async fn shaped(frame: DataFrame, shape: Shape) -> anyhow::Result<()> {
    match shape {
        Shape::Table => table(frame).await,
        Shape::Csv => encoded(frame, Format::Csv).await,
        Shape::Json => encoded(frame, Format::Json).await,
        Shape::Parquet => encoded(frame, Format::Parquet).await,
    }
}

/// An answer as a table for people.
async fn table(frame: DataFrame) -> anyhow::Result<()> {
    let schema = frame.schema().as_arrow().clone();
    let mut batches = frame.collect().await?;
    if batches.is_empty() {
        batches.push(arrow::array::RecordBatch::new_empty(schema.into()));
    }
    println!("{}", pretty_format_batches(&batches)?);
    Ok(())
}

/// An answer as a stream of bytes in one of the formats of the interface.
async fn encoded(frame: DataFrame, format: Format) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut encoder = Encoder::new(format, frame.schema().as_arrow())?;
    let mut batches = frame.execute_stream().await?;
    let brackets = if format == Format::Json { ("[", "]\n") } else { ("", "") };
    out.write_all(brackets.0.as_bytes())?;
    while let Some(batch) = batches.try_next().await? {
        out.write_all(&encoder.rows(&batch)?)?;
    }
    out.write_all(&encoder.end()?)?;
    out.write_all(brackets.1.as_bytes())?;
    out.flush()?;
    Ok(())
}
