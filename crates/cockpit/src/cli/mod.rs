//! The command line.

mod alarms;
mod anomaly;
mod audit;
mod backup;
mod certificate;
mod connect;
mod database;
mod demo;
mod init;
mod journal;
mod kpi;
mod log;
mod password;
mod print;
mod progress;
mod reference;
mod report;
mod serve;
mod settings;
mod simulate;
mod simulate_stream;
mod source;
mod user;

use crate::flow::timings::Timings;
use crate::flow::{self, Flow};
use anyhow::{Context as _, bail};
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use config::location::Purpose;
use config::model::TableName;
use config::{Config, Flags, folder, listed};
use lake::lease::Patience;
use lake::meta::catalog;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// Shows the state of a manufacturing plant, by day and by second.
///
/// `cockpit ingest --once --bucket s3://plant/dumps` lands every record of the dumps in a Delta lake, computes
/// the tables derived from them, and reconciles the rows. `cockpit serve` shows the result in a browser,
/// `cockpit sql "select * from gold.production_daily"` queries it.
#[derive(Debug, Parser)]
#[command(name = "cockpit", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command. Each can also be set in the environment, bucket, lake and kafka in plant.toml too.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// Folder that describes the plant [default: the reference plant, compiled in]
    #[arg(long, global = true, value_name = "DIR", env = "COCKPIT_PLANT")]
    plant: Option<PathBuf>,
    /// Where the dumps are: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, sftp://user@host/path, ftp:// or ftps://user@host/path, webdav:// or webdavs://host/path, file:///path or a path
    ///
    /// Keys, region and endpoint are taken from the usual variables: AWS_… and profile files, GOOGLE_…, AZURE_….
    /// AWS_SKIP_SIGNATURE=true, or GOOGLE_… and AZURE_… likewise, reads a public bucket without keys.
    #[arg(long, global = true, value_name = "URL")]
    bucket: Option<String>,
    /// Where the lake is [default: ./cockpit-data]
    #[arg(long, global = true, value_name = "URL")]
    lake: Option<String>,
    /// Kafka brokers to read messages from: host:port, separated by commas
    #[arg(long, global = true, value_name = "BROKERS")]
    kafka: Option<String>,
    /// Events to log
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn", env = "COCKPIT_LOG")]
    log: log::Level,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Land new dumps and refine them
    ///
    /// An unchanged dump is not read again; a changed one is a new dump whose records supersede those with the
    /// same key. Prints the row balance: read = bronze, and bronze = silver + rejected + superseded. The exit
    /// code is 0 if every file was read and all rows balance; rejected rows do not fail the run.
    Ingest {
        /// Run once and stop; without it the bucket is listed at an interval
        #[arg(long)]
        once: bool,
        /// Wait while another process refines the lake
        #[arg(long)]
        wait: bool,
        /// Do a part of it: `land` leaves silver and gold to another program, and several programs share the dumps
        #[arg(long, value_enum, value_name = "PART", conflicts_with_all = ["wait", "timings"])]
        only: Option<Only>,
        /// Print what each part of the run cost: CPU time, time and written bytes
        #[arg(long, requires = "once")]
        timings: bool,
    },
    /// Ingest on a schedule and serve the pages and the HTTP interface
    Serve(Box<serve::ServeArgs>),
    /// Print the addresses of the service with a snippet for each program that reads from it
    Connect(Box<serve::ServeArgs>),
    /// Query the lake in SQL
    Sql {
        /// SELECT statements, one result each in their order; tables are bronze.…, silver.…, gold.… and meta.…
        #[arg(required = true, value_name = "QUERY")]
        queries: Vec<String>,
        /// Format of the result
        #[arg(long, value_enum, default_value_t = Shape::Table)]
        format: Shape,
    },
    /// Print KPIs with their numerators, denominators and bounds
    Kpi(kpi::KpiArgs),
    /// List and run reports
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// List the tables of the lake
    Tables,
    /// Show rejected records and the reasons
    Rejected {
        /// Show only records of this table, such as board_result
        table: Option<String>,
        /// Maximum number of rows
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Rebuild silver and gold from bronze
    Rebuild,
    /// Run everything on a simulated plant, without further services
    Demo(demo::DemoArgs),
    /// Write dumps of a simulated plant, or send its temperatures to a Kafka broker
    ///
    /// With --out it writes dumps in the formats of the reference plant, in the shifts and the time zone of the
    /// plant folder. With --kafka it sends messages in the format of the reference plant until Ctrl-C, or until
    /// the limits of --for or --messages. With --truth it also writes the true values and the injected faults.
    Simulate(Box<simulate::Simulate>),
    /// Try a source out, or draft a contract for one
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// Manage users and their roles
    #[command(subcommand)]
    User(user::UserCommand),
    /// Verify or export the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Try alarm rules out on the past
    #[command(subcommand)]
    Alarms(alarms::AlarmsCommand),
    /// Show, verify or export the journal of alarms
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// Find unusual readings
    #[command(subcommand)]
    Anomaly(anomaly::AnomalyCommand),
    /// Copy the database of users, tokens and the audit log to a file, while the service is running
    Backup {
        /// A new file
        file: PathBuf,
    },
    /// Replace the database of users, tokens and the audit log by a copy; stop the service first
    Restore {
        /// A file that `cockpit backup` wrote
        file: PathBuf,
    },
    /// Make a self-signed certificate with its key
    Certificate(certificate::CertificateArgs),
    /// Write a plant folder to start from
    ///
    /// With --from it describes a file: format, encoding, delimiter, header, types and key are detected from
    /// its first records. The folder has a contract, a silver table, a gold table and a KPI, all with comments.
    Init(init::InitArgs),
    /// Check a plant folder for mistakes
    Check {
        /// Refuse statements that this engine reads differently, too
        #[arg(long, value_enum, value_name = "ENGINE")]
        dialect: Option<Dialect>,
    },
    /// Print the effective settings, the source of each, and the reason for its default
    Config,
    /// Print the JSON Schema of a TOML file, for editors that complete and check
    Schema {
        #[arg(value_enum)]
        file: reference::File,
    },
    /// Write the generated pages of the reference
    #[command(hide = true)]
    Reference {
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Print completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write manual pages into a folder
    #[command(hide = true)]
    Manual { folder: PathBuf },
}

/// The part of an ingest that a program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    Land,
}

