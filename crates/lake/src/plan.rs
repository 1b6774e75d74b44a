//! The models of the plant, planned: the columns of each table, where they come from, and the order of
//! the steps.
//!
//! In: the models, contracts and equipment of a plant.
//! Out: a [`Step`] for each table, upstreams first, and every mistake as a diagnostic.
//! Promise: a plant without diagnostics can be refined.

pub mod alarms;
pub mod boards;
pub mod equipment;
pub mod known;
pub mod lineage;
pub mod planner;
mod statement;

use crate::bronze;
use crate::plan::lineage::Source;
use arrow::datatypes::SchemaRef;
use batches::dump_columns::is_dump_column;
use batches::typed;
use config::folder::Plant;
use config::model::{Model, TableName};
use datafusion::logical_expr::Expr;
use plant::contract::{Column, Origin};
use std::collections::BTreeSet;

/// A table to be refined.
#[derive(Debug, Clone)]
pub struct Step {
    pub model: Model,
    /// The table's own columns in the types in which they are stored, without pointers.
    pub schema: SchemaRef,
    /// The columns of the statement; a ledger stores more.
    pub query_schema: SchemaRef,
    /// Of a cleaning step, the expressions of its columns over the typed table.
    pub projection: Option<Vec<Expr>>,
    /// For each column, the columns it is computed from.
    pub lineage: Vec<BTreeSet<Source>>,
}

impl Step {
    pub fn name(&self) -> &TableName {
        &self.model.table
    }
}

/// The bronze column that a typed column is read from: its own, or the one its local parts belong to.
pub fn bronze_source(plant: &Plant, table: &str, column: &str) -> Option<Source> {
    let contract = plant.contracts.get(table)?;
    if contract.is_stream() && column == "received_at" {
        return Some((bronze::name(contract), "_timestamp".to_owned()));
    }
    if is_dump_column(column) {
        return Some((bronze::name(contract), column.to_owned()));
    }
    let has_part = |it: &&Column| column.strip_prefix(&it.name).is_some_and(typed::is_local_part);
    let exact = contract.columns.iter().find(|it| it.name == column);
    let source = exact.or_else(|| contract.columns.iter().find(has_part))?;
    let source = match source.origin {
        _ if !contract.is_stream() => source.name.as_str(),
        Origin::Topic if contract.mqtt.is_none() => "_topic",
        // The topic of a message of MQTT is its key.
        Origin::Topic | Origin::Key => "_key",
        Origin::Header => "_headers",
        Origin::Partition => "_partition",
        Origin::Offset => "_offset",
        Origin::Record | Origin::Envelope | Origin::Path => "payload",
    };
    Some((bronze::name(contract), source.to_owned()))
}
