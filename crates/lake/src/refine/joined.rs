//! Texts joined: what `concat` of columns and plain texts makes, written in one piece.
//!
//! A sensor says its names with every message. The library's function decides for each part of each
//! row anew what kind of part it is, which takes longer than to write the text down.

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use std::fmt::Write as _;
use std::sync::Arc;

/// Parts of a text, in their order.
pub struct Joined {
    parts: Vec<Part>,
}

enum Part {
    /// A text column; what is null is written as nothing, as `concat` has it.
    Column(usize),
    Text(String),
}

impl Joined {
    /// For a `concat` of text columns and plain texts of this schema, and of nothing else.
    pub fn of(said: &Expr, schema: &Schema) -> Option<Self> {
        let Expr::ScalarFunction(call) = said else { return None };
        if call.name() != "concat" {
            return None;
        }
        let part = |said: &Expr| match said {
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
        fn what_is_joined_is_what_the_library_makes(
            texts in prop::collection::vec((text(), text()), 0..20),
            from in 0_usize..20,
        ) {
            let said = concat(vec![col("a"), lit("."), col("b"), lit(""), lit("é"), col("a")]);
            let of = DFSchema::try_from(schema().as_ref().clone()).unwrap();
            let props = ExecutionProps::new();
            let expr = create_physical_expr(&said, &of, &props, &Default::default()).unwrap();
            let all = rows(&texts);
            let from = from.min(texts.len());
            let rows = all.slice(from, texts.len() - from);
            let expected = expr.evaluate(&rows).unwrap().into_array(rows.num_rows()).unwrap();
            let joined = Joined::of(&said, &schema()).unwrap().values(&rows).unwrap();
            let expected = arrow::compute::cast(&expected, &DataType::Utf8).unwrap();
            prop_assert_eq!(&joined, &expected);
        }
    }

    #[test]
    fn all_else_is_left_to_the_library() {
        for said in [
            col("a"),
            upper(col("a")),
            concat(vec![col("a"), upper(col("b"))]),
            concat(vec![col("a"), col("n")]),
            concat(vec![col("a"), cast(col("n"), DataType::Utf8)]),
            concat(vec![col("a"), col("other")]),
        ] {
            assert!(Joined::of(&said, &schema()).is_none(), "{said}");
        }
    }
}
