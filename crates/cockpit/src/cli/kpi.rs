//! `cockpit kpi`: the KPIs on the terminal, as the pages and the interface have them.

use super::{Shape, print};
use crate::flow::Flow;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use clap::Args;
use config::Config;
use config::kpi::Kpi;
use config::location::Purpose;
use lake::kpi::{Asked, By, Each, Figure, Row, Standing, chosen};
use lake::rows::to_batch;
use serde::Serialize;
use std::fmt::Write as _;
use std::sync::Arc;

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
    let kpis = chosen(&config.plant.kpis, None, Some(&args.set)).map_err(anyhow::Error::msg)?;
    let asked = Asked {
        by: args.by,
        each: args.each,
        from: args.from,
        to: args.to,
        unit: args.unit.clone(),
        ..Asked::default()
    };
    let flow = Flow::open(config, Purpose::Read).await?;
    let rows = flow.kpi_rows(&kpis, &asked).await?;
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
    for Row { place, standing, kpis: figures } in rows {
        let day = place.production_day.map(|day| day.to_string());
        let hour = place.day_local.zip(place.hour_local);
        let hour = hour.map(|(day, hour)| format!("{day} {hour:02}:00"));
        let day = day.filter(|_| hour.is_none());
        let shift = place.shift.as_ref().map(|shift| format!("shift {shift}"));
        let named = [day, hour, shift, place.line.clone(), place.unit.clone()];
        let title: Vec<String> = named.into_iter().flatten().collect();
        let title = if title.is_empty() { "plant".to_owned() } else { title.join("  ") };
        let _infallible = writeln!(text, "{title}  {}", word(*standing));
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

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Provisional => "provisional",
        Standing::Certified => "certified",
        Standing::Restated => "restated",
    }
}

/// One record for each KPI of each place, so that units never mix in a column.
#[derive(Debug, Serialize)]
struct Record<'a> {
    production_day: Option<NaiveDate>,
    day_local: Option<NaiveDate>,
    hour_local: Option<u32>,
    shift: Option<&'a str>,
    line: Option<&'a str>,
    unit: Option<&'a str>,
    standing: Standing,
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
    for Row { place, standing, kpis: figures } in rows {
        for kpi in kpis {
            let Some(figure) = figures.get(&kpi.name) else { continue };
            records.push(Record {
                production_day: place.production_day,
                day_local: place.day_local,
                hour_local: place.hour_local,
                shift: place.shift.as_deref(),
                line: place.line.as_deref(),
                unit: place.unit.as_deref(),
                standing: *standing,
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
