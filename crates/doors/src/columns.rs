//! The columns of a result before it is computed.

use arrow::datatypes::DataType;
use datafusion::dataframe::DataFrame;

/// The types of the columns of a result. The analysis of a plan may change those that were planned, for example
/// by coercion; it is not possible while a parameter has no type.
pub fn kinds(frame: &DataFrame) -> Vec<DataType> {
    let planned = frame.schema().as_arrow();
    let (state, plan) = frame.clone().into_parts();
    let analysed = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {});
    let analysed = analysed.as_ref().map_or(planned, |plan| plan.schema().as_arrow());
    analysed.fields().iter().map(|field| field.data_type().clone()).collect()
}
