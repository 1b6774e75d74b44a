//! The sheet "About": what the others contain, by which definitions, from which versions of which tables.

use crate::data::{Data, ReportTable, time_text};
use config::reports::Definition;
use rust_xlsxwriter::{Color, Format, FormatAlign, Worksheet};

/// Widths of the columns, in characters.
const NAME_WIDTH: f64 = 28.0;
const VALUE_WIDTH: f64 = 110.0;
const MUTED: Color = Color::RGB(0x0055_5C65);

/// A line of the sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AboutLine {
    Heading(String),
    /// A name and what it means.
    Fact(String, String),
}

impl AboutLine {
    pub fn fact(name: &str, value: impl Into<String>) -> Self {
        Self::Fact(name.to_owned(), value.into())
    }
}

/// Writes the sheet.
pub fn write(sheet: &mut Worksheet, name: &str, lines: &[AboutLine]) -> anyhow::Result<()> {
    let heading = Format::new().set_bold();
    let key = Format::new().set_font_color(MUTED).set_align(FormatAlign::Top);
    let value = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.set_name(name)?;
    sheet.set_column_width(0, NAME_WIDTH)?.set_column_width(1, VALUE_WIDTH)?;
    for (row, line) in (0u32..).zip(lines) {
        match line {
            AboutLine::Heading(text) => {
                sheet.write_string_with_format(row, 0, text, &heading)?;
            }
            AboutLine::Fact(name, text) => {
                sheet.write_string_with_format(row, 0, name, &key)?;
                sheet.write_string_with_format(row, 1, text, &value)?;
            }
        }
    }
    Ok(())
}

/// The lines of a report.
pub fn of_report(report: &Definition, data: &Data) -> Vec<AboutLine> {
    let time = |at_us: i64| format!("{} ({})", time_text(at_us, data.zone), data.zone.name());
    let mut lines = vec![
        AboutLine::Heading(data.title.clone()),
        AboutLine::fact("Description", &data.description),
        AboutLine::fact("Plant", &data.plant),
        AboutLine::fact("Report", &data.report),
        AboutLine::fact("Receipt", &data.id),
        AboutLine::fact("Data as of", data.as_of_us.map(time).unwrap_or_default()),
        AboutLine::fact("Issued at", data.issued_at_us.map(time).unwrap_or_default()),
        AboutLine::fact("Time zone of all times", data.zone.name()),
        AboutLine::fact("Address", data.url.clone().unwrap_or_default()),
    ];
    lines.push(AboutLine::Heading("Parameters".to_owned()));
    for parameter in &data.parameters {
        lines.push(AboutLine::fact(&parameter.title, parameter.value.to_string()));
    }
    lines.push(AboutLine::Heading("Sheets".to_owned()));
    lines.extend(data.tables.iter().map(sheet_line));
    lines.push(AboutLine::Heading("Sources".to_owned()));
    for (table, version) in &data.versions {
        let committed_at = time_text(version.committed_at_us, data.zone);
        let text = format!("version {}, committed at {committed_at}", version.version);
        lines.push(AboutLine::fact(table, text));
    }
    lines.push(AboutLine::Heading("Definitions".to_owned()));
    for query in &report.queries {
        lines.push(AboutLine::fact(&query.name, query.statement.text.trim()));
    }
    lines
}

fn sheet_line(table: &ReportTable) -> AboutLine {
    let rows = table.row_count();
    let rest = if table.is_truncated { "; further rows are left out" } else { "" };
    let text = format!("{}: {rows} rows{rest}; receipt {}", table.title, table.receipt);
    AboutLine::fact(&table.name, text)
}
