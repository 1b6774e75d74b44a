//! The period a moment is in, by the statement that says so.

use super::numbers;
use crate::models::Step;
use crate::refine::Refinery;
use crate::session;
use anyhow::Context as _;
use arrow::compute::cast;
use batches::typed;
use datafusion::common::{DFSchema, TableReference};

/// What a column of a stream's silver table says of a row taken at this moment, in microseconds since
/// 1970 UTC; `None` if its time alone does not tell.
pub fn period_of(
    refinery: &Refinery,
    step: &Step,
    column: &str,
    at_us: i64,
) -> anyhow::Result<Option<i64>> {
    let plant = refinery.plant.as_ref();
    let contract = step.model.cleans().and_then(|table| plant.contracts.get(table));
    let contract = contract.context("it cleans no contract's table")?;
    let place = step.schema.index_of(column)?;
    let projection = step.projection.as_ref().and_then(|all| all.get(place));
    let projection = projection.context("the step is no cleaning step")?;
    let row = typed::row_at(contract, &plant.calendar, at_us)?;
    let reference = TableReference::partial("typed", contract.table.as_str());
    let schema = DFSchema::try_from_qualified_schema(reference, row.schema_ref())?;
    let context = session::empty(refinery.lake.limits(), refinery.runtime.clone(), 1);
    let value = session::in_microseconds(projection.clone().unalias(), &schema)?;
    let value = context.create_physical_expr(value, &schema)?;
    let value = value.evaluate(&row)?.into_array(1)?;
    let value = cast(&value, step.schema.field(place).data_type())?;
    Ok(numbers(&value)?.iter().next().flatten())
}
