//! `concat` of text columns and literals, evaluated in one pass.
//!
//! Every message of a sensor contains names that are joined to one. The function of the library inspects
//! the kind of each part again for each row, which takes longer than to write the text.

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use std::fmt::Write as _;
use std::sync::Arc;

/// The parts of a text in their order.
pub struct Concat {
    parts: Vec<Part>,
}

enum Part {
    /// A text column; null is the empty text, as in `concat`.
    Column(usize),
    Text(String),
}

impl Concat {
    /// From a `concat` of text columns of this schema and literals; `None` for any other expression.
    pub fn from_expr(expr: &Expr, schema: &Schema) -> Option<Self> {
        let Expr::ScalarFunction(call) = expr else { return None };
        if call.name() != "concat" {
            return None;
        }
        let part = |expr: &Expr| match expr {
            Expr::Column(column) => {
                let (at, field) = schema.column_with_name(&column.name)?;
                (*field.data_type() == DataType::Utf8).then_some(Part::Column(at))
            }
            Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(Part::Text(text.clone())),
            _ => None,
        };
        Some(Self { parts: call.args.iter().map(part).collect::<Option<_>>()? })
    }

    /// The text of each row.
    pub fn values(&self, rows: &RecordBatch) -> anyhow::Result<ArrayRef> {
        let parts: Vec<(Option<&StringArray>, &str)> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Column(at) => (Some(rows.column(*at).as_string()), ""),
                Part::Text(text) => (None, text.as_str()),
            })
            .collect();
        let count = rows.num_rows();
        let bytes = parts.iter().map(|(column, text)| match column {
            Some(column) => column.value_data().len(),
            None => text.len() * count,
        });
        let mut joined = StringBuilder::with_capacity(count, bytes.sum());
        for row in 0..count {
            for (column, text) in &parts {
                match column {
                    Some(column) if column.is_null(row) => {}
                    Some(column) => joined.write_str(column.value(row))?,
                    None => joined.write_str(text)?,
                }
            }
            joined.append_value("");
        }
        Ok(Arc::new(joined.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::Field;
    use datafusion::common::DFSchema;
    use datafusion::execution::context::ExecutionProps;
    use datafusion::functions::string::expr_fn::{concat, upper};
    use datafusion::logical_expr::{cast, col, lit};
    use datafusion::physical_expr::create_physical_expr;
    use proptest::prelude::*;

    fn schema() -> Arc<Schema> {
        let text = |name| Field::new(name, DataType::Utf8, true);
        Arc::new(Schema::new(vec![text("a"), text("b"), Field::new("n", DataType::Int64, true)]))
    }

    fn rows(texts: &[(Option<String>, Option<String>)]) -> RecordBatch {
        let first: StringArray = texts.iter().map(|it| it.0.as_deref()).collect();
        let second: StringArray = texts.iter().map(|it| it.1.as_deref()).collect();
        let numbers = arrow::array::new_null_array(&DataType::Int64, texts.len());
        RecordBatch::try_new(schema(), vec![Arc::new(first), Arc::new(second), numbers]).unwrap()
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        proptest::option::of("[a-zé.]{0,4}")
    }

    proptest! {
        #[test]
        fn concat_equals_that_of_the_library(
            texts in prop::collection::vec((text(), text()), 0..20),
            from in 0_usize..20,
        ) {
            let expr = concat(vec![col("a"), lit("."), col("b"), lit(""), lit("é"), col("a")]);
            let df_schema = DFSchema::try_from(schema().as_ref().clone()).unwrap();
            let props = ExecutionProps::new();
            let physical = create_physical_expr(&expr, &df_schema, &props, &Default::default()).unwrap();
            let all = rows(&texts);
            let from = from.min(texts.len());
            let rows = all.slice(from, texts.len() - from);
            let expected = physical.evaluate(&rows).unwrap().into_array(rows.num_rows()).unwrap();
            let joined = Concat::from_expr(&expr, &schema()).unwrap().values(&rows).unwrap();
            let expected = arrow::compute::cast(&expected, &DataType::Utf8).unwrap();
            prop_assert_eq!(&joined, &expected);
        }
    }

    #[test]
    fn other_expressions_are_left_to_the_library() {
        for expr in [
            col("a"),
            upper(col("a")),
            concat(vec![col("a"), upper(col("b"))]),
            concat(vec![col("a"), col("n")]),
            concat(vec![col("a"), cast(col("n"), DataType::Utf8)]),
            concat(vec![col("a"), col("other")]),
        ] {
            assert!(Concat::from_expr(&expr, &schema()).is_none(), "{expr}");
        }
    }
}
