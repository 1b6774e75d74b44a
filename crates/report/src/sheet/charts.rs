//! Native charts of a workbook, on a sheet of their own.

use crate::data::{Data, ReportTable};
use config::reports::{Chart, ChartKind, ChartLimit, Definition};
use rust_xlsxwriter::{
    ChartFormat, ChartLegendPosition, ChartLine, ChartLineDashType, ChartSolidFill, ChartType,
    Color, Workbook,
};

/// Most rows of a native chart: beyond, programs draw for seconds.
const ROWS: usize = 5_000;
/// Pixels of a chart per millimetre, and rows of the sheet that a chart of a height occupies.
const PIXELS_PER_MM: f64 = 4.2;
const ROW_PIXELS: f64 = 20.0;

/// The ink of the pages in their light theme.
const SERIES: [u32; 4] = [0x008A_929B, 0x003F_464E, 0x00C9_CED4, 0x005B_4636];
const LIMIT: u32 = 0x001A_1E23;

/// Adds the sheet with the charts, if there are some with rows.
pub fn add(workbook: &mut Workbook, report: &Definition, data: &Data) -> anyhow::Result<()> {
    let drawn = |chart: &&Chart| {
        let rows = data.table(&chart.query).map_or(0, ReportTable::row_count);
        // Workbooks have no strips.
        chart.kind != ChartKind::Strips && (1..=ROWS).contains(&rows)
    };
    let mut charts = Vec::new();
    for chart in report.charts.iter().filter(drawn) {
        if let Some(table) = data.table(&chart.query) {
            charts.extend(native(chart, table, data).map(|native| (chart, native)));
        }
    }
    if charts.is_empty() {
        return Ok(());
    }
    let sheet = workbook.add_worksheet();
    sheet.set_name("Charts")?;
    let mut row = 0;
    for (chart, native) in charts {
        sheet.insert_chart(row, 0, &native)?;
        let pixels = f64::from(chart.height_mm) * PIXELS_PER_MM;
        row += (pixels / ROW_PIXELS).ceil() as u32 + 1;
    }
    Ok(())
}

/// The chart with its series; `None` if a column is missing or hidden.
fn native(chart: &Chart, table: &ReportTable, data: &Data) -> Option<rust_xlsxwriter::Chart> {
    let rows = u32::try_from(table.row_count()).ok()?;
    let columns = |name: &String| place(table, name);
    let x = place(table, &chart.x)?;
    let y: Vec<u16> = chart.y.iter().map(columns).collect::<Option<_>>()?;
    let is_bars = matches!(chart.kind, ChartKind::Bars | ChartKind::Pareto);
    let mut native =
        rust_xlsxwriter::Chart::new(if is_bars { ChartType::Column } else { ChartType::Line });
    let title = chart.title.in_language(&data.language);
    if !title.is_empty() {
        native.title().set_name(title);
    }
    native.set_width((f64::from(chart.width_mm) * PIXELS_PER_MM) as u32);
    native.set_height((f64::from(chart.height_mm) * PIXELS_PER_MM) as u32);
    let sheet = table.name.as_str();
    for (number, column) in y.iter().enumerate() {
        let color = Color::RGB(SERIES[number % SERIES.len()]);
        let fill = ChartSolidFill::new().set_color(color).clone();
        let line = ChartLine::new().set_color(color).set_width(2.0).clone();
        let mut format = ChartFormat::new();
        match is_bars {
            true => format.set_solid_fill(&fill),
            false => format.set_line(&line),
        };
        native
            .add_series()
            .set_categories((sheet, 1, x, rows, x))
            .set_values((sheet, 1, *column, rows, *column))
            .set_name((sheet, 0, *column))
            .set_format(&mut format);
    }
    let limits = limits(chart, table, (x, rows));
    if is_bars {
        if let Some(limits) = limits {
            native.combine(&limits);
        }
    } else {
        add_limits(&mut native, chart, table, (x, rows));
    }
    native.legend().set_position(ChartLegendPosition::Bottom);
    Some(native)
}

/// A line chart of the limits, which is laid over bars.
fn limits(chart: &Chart, table: &ReportTable, range: (u16, u32)) -> Option<rust_xlsxwriter::Chart> {
    let mut native = rust_xlsxwriter::Chart::new(ChartType::Line);
    (add_limits(&mut native, chart, table, range) > 0).then_some(native)
}

/// Adds the limits that are columns; returns how many.
fn add_limits(
    native: &mut rust_xlsxwriter::Chart,
    chart: &Chart,
    table: &ReportTable,
    (x, rows): (u16, u32),
) -> usize {
    let sheet = table.name.as_str();
    let column = |limit: &ChartLimit| match limit {
        ChartLimit::Column(name) => place(table, name),
        ChartLimit::Number(_) => None,
    };
    let columns: Vec<u16> = chart.limits.iter().filter_map(column).collect();
    for column in &columns {
        let line = ChartLine::new()
            .set_color(Color::RGB(LIMIT))
            .set_width(1.25)
            .set_dash_type(ChartLineDashType::Dash)
            .clone();
        native
            .add_series()
            .set_categories((sheet, 1, x, rows, x))
            .set_values((sheet, 1, *column, rows, *column))
            .set_name((sheet, 0, *column))
            .set_format(ChartFormat::new().set_line(&line));
    }
    columns.len()
}

/// The column of the sheet that a column of the table is in; `None` if it is hidden.
fn place(table: &ReportTable, name: &str) -> Option<u16> {
    let (at, column) = table.column(name)?;
    if column.is_hidden {
        return None;
    }
    let before = table.columns[..at].iter().filter(|column| !column.is_hidden).count();
    u16::try_from(before).ok()
}