/// Format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    Table,
    Csv,
    Json,
    Parquet,
}

/// Workers of the runtime in addition to one per core. Compressing a file or computing a table occupies a
/// worker for tens of milliseconds, which must not delay the live stream.
const SPARE_WORKERS: usize = 2;

/// Runs the program; the exit code is 0 only if the command succeeded.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let is_timed = matches!(cli.command, Command::Ingest { timings: true, .. });
    let timings = log::start(cli.common.log, is_timed);
    match timings.and_then(|timings| start(cli, timings.as_ref())) {
        Ok(true) if print::is_complete() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            print::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli, timings: Option<&Timings>) -> anyhow::Result<bool> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores + SPARE_WORKERS)
        .enable_all()
        .build()?;
    let done = runtime.block_on(Box::pin(run(cli)));
    // All own work has ended. Cancelled reads of a table's log continue in the library, on threads that
    // cannot be stopped and that panic if the runtime ends before them, or wait for a disk that does not
    // respond. They only read, so they may end with the process.
    std::mem::forget(runtime);
    if let Some(timings) = timings {
        log::print_timings(timings);
    }
    done
}

async fn run(cli: Cli) -> anyhow::Result<bool> {
    let mut flags = Flags {
        plant: cli.common.plant.clone(),
        bucket: cli.common.bucket.clone(),
        lake: cli.common.lake.clone(),
        kafka: cli.common.kafka.clone(),
        ..Flags::default()
    };
    match cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "cockpit", &mut script);
            print::line(String::from_utf8(script)?.trim_end());
            Ok(true)
        }
        Command::Simulate(args) => simulate::run(&load(&flags)?, *args).await,
        Command::Source(command) => Box::pin(source::run(command, &flags, load)).await,
        Command::User(command) => user::run(&load(&flags)?, command),
        Command::Audit(command) => audit::run(&load(&flags)?, command),
        Command::Alarms(command) => Box::pin(alarms::run(&load(&flags)?, command)).await,
        Command::Journal(command) => journal::run(&load(&flags)?, command),
        Command::Anomaly(command) => anomaly::run(&command),
        Command::Backup { file } => backup::backup(&load(&flags)?, &file),
        Command::Restore { file } => backup::restore(&load(&flags)?, &file),
        Command::Certificate(args) => certificate::run(&args),
        Command::Init(args) => {
            init::write(&args)?;
            flags.plant = Some(args.folder().to_owned());
            let is_valid = check(&flags, None).await?;
            init::print_next_steps(&args);
            Ok(is_valid)
        }
        Command::Schema { file } => {
            reference::print_schema(file);
            Ok(true)
        }
        Command::Reference { folder } => reference::write_pages(&folder).map(|()| true),
        Command::Manual { folder } => {
            let written = clap_mangen::generate_to(Cli::command(), &folder);
            written.with_context(|| format!("manual pages into {}", folder.display()))?;
            Ok(true)
        }
        Command::Check { dialect } => check(&flags, dialect).await,
        Command::Demo(args) => Box::pin(demo::demo(load(&flags)?, &args)).await,
        Command::Config => {
            settings::print(&load(&flags)?);
            Ok(true)
        }
        Command::Ingest { once, only: Some(Only::Land), .. } => land(&load(&flags)?, once).await,
        Command::Ingest { once, wait, .. } => ingest(&load(&flags)?, once, wait).await,
        Command::Serve(args) => serve::run(flags, &args, load).await,
        Command::Connect(args) => {
            connect::run(&load(&args.flags(flags))?);
            Ok(true)
        }
        Command::Rebuild => rebuild(&load(&flags)?).await,
        Command::Sql { queries, format } => sql(&load(&flags)?, &queries, format).await,
        Command::Kpi(args) => kpi::run(&load(&flags)?, &args).await,
        Command::Report(command) => Box::pin(report::run(&load(&flags)?, command)).await,
        Command::Tables => tables(&load(&flags)?).await,
        Command::Rejected { table, limit } => {
            let query = rejected_query(table.as_deref(), limit);
            sql(&load(&flags)?, &[query], Shape::Table).await
        }
    }
}

