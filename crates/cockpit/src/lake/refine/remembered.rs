//! Values made of texts alone, remembered: sensors say their names with every message, so what is
//! made of a name is made once.

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
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, PoisonError};

/// A guess at the length of a value, in bytes.
const VALUE_BYTES: usize = 48;

/// What an expression made of texts it has seen.
pub struct Remembered {
    /// Columns the expression reads, all text.
    columns: Vec<usize>,
    /// Bytes remembered; when there are so many, all are forgotten.
    capacity_bytes: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By the hash of the texts a value is made of.
    places: HashMap<u64, Place, foldhash::fast::FixedState>,
    /// The joined texts of each combination.
    joined: Vec<u8>,
    /// What was made of them.
    values: String,
}

/// Where a combination begins and ends among those joined, and where its value begins and ends; a
/// value that is null has no end.
#[derive(Clone, Copy)]
struct Place {
    from: usize,
    to: usize,
    value: usize,
    end: Option<usize>,
}

impl Known {
    /// The value made of these texts: `None` if it is not known, or is of others with their hash.
    fn value(&self, hash: u64, joined: &[u8]) -> Option<Option<&str>> {
        let place = self.places.get(&hash)?;
        if self.joined.get(place.from..place.to)? != joined {
            return None;
        }
        match place.end {
            Some(end) => self.values.get(place.value..end).map(Some),
            None => Some(None),
        }
    }

    /// Joins the texts of a row, and hashes them.
    fn hash(&self, columns: &[&StringArray], row: usize, joined: &mut Vec<u8>) -> u64 {
        join(columns, row, joined);
        self.places.hasher().hash_one(joined.as_slice())
    }

    /// Makes what is not known of the rows from `first` on, all at once.
    fn learn(
        &mut self,
        columns: &[&StringArray],
        first: usize,
        expr: &dyn PhysicalExpr,
        rows: &RecordBatch,
    ) -> anyhow::Result<()> {
        let mut joined = Vec::new();
        let mut unknown = Vec::new();
        for row in first..rows.num_rows() {
            let hash = self.hash(columns, row, &mut joined);
            if self.value(hash, &joined).is_none() {
                unknown.push(u32::try_from(row)?);
            }
        }
        let unknown = UInt32Array::from(unknown);
        let made = made(expr, &take_record_batch(rows, &unknown)?)?;
        for (at, row) in unknown.values().iter().enumerate() {
            let hash = self.hash(columns, usize::try_from(*row)?, &mut joined);
            if self.value(hash, &joined).is_none() {
                self.remember(hash, &joined, text(&made, at));
            }
        }
        Ok(())
    }

    fn remember(&mut self, hash: u64, joined: &[u8], value: Option<&str>) {
        let (from, place) = (self.joined.len(), self.values.len());
        self.joined.extend_from_slice(joined);
        self.values.push_str(value.unwrap_or_default());
        let (to, end) = (self.joined.len(), value.map(|_| self.values.len()));
        self.places.insert(hash, Place { from, to, value: place, end });
    }
}

impl Remembered {
    /// For an expression that makes a text of more than one text and of nothing else.
    pub fn of(
        said: &Expr,
        expr: &Arc<dyn PhysicalExpr>,
        schema: &Schema,
        capacity_bytes: usize,
    ) -> Option<Self> {
        let mut columns: Vec<usize> = collect_columns(expr).iter().map(|it| it.index()).collect();
        columns.sort_unstable();
        let is_text = |at: &usize| *schema.field(*at).data_type() == DataType::Utf8;
        let makes_text = expr.data_type(schema).is_ok_and(|kind| {
            matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        });
        let holds = columns.len() > 1 && columns.iter().all(is_text) && makes_text;
        let known = Mutex::default();
        (holds && is_immutable(said)).then_some(Self { columns, capacity_bytes, known })
    }

