//! `data.json`: the data of a report for its template.

use crate::data::{Data, ReportColumn, ReportTable, Value as ParameterValue, time_text};
use chrono::DateTime;
use config::reports::Definition;
use serde_json::{Map, Value, json};

/// The data of a report.
pub fn data(report: &Definition, data: &Data) -> Value {
    let dated_at = data.dated_at_us().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
    let zone_short = dated_at.with_timezone(&data.zone).format("%Z").to_string();
    let titles = data.parameters.iter().map(|it| (it.name.clone(), Value::from(it.title.as_str())));
    let values = data.parameters.iter().map(|it| (it.name.clone(), parameter(&it.value)));
    let queries = data.tables.iter().map(|table| (table.name.clone(), query(table, data)));
    let receipts = data.tables.iter().map(|it| (it.name.clone(), Value::from(it.receipt.as_str())));
    json!({
        "report": data.report,
        "title": data.title,
        "description": data.description,
        "language": data.language,
        "plant": data.plant,
        "zone": data.zone.name(),
        "zone_short": zone_short,
        "currency": data.currency,
        "issued_at": data.issued_at_us.map(|at_us| time_text(at_us, data.zone)),
        "data_as_of": data.as_of_us.map(|at_us| time_text(at_us, data.zone)),
        "id": data.id,
        "url": data.url,
        "parameters": values.collect::<Map<_, _>>(),
        "parameter_titles": titles.collect::<Map<_, _>>(),
        "parameter_names": data.parameters.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        "is_sample": data.is_sample,
        "queries": queries.collect::<Map<_, _>>(),
        "receipts": receipts.collect::<Map<_, _>>(),
        "charts": charts(report, data),
        "sources": sources(data),
    })
}

fn parameter(value: &ParameterValue) -> Value {
    match value {
        ParameterValue::Whole(number) => (*number).into(),
        ParameterValue::Decimal(number) => (*number).into(),
        text => text.to_string().into(),
    }
}

fn query(table: &ReportTable, data: &Data) -> Value {
    let column = |column: &ReportColumn| {
        json!({
            "name": column.name,
            "title": column.title,
            "unit": column.unit,
            "digits": column.digits,
            "type": column.kind.as_str(),
            "hidden": column.is_hidden,
        })
    };
    let mut cells: Vec<_> = (0..table.columns.len()).map(|at| table.cells(at)).collect();
    let mut rows = Vec::with_capacity(table.row_count());
    for _ in 0..table.row_count() {
        let row = cells.iter_mut().zip(&table.columns).filter_map(|(cells, column)| {
            Some((column.name.clone(), cells.next()?.json(data.zone)))
        });
        rows.push(Value::Object(row.collect()));
    }
    json!({
        "title": table.title,
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "row_count": rows.len(),
        "rows": rows,
        "truncated": table.is_truncated,
    })
}

fn charts(report: &Definition, data: &Data) -> Value {
    let chart = |chart: &config::reports::Chart| {
        let rows = data.table(&chart.query).map_or(0, ReportTable::row_count);
        let value = json!({
            "title": chart.title.in_language(&data.language),
            "query": chart.query,
            "path": format!("charts/{}.svg", chart.name),
            "rows": rows,
            "width_mm": chart.width_mm,
            "height_mm": chart.height_mm,
        });
        (chart.name.clone(), value)
    };
    Value::Object(report.charts.iter().map(chart).collect())
}

fn sources(data: &Data) -> Value {
    let source = |(table, version): (&String, &crate::source::TableVersion)| {
        json!({
            "table": table,
            "version": version.version,
            "committed_at": time_text(version.committed_at_us, data.zone),
        })
    };
    data.versions.iter().map(source).collect()
}