/// Loads the configuration, and logs a warning for each deprecated name in it.
fn load(flags: &Flags) -> anyhow::Result<Config> {
    let config = config::load(flags)?;
    for deprecation in config.deprecations() {
        tracing::warn!(old = deprecation.old, new = deprecation.new, "setting is deprecated");
    }
    Ok(config)
}

/// A token that the first Ctrl-C or SIGTERM cancels; the second one ends the program at once.
fn stop_token() -> CancellationToken {
    let stop = CancellationToken::new();
    flow::cancel_on_signal(stop.clone());
    stop
}

/// An engine other than the program that refines a lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dialect {
    Spark,
}

async fn check(flags: &Flags, dialect: Option<Dialect>) -> anyhow::Result<bool> {
    let texts = folder::texts(flags.plant.as_deref())?;
    let (plant, mut found) = folder::read(&texts);
    if let Some(plant) = &plant {
        let (steps, in_models) = lake::plan::planner::plan(plant).await?;
        let mut alarms = plant.alarms.as_ref().clone();
        lake::plan::alarms::check(plant, &steps, &mut alarms).await?;
        found.extend(in_models.into_iter().chain(alarms.mistakes().cloned()));
        found.extend(::report::check::check(plant, &steps).await?);
        found.extend(lake::plan::boards::check(&plant.boards, &steps).await?);
        if dialect == Some(Dialect::Spark) {
            found.extend(config::dialect::differences_of_spark(plant));
        }
        found.sort();
        for warning in alarms.warnings() {
            print::line(&format!("warning: {warning}"));
        }
        if found.is_empty() {
            let rules = match alarms.valid().count() {
                0 => String::new(),
                count => format!(", {}", print::counted(count, "alarm rule")),
            };
            let reports = match plant.reports.len() {
                0 => String::new(),
                count => format!(", {}", print::counted(count, "report")),
            };
            let boards = match plant.boards.len() {
                0 => String::new(),
                count => format!(", {}", print::counted(count, "board")),
            };
            print::line(&format!(
                "{}: {} and {}{rules}{reports}{boards}, no mistakes",
                plant.name,
                print::counted(plant.contracts.len(), "contract"),
                print::counted(steps.len(), "model")
            ));
            return Ok(true);
        }
    }
    print::line(&listed(&found));
    print::line(&print::counted(found.len(), "mistake"));
    Ok(false)
}

