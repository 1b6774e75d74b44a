//! Values made of texts alone, remembered: sensors say their names with every message, so what is
//! made of a name is made once.

use anyhow::Context as _;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray, StringBuilder, UInt32Array,
};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::PhysicalExpr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What an expression made of texts it has seen.
pub struct Remembered {
    /// Columns the expression reads, all text.
    columns: Vec<usize>,
    /// Combinations remembered; when there are so many, all are forgotten.
    capacity: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Texts of the columns, joined, and the place of their value.
    places: HashMap<Box<[u8]>, usize, foldhash::fast::FixedState>,
    values: Vec<Option<Box<str>>>,
}

impl Remembered {
    /// For an expression that makes a text of more than one text and of nothing else.
    pub fn of(
        said: &Expr,
        expr: &Arc<dyn PhysicalExpr>,
        schema: &Schema,
        capacity: usize,
    ) -> Option<Self> {
        let mut columns: Vec<usize> = collect_columns(expr).iter().map(|it| it.index()).collect();
        columns.sort_unstable();
        let is_text = |at: &usize| *schema.field(*at).data_type() == DataType::Utf8;
        let makes_text = expr.data_type(schema).is_ok_and(|kind| {
            matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        });
        let holds = columns.len() > 1 && columns.iter().all(is_text) && makes_text;
        (holds && is_immutable(said)).then(|| Self {
            columns,
            capacity,
            known: Mutex::default(),
        })
    }

    /// The expression's value for each row.
    pub fn values(&self, expr: &dyn PhysicalExpr, rows: &RecordBatch) -> anyhow::Result<ArrayRef> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.values.len() >= self.capacity {
            *known = Known::default();
        }
        let columns: Vec<&StringArray> =
            self.columns.iter().map(|at| rows.column(*at).as_string()).collect();
        let first = known.values.len();
        let (mut places, mut unknown) = (Vec::with_capacity(rows.num_rows()), Vec::new());
        let mut joined = Vec::new();
        for row in 0..rows.num_rows() {
            join(&columns, row, &mut joined);
            let place = known.places.get(joined.as_slice()).copied().unwrap_or_else(|| {
                let place = first + unknown.len();
                unknown.push(row);
                place
            });
            if place == known.places.len() {
                known.places.insert(joined.as_slice().into(), place);
            }
            places.push(place);
        }
        if !unknown.is_empty() {
            known.values.extend(made(expr, rows, &unknown)?);
        }
        let mut values = StringBuilder::with_capacity(rows.num_rows(), 0);
        for place in places {
            let value = known.values.get(place).context("a value that was not made")?;
            values.append_option(value.as_deref());
        }
        Ok(Arc::new(values.finish()))
    }
}

/// Whether equal texts always give the equal value.
fn is_immutable(expr: &Expr) -> bool {
    let mut holds = true;
    let walked = expr.apply(|part| {
        holds &= match part {
            Expr::ScalarFunction(call) => {
                call.func.signature().volatility == Volatility::Immutable
            }
            Expr::Column(_) | Expr::Literal(..) | Expr::Alias(_) | Expr::BinaryExpr(_) => true,
            Expr::Case(_) | Expr::Cast(_) | Expr::IsNull(_) | Expr::IsNotNull(_) => true,
            _ => false,
        };
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && holds
}

/// The texts of a row, told apart from those of every other.
fn join(columns: &[&StringArray], row: usize, joined: &mut Vec<u8>) {
    /// In place of the length of a text that is null; no text is so long.
    const NULL: i32 = -1;
    joined.clear();
    for column in columns {
        if column.is_null(row) {
            joined.extend_from_slice(&NULL.to_le_bytes());
            continue;
        }
        joined.extend_from_slice(&column.value_length(row).to_le_bytes());
        joined.extend_from_slice(column.value(row).as_bytes());
    }
}

/// The expression's value for some of the rows.
fn made(
    expr: &dyn PhysicalExpr,
    rows: &RecordBatch,
    some: &[usize],
) -> anyhow::Result<Vec<Option<Box<str>>>> {
    let at = some.iter().map(|row| u32::try_from(*row)).collect::<Result<Vec<_>, _>>()?;
    let rows = take_record_batch(rows, &UInt32Array::from(at))?;
    let values = expr.evaluate(&rows)?.into_array(rows.num_rows())?;
    let values = cast(&values, &DataType::Utf8)?;
    Ok(values.as_string::<i32>().iter().map(|value| value.map(Box::from)).collect())
}
