//! Parameters whose type is an array, which the engine does not infer.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, ExactNumberInfo, Expr, Value, VisitorMut,
};
use std::ops::ControlFlow;

/// The types of the parameters of a statement, by position; 0 is unknown.
pub struct Declared<'a>(pub &'a [u32]);

impl VisitorMut for Declared<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(name) = &value.value
            && let Some(element) = self.element(name)
        {
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(expr.clone()),
                data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(
                    Box::new(element),
                    None,
                )),
                array: false,
                format: None,
            };
        }
        ControlFlow::Continue(())
    }
}

impl Declared<'_> {
    /// The type of the elements, if the parameter is declared as an array.
    fn element(&self, name: &str) -> Option<DataType> {
        let number: usize = name.strip_prefix('$')?.parse().ok()?;
        match *self.0.get(number.checked_sub(1)?)? {
            1_000 => Some(DataType::Boolean),
            1_005 => Some(DataType::SmallInt(None)),
            1_007 => Some(DataType::Integer(None)),
            1_016 => Some(DataType::BigInt(None)),
            1_009 | 1_015 => Some(DataType::Text),
            1_021 => Some(DataType::Real),
            1_022 => Some(DataType::DoublePrecision),
            1_182 => Some(DataType::Date),
            1_231 => Some(DataType::Numeric(ExactNumberInfo::None)),
            _ => None,
        }
    }
}
