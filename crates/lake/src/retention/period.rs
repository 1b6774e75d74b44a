//! The period of an instant, by the expression of the model.

use crate::context::LakeContext;
use crate::plan::Step;
use crate::retention::numbers;
use crate::session;
use anyhow::Context as _;
use arrow::compute::cast;
use batches::typed;
use datafusion::common::{DFSchema, TableReference};

/// The value of a column of the silver table of a stream for a row of this instant, in microseconds since
/// 1970 UTC; `None` if it does not depend on the time alone.
pub fn period_of(
    context: &LakeContext,
    step: &Step,
    column: &str,
    at_us: i64,
) -> anyhow::Result<Option<i64>> {
    let plant = context.plant.as_ref();
    let contract = step.model.cleans().and_then(|table| plant.contracts.get(table));
    let contract = contract.context("the step does not clean a contract")?;
    let at = step.schema.index_of(column)?;
    let projection = step.projection.as_ref().and_then(|all| all.get(at));
    let projection = projection.context("not a cleaning step")?;
    let row = typed::row_at(contract, &plant.calendar, at_us)?;
    let reference = TableReference::partial("typed", contract.table.as_str());
    let schema = DFSchema::try_from_qualified_schema(reference, row.schema_ref())?;
    let session = session::empty(context.lake.limits(), context.runtime.clone(), 1);
    let value = session::in_microseconds(projection.clone().unalias(), &schema)?;
    let value = session.create_physical_expr(value, &schema)?;
    let value = value.evaluate(&row)?.into_array(1)?;
    let value = cast(&value, step.schema.field(at).data_type())?;
    Ok(numbers(&value)?.iter().next().flatten())
}
