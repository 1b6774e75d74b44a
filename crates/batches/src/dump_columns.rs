//! Columns of the dump that a silver model can select, beside those of the contract.
//!
//! `_file` is the key of the dump in the bucket. `_dumped_at` is the time in that key: the instant that
//! bronze stores, in the plant's time zone, so that `CAST(_dumped_at AS DATE)` is the day in the key.

use crate::columns::column;
use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono_tz::Tz;
use plant::contract::Contract;
use std::sync::Arc;

const FILE: &str = "_file";
const DUMPED_AT: &str = "_dumped_at";

/// The columns of the typed table of a contract followed by those of the dump. Messages have none.
pub fn with_dump_columns(typed: &Schema, contract: &Contract, zone: Tz) -> SchemaRef {
    let own = typed.fields().iter().cloned();
    if contract.is_stream() {
        return Arc::new(Schema::new(own.collect::<Vec<_>>()));
    }
    let local_time = DataType::Timestamp(TimeUnit::Microsecond, Some(zone.name().into()));
    let added = [Field::new(FILE, DataType::Utf8, true), Field::new(DUMPED_AT, local_time, true)];
    Arc::new(Schema::new(own.chain(added.map(Arc::new)).collect::<Vec<_>>()))
}

/// Typed rows with the columns of the dump appended. `schema` is that of [`with_dump_columns`]; `bronze`
/// has the same rows in the same order.
///
/// # Errors
/// Fails if the bronze batch lacks a column of the dump.
pub fn add(
    typed: &RecordBatch,
    bronze: &RecordBatch,
    schema: &SchemaRef,
) -> anyhow::Result<RecordBatch> {
    let mut columns = typed.columns().to_vec();
    for field in schema.fields().iter().skip(columns.len()) {
        columns.push(cast(column(bronze, field.name())?, field.data_type())?);
    }
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// Whether a column is one of the dump. It has the same name in bronze.
pub fn is_dump_column(column: &str) -> bool {
    column == FILE || column == DUMPED_AT
}
