//! `cockpit alarms`: rules tried out on the past.

use super::{journal, print};
use crate::flow::Flow;
use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use config::location::Purpose;
use config::{Config, listed};
use plant::alarm::Rule;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use watch::backtest::{self, BacktestReport, BacktestRequest, Compared, History};

/// What to do with the alarms.
#[derive(Debug, clap::Subcommand)]
pub enum AlarmsCommand {
    /// Replay past readings of the lake through the rules
    ///
    /// Prints how many alarms the rules would have raised, floods, alarms that chatter, and a deadband and
    /// on-delay for the worst ten alarms. With --rules it compares the rules of another file with those of the
    /// plant. Conditions on KPIs, statements and the flow of data are not replayed.
    Backtest(BacktestArgs),
}

/// Rules and period of a back-test.
#[derive(Debug, clap::Args)]
pub struct BacktestArgs {
    /// Replay only this rule
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// A file in the format of alarms.toml with the rules to try
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// First day in plant time, such as 2026-11-01, or a time, such as 2026-11-01T08:00:00Z
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Last day, included, or a time
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Print every event too
    #[arg(long)]
    events: bool,
}

/// Runs one of the commands.
pub async fn run(config: &Config, command: AlarmsCommand) -> anyhow::Result<bool> {
    let AlarmsCommand::Backtest(args) = command;
    let request = request(config, &args)?;
    let flow = Flow::open(config, Purpose::Read).await?;
    let history = History::new(flow.refinery.clone());
    let report = Box::pin(backtest::run(&history, &request)).await?;
    show(&report, !request.before.is_empty())?;
    if args.events {
        report.events.iter().for_each(|event| print::line(&journal::line(event)));
    }
    Ok(true)
}

fn request(config: &Config, args: &BacktestArgs) -> anyhow::Result<BacktestRequest> {
    let (from_us, _) = period(config, &args.from)?;
    let (_, to_us) = period(config, &args.to)?;
    if from_us >= to_us {
        bail!("invalid --to {}: expected a time after --from {}", args.to, args.from);
    }
    let is_wanted = |rule: &&Arc<Rule>| args.rule.as_deref().is_none_or(|name| name == &*rule.name);
    let own: Vec<Arc<Rule>> = config.plant.alarms.valid().filter(is_wanted).cloned().collect();
    let (rules, before) = match &args.rules {
        None => (own, Vec::new()),
        Some(file) => {
            let tried = read(config, file)?;
            let tried: Vec<Arc<Rule>> = tried.iter().filter(is_wanted).cloned().collect();
            let is_replaced = |rule: &Arc<Rule>| tried.iter().any(|it| it.name == rule.name);
            let before = own.into_iter().filter(is_replaced).collect();
            (tried, before)
        }
    };
    if rules.is_empty() {
        bail!("there is no rule {}", args.rule.as_deref().unwrap_or("in the file"));
    }
    Ok(BacktestRequest { rules, before, from_us, to_us, suggests: true })
}

fn read(config: &Config, file: &Path) -> anyhow::Result<Vec<Arc<Rule>>> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    let rules = config.plant.alarms_from(&text).rules;
    let mistakes: Vec<_> = rules.mistakes().cloned().collect();
    if !mistakes.is_empty() {
        bail!("{} has mistakes:\n{}", file.display(), listed(&mistakes));
    }
    Ok(rules.valid().cloned().collect())
}

/// Begin and end of a day in plant time, or a time twice, in microseconds since 1970 UTC.
fn period(config: &Config, text: &str) -> anyhow::Result<(i64, i64)> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok((at.timestamp_micros(), at.timestamp_micros()));
    }
    let expected = || {
        format!("invalid time `{text}`: expected a day such as 2026-11-01, or 2026-11-01T08:00:00Z")
    };
    let day = text.parse::<NaiveDate>().ok().with_context(expected)?;
    let begin = |day: NaiveDate| -> Option<i64> {
        let begin = day.and_time(NaiveTime::MIN).and_local_timezone(config.plant.zone);
        Some(begin.earliest()?.with_timezone(&Utc).timestamp_micros())
    };
    let next = day.succ_opt().and_then(begin);
    begin(day).zip(next).with_context(expected)
}

fn show(report: &BacktestReport, has_before: bool) -> anyhow::Result<()> {
    let instead = |before: usize| match has_before {
        true => format!(" instead of {before}"),
        false => String::new(),
    };
    print::line(&format!(
        "{} replayed",
        print::counted(usize::try_from(report.readings)?, "reading")
    ));
    print::line(&format!("alarms      {}{}", report.alarms, instead(report.alarms_before)));
    print::line(&format!("floods      {}{}", report.floods, instead(report.floods_before)));
    print::line(&format!("chattering  {}", report.chattering));
    for day in &report.per_day {
        print::line(&format!("  {}  {}{}", day.day, day.alarms, instead(day.alarms_before)));
    }
    if has_before {
        for (title, faults) in [("missed", &report.missed), ("added", &report.added)] {
            print::line(&format!("{title}: {}", print::counted(faults.len(), "fault")));
            faults.iter().for_each(|it| print::line(&fault(it)));
        }
        print::line(&format!("kept: {}", print::counted(report.kept.len(), "fault")));
        report.kept.iter().for_each(|it| print::line(&fault(it)));
    }
    if !report.not_replayed.is_empty() {
        let names = report.not_replayed.join(", ");
        print::line(&format!(
            "not replayed, because their conditions are not on readings: {names}"
        ));
    }
    if let Some(suggestion) = &report.suggestion {
        print::line(&format!("suggestion for {}: {}", suggestion.rule, suggestion.text));
    }
    Ok(())
}

fn fault(fault: &Compared) -> String {
    let delay = fault.delay_us.map(|us| format!("  {:+} s", us / 1_000_000)).unwrap_or_default();
    format!("  {}  {}{delay}", super::database::time(fault.at_us), fault.key)
}