async fn ingest(config: &Config, once: bool, wait: bool) -> anyhow::Result<bool> {
    let flow = Flow::open(config, Purpose::Write).await?;
    let patience = if wait { Patience::UntilFree } else { Patience::UntilSeenAlive };
    if !once {
        let stop = stop_token();
        let watcher = progress::quiet();
        return Box::pin(flow.ingest_on(patience, &watcher, &stop, print::summary)).await;
    }
    let (watcher, bar) = progress::bar();
    let report = Box::pin(flow.as_refiner(patience, flow.once(&watcher))).await;
    bar.finish_and_clear();
    let report = report?;
    print::summary(&report);
    Ok(report.is_success())
}

/// Lands without refining: another program, or Spark, does that.
async fn land(config: &Config, once: bool) -> anyhow::Result<bool> {
    let flow = Flow::open(config, Purpose::Write).await?;
    if !once {
        return Box::pin(flow.land_on(&progress::quiet(), &stop_token(), print::summary)).await;
    }
    let (watcher, bar) = progress::bar();
    let report = Box::pin(flow.land_once(&watcher)).await;
    bar.finish_and_clear();
    let report = report?;
    print::summary(&report);
    Ok(report.is_success())
}

async fn rebuild(config: &Config) -> anyhow::Result<bool> {
    let flow = Flow::open(config, Purpose::Write).await?;
    let report = Box::pin(flow.as_refiner(Patience::UntilSeenAlive, flow.rebuild())).await?;
    print::summary(&report);
    Ok(report.is_success())
}

async fn sql(config: &Config, queries: &[String], shape: Shape) -> anyhow::Result<bool> {
    if shape == Shape::Parquet && queries.len() > 1 {
        bail!("a Parquet file holds one result; run {} queries one by one", queries.len());
    }
    let flow = Flow::open(config, Purpose::Read).await?;
    let bounds = print::Bounds::from_limits(&config.plant.limits);
    for query in queries {
        let frame = bounds.within(shape, flow.run_sql(query)).await?;
        print::shaped(frame, shape, bounds).await?;
    }
    Ok(true)
}

async fn tables(config: &Config) -> anyhow::Result<bool> {
    let flow = Flow::open(config, Purpose::Read).await?;
    for (row, _) in catalog::entries(&flow.refinery).await? {
        let name = TableName::new(&row.schema_name, &row.table_name);
        let columns = format!("{:<32}{:>12} rows  v{:<5}", name.to_string(), row.rows, row.version);
        print::line(&format!("{columns}{}", row.description));
    }
    Ok(true)
}

fn rejected_query(table: Option<&str>, limit: usize) -> String {
    let filter = table.map(|table| format!("WHERE table_name = '{}'", table.replace('\'', "''")));
    format!(
        "SELECT table_name, column_name, reason, raw, rule, _file, _record, _byte_from \
         FROM silver.rejected {} ORDER BY table_name, _file, _record LIMIT {limit}",
        filter.unwrap_or_default()
    )
}
