//! `cockpit kpi`: the KPIs on the terminal, as the pages and the interface have them.

use super::{Shape, print};
use crate::config::Config;
use crate::config::location::Purpose;
use crate::flow::Flow;
use crate::lake::kpi::{Asked, By, Each, Figure, Figures, figures};
use anyhow::bail;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What is asked for.
#[derive(Debug, Args)]
pub struct KpiArgs {
    /// Only this unit
    #[arg(long)]
    unit: Option<String>,
    /// First production day, such as 2026-11-01
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Last production day
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    /// What is summed over the equipment
    #[arg(long, value_enum, default_value_t = Level::Unit)]
    by: Level,
    /// What is summed over time
    #[arg(long, value_enum, default_value_t = Time::Range)]
    each: Time,
    /// Definitions to use: iso22400, oee.com, or all
    #[arg(long, default_value = "iso22400")]
    set: String,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Shape::Table)]
    format: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Unit,
    Line,
    Plant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Time {
    Shift,
    Day,
    Range,
}

/// Prints what is asked for.
pub async fn run(config: &Config, args: &KpiArgs) -> anyhow::Result<bool> {
    let all = &config.plant.kpis;
    let is_in = |kpi: &&crate::config::kpi::Kpi| args.set == "all" || kpi.set == args.set;
    let kpis: Vec<_> = all.iter().filter(is_in).cloned().collect();
    if kpis.is_empty() {
        let mut sets: Vec<&str> = all.iter().map(|kpi| kpi.set.as_str()).collect();
        sets.dedup();
        bail!("there is no set of KPIs {}; there are: {}, all", args.set, sets.join(", "));
    }
    let asked = Asked {
        by: match args.by {
            Level::Unit => By::Unit,
            Level::Line => By::Line,
            Level::Plant => By::Plant,
        },
        each: match args.each {
            Time::Shift => Each::Shift,
            Time::Day => Each::Day,
            Time::Range => Each::Range,
        },
        from: args.from,
        to: args.to,
        unit: args.unit.clone(),
        ..Asked::default()
    };
    let flow = Flow::open(config, Purpose::Read).await?;
    let figures = figures(&flow.session().await?, &kpis, &asked).await?;
    if figures.is_empty() {
        print::line("no rows: nothing is known of these units and days");
        return Ok(true);
    }
    let units: Vec<(&str, &str)> =
        kpis.iter().map(|kpi| (kpi.name.as_str(), kpi.unit.as_str())).collect();
    match args.format {
        Shape::Table => print::line(&table(&figures, &units)),
        Shape::Csv => print::line(&csv(&figures, &units)?),
        Shape::Json => print::line(&lines(&figures, &units)?),
        Shape::Parquet => bail!("KPIs are written as table, csv or json; ask gold for Parquet"),
    }
    Ok(true)
}

fn table(figures: &Figures, units: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (place, kpis) in figures {
        let day = place.production_day.map(|day| day.to_string());
        let shift = place.shift.as_ref().map(|shift| format!("shift {shift}"));
        let named = [day, shift, place.line.clone(), place.unit.clone()];
        let title: Vec<String> = named.into_iter().flatten().collect();
        let title = if title.is_empty() { "plant".to_owned() } else { title.join("  ") };
        let _infallible = writeln!(text, "{title}");
        for (name, unit) in units {
            let Some(figure) = kpis.get(*name) else { continue };
            let _infallible = writeln!(text, "  {name:<30}{}", spelled(figure, unit));
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn spelled(figure: &Figure, unit: &str) -> String {
    let number = |value: f64| match unit {
        "%" => format!("{:.2} %", value * 100.0),
        _ => format!("{value:.2} {unit}"),
    };
    let Some(value) = figure.value else {
        return format!("unknown: {}", figure.unknown.as_deref().unwrap_or("nothing is known"));
    };
    let ratio = match (figure.numerator, figure.denominator) {
        (Some(numerator), Some(denominator)) => format!("{numerator} / {denominator}"),
        _ => String::new(),
    };
    match (figure.low, figure.high) {
        (None, None) => format!("{:>14}  {ratio}", number(value)),
        (low, high) => {
            let end = |bound: Option<f64>| bound.map_or("?".to_owned(), number);
            format!("{:>14}  {ratio}  between {} and {}", number(value), end(low), end(high))
        }
    }
}

/// One record for each KPI of each place, so that units never mix in a column.
fn records<'a>(
    figures: &'a Figures,
    units: &'a [(&str, &str)],
) -> impl Iterator<Item = Vec<(&'static str, Value)>> + 'a {
    figures.iter().flat_map(move |(place, kpis)| {
        units.iter().filter_map(move |(name, unit)| {
            let figure = kpis.get(*name)?;
            Some(vec![
                ("production_day", json!(place.production_day)),
                ("shift", json!(place.shift)),
                ("line", json!(place.line)),
                ("unit", json!(place.unit)),
                ("kpi", json!(name)),
                ("value", json!(figure.value)),
                ("low", json!(figure.low)),
                ("high", json!(figure.high)),
                ("numerator", json!(figure.numerator)),
                ("denominator", json!(figure.denominator)),
                ("kpi_unit", json!(unit)),
                ("unknown", json!(figure.unknown)),
            ])
        })
    })
}

fn lines(figures: &Figures, units: &[(&str, &str)]) -> anyhow::Result<String> {
    let object = |record: Vec<(&str, Value)>| {
        let object: serde_json::Map<String, Value> =
            record.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        serde_json::to_string(&object)
    };
    let lines: Result<Vec<String>, _> = records(figures, units).map(object).collect();
    Ok(lines?.join("\n"))
}

fn csv(figures: &Figures, units: &[(&str, &str)]) -> anyhow::Result<String> {
    let mut lines: Vec<String> = Vec::new();
    for record in records(figures, units) {
        if lines.is_empty() {
            let names: Vec<&str> = record.iter().map(|(name, _)| *name).collect();
            lines.push(names.join(","));
        }
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) if text.contains([',', '"', '\n']) => {
                format!("\"{}\"", text.replace('"', "\"\""))
            }
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let cells: Vec<String> = record.iter().map(|(_, value)| cell(value)).collect();
        lines.push(cells.join(","));
    }
    Ok(lines.join("\n"))
}