    /// The expression's value for each row.
    pub fn values(&self, expr: &dyn PhysicalExpr, rows: &RecordBatch) -> anyhow::Result<ArrayRef> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.joined.len() + known.values.len() >= self.capacity_bytes {
            *known = Known::default();
        }
        let columns: Vec<&StringArray> =
            self.columns.iter().map(|at| rows.column(*at).as_string()).collect();
        let count = rows.num_rows();
        let mut values = StringBuilder::with_capacity(count, count * VALUE_BYTES);
        let mut joined = Vec::new();
        let mut has_learnt = false;
        for row in 0..count {
            let hash = known.hash(&columns, row, &mut joined);
            if let Some(value) = known.value(hash, &joined) {
                values.append_option(value);
                continue;
            }
            if !std::mem::replace(&mut has_learnt, true) {
                known.learn(&columns, row, expr, rows)?;
            }
            match known.value(hash, &joined) {
                Some(value) => values.append_option(value),
                // Two combinations of this batch have one hash.
                None => values.append_option(text(&made(expr, &rows.slice(row, 1))?, 0)),
            }
        }
        Ok(Arc::new(values.finish()))
    }
}

/// Whether equal texts always give the equal value.
fn is_immutable(expr: &Expr) -> bool {
    let mut holds = true;
    let walked = expr.apply(|part| {
        holds &= match part {
            Expr::ScalarFunction(call) => call.func.signature().volatility == Volatility::Immutable,
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

fn text(values: &ArrayRef, row: usize) -> Option<&str> {
    values.is_valid(row).then(|| values.as_string::<i32>().value(row))
}

/// The expression's value for each row, as text.
fn made(expr: &dyn PhysicalExpr, rows: &RecordBatch) -> anyhow::Result<ArrayRef> {
    let values = expr.evaluate(rows)?.into_array(rows.num_rows())?;
    Ok(cast(&values, &DataType::Utf8)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;
    use datafusion::common::DFSchema;
    use datafusion::execution::context::ExecutionProps;
    use datafusion::functions::string::expr_fn::concat;
    use datafusion::logical_expr::{col, lit};
    use datafusion::physical_expr::create_physical_expr;

    fn schema() -> Arc<Schema> {
        let text = |name| Field::new(name, DataType::Utf8, true);
        Arc::new(Schema::new(vec![text("a"), text("b"), Field::new("n", DataType::Int64, true)]))
    }

    fn physical(said: &Expr) -> Arc<dyn PhysicalExpr> {
        let schema = DFSchema::try_from(schema().as_ref().clone()).unwrap();
        create_physical_expr(said, &schema, &ExecutionProps::new(), &Default::default()).unwrap()
    }

    fn rows(texts: &[(Option<&str>, Option<&str>)]) -> RecordBatch {
        let column = |texts: Vec<Option<&str>>| Arc::new(StringArray::from(texts)) as ArrayRef;
        let first = column(texts.iter().map(|it| it.0).collect());
        let second = column(texts.iter().map(|it| it.1).collect());
        let numbers = arrow::array::new_null_array(&DataType::Int64, texts.len());
        RecordBatch::try_new(schema(), vec![first, second, numbers]).unwrap()
    }

    #[test]
    fn what_is_remembered_is_what_the_expression_makes() {
        let said = concat(vec![col("a"), lit("."), col("b")]);
        let expr = physical(&said);
        let remembered = Remembered::of(&said, &expr, &schema(), 64).unwrap();
        let batches: [&[(Option<&str>, Option<&str>)]; 4] = [
            &[(Some("x"), Some("y")), (Some("x"), Some("y")), (None, Some("y"))],
            &[(Some("xy"), Some("")), (Some("x"), Some("y")), (Some(""), Some("xy"))],
            &[],
            &[(Some("x"), Some("y")), (Some("x"), None), (None, None)],
        ];
        for rows in batches.map(rows) {
            let values = remembered.values(expr.as_ref(), &rows).unwrap();
            let expected = expr.evaluate(&rows).unwrap().into_array(rows.num_rows()).unwrap();
            assert_eq!(&values, &cast(&expected, &DataType::Utf8).unwrap());
        }
    }

    #[test]
    fn only_what_is_made_of_texts_is_remembered() {
        for said in [
            col("a"),
            concat(vec![col("a"), lit(".")]),
            concat(vec![col("a"), cast_to_text(col("n"))]),
        ] {
            assert!(Remembered::of(&said, &physical(&said), &schema(), 64).is_none(), "{said}");
        }
    }

    fn cast_to_text(expr: Expr) -> Expr {
        datafusion::logical_expr::cast(expr, DataType::Utf8)
    }
}
