//! HTML: one page without scripts and without other files, for mail programs and browsers.

use crate::chart::{self, escaped, grouped};
use crate::data::{Cell, Data, ReportColumn, ReportTable, day_text};
use crate::error::Error;
use chrono::DateTime;
use config::reports::Definition;

/// The style of a report: the ink of the pages in their light theme.
const STYLE: &str = include_str!("html/style.css");

/// The page of a report: charts, tables and sources.
///
/// # Errors
/// A chart cannot be drawn.
pub fn report(report: &Definition, data: &Data) -> Result<String, Error> {
    let mut out = String::new();
    let title = escaped(&data.title);
    out.push_str(&format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n",
        escaped(&data.language)
    ));
    out.push_str(&format!("<p>{}</p>\n", escaped(&subtitle(data))));
    if !data.description.is_empty() {
        out.push_str(&format!("<p class=\"muted\">{}</p>\n", escaped(&data.description)));
    }
    out.push_str("</header>\n<main>\n");
    for table in &data.tables {
        section(&mut out, report, table, data)?;
    }
    out.push_str("</main>\n<footer>\n");
    out.push_str(&footer(data));
    out.push_str("</footer>\n</body>\n</html>\n");
    Ok(out)
}

/// Plant and parameters.
fn subtitle(data: &Data) -> String {
    let values = data.parameters.iter().filter(|it| !it.value.to_string().is_empty());
    let values = values.map(|it| format!("{} {}", it.title, it.value));
    let parts: Vec<String> = std::iter::once(data.plant.clone()).chain(values).collect();
    parts.join(" · ")
}

fn section(
    out: &mut String,
    report: &Definition,
    table: &ReportTable,
    data: &Data,
) -> Result<(), Error> {
    out.push_str(&format!("<section>\n<h2>{}</h2>\n", escaped(&table.title)));
    for chart in report.charts.iter().filter(|chart| chart.query == table.name) {
        let title = chart.title.in_language(&data.language);
        out.push_str("<figure>\n");
        out.push_str(&chart::svg(report, chart, data)?);
        if !title.is_empty() {
            out.push_str(&format!("\n<figcaption>{}</figcaption>", escaped(title)));
        }
        out.push_str("\n</figure>\n");
    }
    out.push_str(&rows(table, data));
    out.push_str("</section>\n");
    Ok(())
}

fn rows(table: &ReportTable, data: &Data) -> String {
    if table.row_count() == 0 {
        return format!("<p class=\"muted\">{}</p>\n", escaped(chart::no_data(&data.language)));
    }
    let shown = |at: &usize| !table.columns[*at].is_hidden;
    let shown: Vec<usize> = (0..table.columns.len()).filter(shown).collect();
    let mut out = String::from("<table>\n<thead><tr>");
    for at in &shown {
        let column = &table.columns[*at];
        let unit = column.unit.as_deref().filter(|unit| *unit != "1").unwrap_or_default();
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!(" <small>{}</small>", escaped(unit))
        };
        out.push_str(&format!("<th{}>{}{unit}</th>", class(column), escaped(&column.title)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for batch in &table.batches {
        for row in 0..batch.num_rows() {
            out.push_str("<tr>");
            for at in &shown {
                let column = &table.columns[*at];
                let text = cell_text(Cell::new(batch.column(*at), row), column, data);
                out.push_str(&format!("<td{}>{}</td>", class(column), escaped(&text)));
            }
            out.push_str("</tr>\n");
        }
    }
    out.push_str("</tbody>\n</table>\n");
    if table.is_truncated {
        let count = grouped(table.row_count() as f64, 0);
        out.push_str(&format!("<p class=\"muted\">{count} rows; further rows are left out.</p>\n"));
    }
    out
}

fn class(column: &ReportColumn) -> &'static str {
    if column.kind.is_number() { " class=\"number\"" } else { "" }
}

/// A value for people.
fn cell_text(cell: Cell<'_>, column: &ReportColumn, data: &Data) -> String {
    let is_share = column.unit.as_deref() == Some("%");
    let is_code = matches!(column.unit.as_deref(), Some("id" | "code"));
    match cell {
        Cell::Null => "–".to_owned(),
        Cell::Text(text) => text.to_owned(),
        Cell::Integer(number) if is_code => number.to_string(),
        Cell::Integer(_) | Cell::Decimal(_) => {
            let number = cell.number().unwrap_or_default();
            grouped(if is_share { number * 100.0 } else { number }, column.digits)
        }
        Cell::Day(day) => day_text(day),
        Cell::Time(at_us) => {
            let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default();
            at.with_timezone(&data.zone).format("%Y-%m-%d %H:%M:%S").to_string()
        }
        Cell::Boolean(true) => "✓".to_owned(),
        Cell::Boolean(false) => "–".to_owned(),
    }
}

/// Where the figures come from.
fn footer(data: &Data) -> String {
    let time = |at_us: i64| {
        let at =
            DateTime::from_timestamp_micros(at_us).unwrap_or_default().with_timezone(&data.zone);
        at.format("%Y-%m-%d %H:%M:%S %Z").to_string()
    };
    let as_of = data.as_of_us.map_or_else(|| "no data yet".to_owned(), time);
    let mut out = format!("<p>Data as of {as_of}");
    if let Some(issued_at_us) = data.issued_at_us {
        out.push_str(&format!(" · issued at {}", time(issued_at_us)));
    }
    out.push_str(&format!(" · receipt {}", escaped(&data.id)));
    if let Some(url) = &data.url {
        let url = escaped(url);
        out.push_str(&format!(" · <a href=\"{url}\">{url}</a>"));
    }
    out.push_str("</p>\n");
    let sources = data.versions.iter().map(|(table, it)| format!("{table} version {}", it.version));
    let sources: Vec<String> = sources.collect();
    out.push_str(&format!("<p class=\"muted\">{}</p>\n", escaped(&sources.join(", "))));
    out
}

#[cfg(test)]
mod tests;
