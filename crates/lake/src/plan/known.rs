//! The tables that a lake of a plant has once all its data has come, with their columns: statements are planned over
//! them before they run, and a table that has no data yet is empty rather than unknown.

use crate::kpi::definition;
use crate::meta::{catalog, restatements};
use crate::plan::Step;
use crate::retention::expire;
use crate::{alarm_events, dumps, reconciliation, rejected, session, sources};
use arrow::datatypes::SchemaRef;
use config::model::TableName;
use config::settings::Limits;
use datafusion::datasource::empty::EmptyTable;
use datafusion::prelude::SessionContext;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Silver, gold and meta tables with their columns. `steps` are the planned models of the plant.
pub fn tables(steps: &[Step]) -> BTreeMap<TableName, SchemaRef> {
    let models = steps.iter().map(|step| (step.name().clone(), step.schema.clone()));
    let meta = [
        dumps::table(),
        reconciliation::table(),
        restatements::table(),
        definition::table(),
        expire::table(),
        sources::table(),
    ];
    let meta = meta.into_iter().chain(catalog::all()).map(|table| (table.name, table.schema));
    let rejected = (TableName::new("silver", "rejected"), rejected::schema());
    let alarms = (alarm_events::name(), alarm_events::schema());
    models.chain(meta).chain([rejected, alarms]).collect()
}

/// A session with these tables, without rows.
pub fn session(steps: &[Step]) -> anyhow::Result<SessionContext> {
    let limits = Limits::default();
    let session = session::empty(&limits, session::runtime(&limits)?, 1);
    for (name, schema) in tables(steps) {
        session::register(&session, &name, Arc::new(EmptyTable::new(schema)))?;
    }
    Ok(session)
}
