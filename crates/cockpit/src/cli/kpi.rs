//! `cockpit kpi`: the KPIs on the terminal, as the pages and the interface have them.

use super::{Shape, print};
use crate::flow::Flow;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use config::Config;
use config::kpi::Kpi;
use config::location::Purpose;
use lake::kpi::definition::select;
use lake::kpi::{Figure, Granularity, KpiQuery, Level, Row};
use lake::meta::to_batch;
use serde::Serialize;
use std::fmt::Write as _;
use std::sync::Arc;

/// The level of the equipment that is summed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Unit,
    Line,
    Plant,
}

impl From<By> for Level {
    fn from(by: By) -> Self {
        match by {
            By::Unit => Self::Unit,
            By::Line => Self::Line,
            By::Plant => Self::Plant,
        }
    }
}

/// The periods that are summed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Each {
    /// An hour of the plant's clock, separately for each shift in it
    Hour,
    /// A shift of a production day
    Shift,
    /// A production day
    Day,
    /// The whole range
    Range,
}

impl From<Each> for Granularity {
    fn from(each: Each) -> Self {
        match each {
            Each::Hour => Self::Hour,
            Each::Shift => Self::Shift,
            Each::Day => Self::Day,
            Each::Range => Self::Range,
        }
    }
}

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
    #[arg(long, value_enum, default_value_t = By::Unit)]
    by: By,
    /// What is summed over time
    #[arg(long, value_enum, default_value_t = Each::Range)]
    each: Each,
    /// Definitions to use: iso22400, oee.com, or all
    #[arg(long, default_value = "iso22400")]
    set: String,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t = Shape::Table)]
    format: Shape,
}

/// Prints what is asked for.
pub async fn run(config: &Config, args: &KpiArgs) -> anyhow::Result<bool> {
    let kpis = select(&config.plant.kpis, None, Some(&args.set)).map_err(anyhow::Error::msg)?;
    let query = KpiQuery {
        level: args.by.into(),
        granularity: args.each.into(),
        from: args.from,
        to: args.to,
        unit: args.unit.clone(),
        ..KpiQuery::default()
    };
    let flow = Flow::open(config, Purpose::Read).await?;
    let rows = flow.kpi_rows(&kpis, &query).await?;
    if rows.is_empty() {
        print::line("no rows: nothing is known of these units and days");
        return Ok(true);
    }
    if args.format == Shape::Table {
        print::line(&table(&rows, &kpis));
        return Ok(true);
    }
    let batches = to_batch(&schema(), &records(&rows, &kpis))?;
    let bounds = print::Bounds::from_limits(&config.plant.limits);
    print::shaped(flow.session().await?.read_batches(batches)?, args.format, bounds).await?;
    Ok(true)
}

fn table(rows: &[Row], kpis: &[Kpi]) -> String {
    let mut text = String::new();
    for Row { dimensions, status, kpis: figures } in rows {
        let day = dimensions.production_day.map(|day| day.to_string());
        let hour = dimensions.day_local.zip(dimensions.hour_local);
        let hour = hour.map(|(day, hour)| format!("{day} {hour:02}:00"));
        let day = day.filter(|_| hour.is_none());
        let shift = dimensions.shift.as_ref().map(|shift| format!("shift {shift}"));
        let named = [day, hour, shift, dimensions.line.clone(), dimensions.unit.clone()];
        let title: Vec<String> = named.into_iter().flatten().collect();
        let title = if title.is_empty() { "plant".to_owned() } else { title.join("  ") };
        let _infallible = writeln!(text, "{title}  {}", status.as_str());
        for Kpi { name, unit, .. } in kpis {
            let Some(figure) = figures.get(name) else { continue };
            let _infallible = writeln!(text, "  {name:<30}{}", spelled(figure, unit));
            let Some(difference) = &figure.difference else { continue };
            for cause in &difference.causes {
                let points = format!("{:+.2} points", cause.share * 100.0);
                let (other, say) = (&difference.against, &cause.say);
                let _infallible = writeln!(text, "{points:>46}  against {other}: {say}");
            }
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
    if let Some(none) = &figure.none {
        return none.clone();
    }
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

/// One record for each KPI of each row, so that units never mix in a column.
#[derive(Debug, Serialize)]
struct Record<'a> {
    production_day: Option<NaiveDate>,
    day_local: Option<NaiveDate>,
    hour_local: Option<u32>,
    shift: Option<&'a str>,
    line: Option<&'a str>,
    unit: Option<&'a str>,
    standing: &'static str,
    kpi: &'a str,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    numerator: Option<f64>,
    denominator: Option<f64>,
    kpi_unit: &'a str,
    unknown: Option<&'a str>,
    none: Option<&'a str>,
}

fn schema() -> SchemaRef {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let number = |name| Field::new(name, DataType::Float64, true);
    Arc::new(Schema::new(vec![
        Field::new("production_day", DataType::Date32, true),
        Field::new("day_local", DataType::Date32, true),
        Field::new("hour_local", DataType::UInt32, true),
        text("shift"),
        text("line"),
        text("unit"),
        text("standing"),
        text("kpi"),
        number("value"),
        number("low"),
        number("high"),
        number("numerator"),
        number("denominator"),
        text("kpi_unit"),
        text("unknown"),
        text("none"),
    ]))
}

fn records<'a>(rows: &'a [Row], kpis: &'a [Kpi]) -> Vec<Record<'a>> {
    let mut records = Vec::new();
    for Row { dimensions, status, kpis: figures } in rows {
        for kpi in kpis {
            let Some(figure) = figures.get(&kpi.name) else { continue };
            records.push(Record {
                production_day: dimensions.production_day,
                day_local: dimensions.day_local,
                hour_local: dimensions.hour_local,
                shift: dimensions.shift.as_deref(),
                line: dimensions.line.as_deref(),
                unit: dimensions.unit.as_deref(),
                standing: status.as_str(),
                kpi: &kpi.name,
                value: figure.value,
                low: figure.low,
                high: figure.high,
                numerator: figure.numerator,
                denominator: figure.denominator,
                kpi_unit: &kpi.unit,
                unknown: figure.unknown.as_deref(),
                none: figure.none.as_deref(),
            });
        }
    }
    records
}
