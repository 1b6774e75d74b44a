//! `cockpit report`: lists the reports of the plant and runs one of them.

mod as_issued;

use super::print;
use crate::flow::{Flow, now};
use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use config::Config;
use config::diagnostic::did_you_mean;
use config::folder::Plant;
use config::location::Purpose;
use config::reports::{Definition, Format};
use report::{Data, Engine, Request, collect};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to do with reports.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// List the reports of the plant with their parameters
    List,
    /// Run a report and write its file
    Run(Box<RunArgs>),
}

/// The report, its parameters and its file.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Name of the report
    name: String,
    /// Production day, such as 2026-11-01: the parameter `day`
    #[arg(long)]
    day: Option<String>,
    /// Shift: the parameter `shift`
    #[arg(long)]
    shift: Option<String>,
    /// Value of another parameter; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Format of the file; by default that of the ending of --out, or PDF
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    /// File to write [default: NAME.FORMAT in the current folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Language of titles: en, ml or hi
    #[arg(long, default_value = "en")]
    language: String,
    /// Read the tables as they were at this time: 2026-11-01T06:30:00Z, or 2026-11-01 06:30 in plant time
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Write the file of the issued report with this number, byte for byte as it was stored
    #[arg(long, value_name = "ID", conflicts_with_all = ["day", "shift", "set", "as_of"])]
    as_issued: Option<i64>,
}

/// The formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    Pdf,
    Xlsx,
    Csv,
    Html,
}

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Pdf => Self::Pdf,
            ReportFormat::Xlsx => Self::Xlsx,
            ReportFormat::Csv => Self::Csv,
            ReportFormat::Html => Self::Html,
        }
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| format!("invalid value `{text}`: expected NAME=VALUE"))
}

/// Lists or runs reports.
pub async fn run(config: &Config, command: ReportCommand) -> anyhow::Result<bool> {
    match command {
        ReportCommand::List => {
            list(config);
            Ok(true)
        }
        ReportCommand::Run(args) => run_one(config, &args).await,
    }
}

fn list(config: &Config) {
    if config.plant.reports.is_empty() {
        print::line("no reports: write reports/NAME/report.toml in the plant folder");
    }
    for report in config.plant.reports.values() {
        let parameters = report.parameters.iter().map(|it| format!(" [{}]", it.name));
        let parameters = parameters.collect::<String>();
        let title = report.title.in_language("en");
        print::line(&format!("{:<24}{title}{parameters}", report.name));
    }
}

async fn run_one(config: &Config, args: &RunArgs) -> anyhow::Result<bool> {
    if let Some(id) = args.as_issued {
        return write_issued(config, args, id);
    }
    let report = find(config, &args.name)?;
    let request = request(args, &config.plant)?;
    let flow = Flow::open(config, Purpose::Read).await?;
    let context = flow.report_plant();
    let data = collect(&report, &request, &context, &flow.report_source()).await?;
    let engine = Engine::new(&context.limits);
    let format = format(args)?;
    let bytes = engine.render(&report, &data, format)?;
    let path = path(args, &data, format);
    write_file(&path, &bytes)?;
    print::line(&summary(&data, &path, bytes.len()));
    Ok(true)
}

fn write_issued(config: &Config, args: &RunArgs, id: i64) -> anyhow::Result<bool> {
    let (issued, file) = as_issued::read(config, &args.name, id, format(args)?)?;
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(&file.name));
    write_file(&path, &file.bytes)?;
    let later = issued.corrected_by.map(|later| format!("; corrected by {later}"));
    let (bytes, later) = (file.bytes.len(), later.unwrap_or_default());
    print::line(&format!("{}: {bytes} bytes, issued report {id}{later}", path.display()));
    Ok(true)
}

/// Writes a file as a whole or, if that fails, not at all; a path such as `/dev/stdout` is written to directly.
fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let describe = || format!("cannot write {}", path.display());
    if path.metadata().is_ok_and(|it| !it.is_file()) {
        return std::fs::write(path, bytes).with_context(describe);
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _may_not_exist = std::fs::remove_file(&part);
    }
    written.with_context(describe)
}

fn find(config: &Config, name: &str) -> anyhow::Result<Arc<Definition>> {
    let reports = &config.plant.reports;
    let known: Vec<&str> = reports.keys().map(String::as_str).collect();
    let report = reports.get(name).cloned();
    report.ok_or_else(|| {
        let remedy = did_you_mean(name, &known);
        report::Error::UnknownReport { name: name.to_owned(), remedy }.into()
    })
}

fn request(args: &RunArgs, plant: &Plant) -> anyhow::Result<Request> {
    let mut parameters: BTreeMap<String, String> = args.set.iter().cloned().collect();
    for (name, value) in [("day", &args.day), ("shift", &args.shift)] {
        let Some(value) = value else { continue };
        if parameters.insert(name.to_owned(), value.clone()).is_some() {
            bail!("--{name} and --set {name}=… are both given: give one of them");
        }
    }
    let as_of_us = args.as_of.as_deref().map(|text| time_us(text, plant)).transpose()?;
    let (language, now_us) = (args.language.clone(), now().timestamp_micros());
    Ok(Request { parameters, language, now_us, as_of_us, ..Request::default() })
}

/// A time in microseconds since 1970 UTC: with an offset, or in plant time.
fn time_us(text: &str, plant: &Plant) -> anyhow::Result<i64> {
    if let Ok(at) = text.parse::<DateTime<Utc>>() {
        return Ok(at.timestamp_micros());
    }
    let patterns = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    let local = patterns.iter().find_map(|it| NaiveDateTime::parse_from_str(text, it).ok());
    let day = || Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN));
    let local =
        local.or_else(day).and_then(|local| local.and_local_timezone(plant.zone).earliest());
    let at = local.with_context(|| {
        format!("invalid --as-of `{text}`: expected a time such as 2026-11-01T06:30:00Z or, in plant time, 2026-11-01 06:30")
    })?;
    Ok(at.timestamp_micros())
}

fn format(args: &RunArgs) -> anyhow::Result<Format> {
    if let Some(format) = args.format {
        return Ok(format.into());
    }
    let ending = args.out.as_deref().and_then(Path::extension);
    let Some(ending) = ending.map(|ending| ending.to_string_lossy().to_lowercase()) else {
        return Ok(Format::Pdf);
    };
    // Several tables as CSV are a ZIP archive.
    let name = if ending == "zip" { "csv" } else { &ending };
    let format = Format::from_name(name);
    format.with_context(|| format!("unknown ending .{ending} of --out: give --format"))
}

/// The file to write.
fn path(args: &RunArgs, data: &Data, format: Format) -> PathBuf {
    let is_archive = format == Format::Csv && report::csv::is_archive(data);
    let ending = if is_archive { "zip" } else { format.as_str() };
    args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.{ending}", args.name)))
}

fn summary(data: &Data, path: &Path, bytes: usize) -> String {
    let values = data.parameters.iter().map(|it| format!(" {}={}", it.name, it.value));
    let values: String = values.collect();
    let cut = data.tables.iter().filter(|table| table.is_truncated);
    let cut: Vec<&str> = cut.map(|table| table.name.as_str()).collect();
    let cut = match cut.is_empty() {
        true => String::new(),
        false => format!("; rows are left out of: {}", cut.join(", ")),
    };
    let rows = print::counted(data.row_count(), "row");
    format!("{}: {rows}, {bytes} bytes,{values} receipt {}{cut}", path.display(), data.id)
}
