//! Made-up data with the columns of a report, to try templates.

use crate::collect::{PlantContext, table};
use crate::data::{ColumnType, Data, ParameterValue, Value};
use crate::receipt;
use crate::source::{Rows, Versions};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{Field, Schema, SchemaRef};
use config::reports::{Definition, ParameterKind};
use std::sync::Arc;

/// 2026-01-05T06:30:00Z, in microseconds since 1970 UTC: a Monday.
const AT_US: i64 = 1_767_594_600_000_000;
const DAY: i32 = 20_458;
const HOUR_US: i64 = 3_600_000_000;

/// Rows of a schema, without unknown values: most columns can be unknown by their type, but few are.
pub fn batch(schema: &SchemaRef, rows: usize) -> anyhow::Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    let mut fields = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let kind = ColumnType::from_arrow(field.data_type());
        columns.push(cast(&values(kind, rows), &kind.arrow())?);
        fields.push(Field::new(field.name(), kind.arrow(), true));
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

fn values(kind: ColumnType, rows: usize) -> ArrayRef {
    let numbers = 0..rows;
    match kind {
        ColumnType::Text => {
            Arc::new(StringArray::from_iter_values(numbers.map(|at| format!("Sample {at}"))))
        }
        ColumnType::Integer => {
            Arc::new(Int64Array::from_iter_values(numbers.map(|at| at as i64 * 37)))
        }
        ColumnType::Decimal => {
            Arc::new(Float64Array::from_iter_values(numbers.map(|at| at as f64 / 64.0)))
        }
        ColumnType::Day => {
            Arc::new(Date32Array::from_iter_values(numbers.map(|at| DAY + at as i32)))
        }
        ColumnType::Time => {
            let times = numbers.map(|at| AT_US + at as i64 * HOUR_US);
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
        }
        ColumnType::Boolean => {
            Arc::new(BooleanArray::from_iter(numbers.map(|at| Some(at % 2 == 0))))
        }
    }
}

/// The data of a report with these rows.
pub fn data(report: &Definition, rows: Vec<Rows>, plant: &PlantContext) -> anyhow::Result<Data> {
    let language = "en";
    let versions = Versions::new();
    let shift = plant.calendar.shifts().first().map(|shift| shift.name.clone());
    let value = |kind: ParameterKind| match kind {
        ParameterKind::Day => Value::Day(DAY),
        ParameterKind::Shift => Value::Text(shift.clone().unwrap_or_default()),
        ParameterKind::Text => Value::Text("Sample".to_owned()),
        ParameterKind::Whole => Value::Whole(10),
        ParameterKind::Decimal => Value::Decimal(1.5),
    };
    let parameters = report.parameters.iter().map(|parameter| ParameterValue {
        name: parameter.name.clone(),
        title: parameter.title.in_language(language).to_owned(),
        value: value(parameter.kind),
    });
    let parameters: Vec<ParameterValue> = parameters.collect();
    let id = receipt::report_id(report, &parameters, &versions);
    let tables = report.queries.iter().zip(rows);
    let tables = tables.map(|(query, rows)| table(query, rows, language, &id));
    let tables = tables.collect::<anyhow::Result<_>>()?;
    Ok(Data {
        report: report.name.clone(),
        title: report.title.in_language(language).to_owned(),
        description: report.description.in_language(language).to_owned(),
        language: language.to_owned(),
        plant: plant.name.clone(),
        zone: plant.zone,
        currency: plant.currency.clone(),
        issued_at_us: Some(AT_US),
        as_of_us: None,
        id,
        url: None,
        parameters,
        tables,
        versions,
        is_sample: true,
    })
}
