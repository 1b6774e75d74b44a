//! Charts as SVG, in the ink of the pages: grey is normal, ochre is a deviation.
//!
//! One unit of an image is a millimetre, so text has the same size in every chart.

mod axis;
mod bars;
mod category;
mod control;
mod lines;
mod number;
mod pareto;
mod strips;
mod svg;
mod words;

pub use number::grouped;
pub use svg::{Label, escaped};

use crate::data::{Cell, ColumnType, Data, ReportColumn, ReportTable};
use crate::error::Error;
use config::diagnostic::did_you_mean;
use config::reports::{Chart, ChartKind, ChartLimit, Definition};
use svg::Image;

/// The ink of the pages in their light theme.
mod ink {
    pub const TEXT: &str = "#1A1E23";
    pub const MUTED: &str = "#555C65";
    pub const GRID: &str = "#DFE2E6";
    pub const RUN: &str = "#8A929B";
    pub const LIGHT: &str = "#C9CED4";
    pub const DARK: &str = "#3F464E";
    pub const DEVIATION: &str = "#5B4636";
    pub const PAPER: &str = "#FFFFFF";
    /// Colours of several series: greys that differ in print, then ochre.
    pub const SERIES: [&str; 4] = [RUN, DARK, LIGHT, DEVIATION];
}

/// A chart as SVG.
///
/// # Errors
/// [`Error::Chart`] if a column is missing or has another type.
pub fn svg(report: &Definition, chart: &Chart, data: &Data) -> Result<String, Error> {
    Ok(draw(new_image(chart, data), report, chart, data)?.finish())
}

/// A chart as SVG without the texts that have Indic letters, and these.
///
/// # Errors
/// As [`svg`].
pub fn svg_and_labels(
    report: &Definition,
    chart: &Chart,
    data: &Data,
) -> Result<(String, Vec<Label>), Error> {
    let mut image = draw(new_image(chart, data).without_labels(), report, chart, data)?;
    let labels = image.take_labels();
    Ok((image.finish(), labels))
}

fn new_image(chart: &Chart, data: &Data) -> Image {
    Image::new(chart.width_mm, chart.height_mm, chart.title.in_language(&data.language))
}

fn draw(mut image: Image, report: &Definition, chart: &Chart, data: &Data) -> Result<Image, Error> {
    let drawn = draw_on(&mut image, chart, data);
    drawn.map_err(|message| Error::Chart {
        file: report.path(config::reports::DEFINITION),
        chart: chart.name.clone(),
        message,
    })?;
    Ok(image)
}

fn draw_on(image: &mut Image, chart: &Chart, data: &Data) -> Result<(), String> {
    let table = data.table(&chart.query);
    let table = table.ok_or_else(|| format!("the query `{}` has no rows", chart.query))?;
    let rows = ChartRows::new(chart, table, data)?;
    if table.row_count() == 0 {
        let (x, y) = (f64::from(chart.width_mm) / 2.0, f64::from(chart.height_mm) / 2.0);
        image.text(x, y, "middle", ink::MUTED, no_data(&data.language));
        return Ok(());
    }
    match chart.kind {
        ChartKind::Bars => bars::draw(image, &rows),
        ChartKind::Lines => lines::draw(image, &rows),
        ChartKind::Pareto => pareto::draw(image, &rows),
        ChartKind::Strips => strips::draw(image, &rows),
        ChartKind::Control => control::draw(image, &rows),
    }
}

/// What a chart or a table without rows shows.
pub fn no_data(language: &str) -> &'static str {
    words::word(language, "no data")
}

/// The rows of a chart by the columns that it names.
struct ChartRows<'a> {
    chart: &'a Chart,
    data: &'a Data,
    table: &'a ReportTable,
    x: usize,
    y: Vec<usize>,
}

/// The values of a limit: one for all rows, or one per row.
enum LimitValues {
    All(f64),
    Rows(Vec<Option<f64>>),
}

impl<'a> ChartRows<'a> {
    fn new(chart: &'a Chart, table: &'a ReportTable, data: &'a Data) -> Result<Self, String> {
        let mut rows = Self { chart, data, table, x: 0, y: Vec::new() };
        rows.x = rows.position(&chart.x)?;
        for name in &chart.y {
            let at = rows.position(name)?;
            if chart.kind != ChartKind::Strips {
                rows.check_number(at)?;
            }
            rows.y.push(at);
        }
        for limit in &chart.limits {
            if let ChartLimit::Column(name) = limit {
                rows.check_number(rows.position(name)?)?;
            }
        }
        for name in chart.end.iter().chain(&chart.row).chain(&chart.mark) {
            rows.position(name)?;
        }
        Ok(rows)
    }

    /// Position of a column.
    fn position(&self, name: &str) -> Result<usize, String> {
        let known: Vec<&str> = self.table.columns.iter().map(|it| it.name.as_str()).collect();
        let found = self.table.column(name).map(|(at, _)| at);
        found.ok_or_else(|| {
            format!(
                "the query `{}` has no column `{name}`; {}",
                self.table.name,
                did_you_mean(name, &known)
            )
        })
    }

    fn check_number(&self, at: usize) -> Result<(), String> {
        let column = &self.table.columns[at];
        if column.kind.is_number() {
            return Ok(());
        }
        Err(format!(
            "the column `{}` is a {}: expected a number",
            column.name,
            column.kind.as_str()
        ))
    }

    fn column(&self, at: usize) -> &'a ReportColumn {
        &self.table.columns[at]
    }

    fn x_kind(&self) -> ColumnType {
        self.table.columns[self.x].kind
    }

    /// The numbers of a column; shares of a column in percent are multiplied by 100.
    fn numbers(&self, at: usize) -> Vec<Option<f64>> {
        let factor = if self.is_share(at) { 100.0 } else { 1.0 };
        self.table.cells(at).map(|cell| cell.number().map(|number| number * factor)).collect()
    }

    fn is_share(&self, at: usize) -> bool {
        self.column(at).unit.as_deref() == Some("%")
    }

    /// The values of the limits with their titles.
    fn limits(&self) -> Vec<(String, LimitValues)> {
        let values = |limit: &ChartLimit| match limit {
            ChartLimit::Number(number) => {
                Some((grouped(*number, digits_of(*number)), LimitValues::All(*number)))
            }
            ChartLimit::Column(name) => {
                let (at, column) = self.table.column(name)?;
                Some((column.title.clone(), LimitValues::Rows(self.numbers(at))))
            }
        };
        self.chart.limits.iter().filter_map(values).collect()
    }

    /// The unit at the axis of the values.
    fn unit(&self) -> &'a str {
        let of_column = || self.column(*self.y.first()?).unit.as_deref();
        self.chart.unit.as_deref().or_else(of_column).unwrap_or_default()
    }
}

impl LimitValues {
    /// The limit of a row.
    fn at(&self, row: usize) -> Option<f64> {
        match self {
            Self::All(number) => Some(*number),
            Self::Rows(numbers) => numbers.get(row).copied().flatten(),
        }
    }

    fn all(&self) -> Vec<f64> {
        match self {
            Self::All(number) => vec![*number],
            Self::Rows(numbers) => numbers.iter().flatten().copied().collect(),
        }
    }
}

/// Digits that a number of a definition is written with.
fn digits_of(number: f64) -> u8 {
    if number.fract() == 0.0 { 0 } else { 2 }
}

/// A cell as a category.
fn text_of(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => text.to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Decimal(number) => grouped(number, digits_of(number)),
        Cell::Boolean(flag) => flag.to_string(),
        Cell::Day(day) => crate::data::day_text(day),
        Cell::Time(at_us) => at_us.to_string(),
        Cell::Null => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests;
