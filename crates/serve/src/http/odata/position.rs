//! The position behind the last row of a page, which the link to the next page carries.
//!
//! The rows of a version of a table have a total order, up to equal rows. A position is the version, the
//! values of the last row in the columns of the order, and how many rows with just these values were
//! delivered. The next page begins by a condition on these columns: no row before it is sorted again.

use crate::http::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::functions::expr_fn::isnan;
use datafusion::prelude::{Expr, ident, lit};
use serde::{Deserialize, Serialize};

/// A column of the order. As OData defines, nulls are before all values: first in ascending order, last in
/// descending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortColumn {
    pub column: String,
    pub is_descending: bool,
}

impl SortColumn {
    /// The term of the sort.
    pub fn expr(&self) -> datafusion::logical_expr::SortExpr {
        ident(&self.column).sort(!self.is_descending, !self.is_descending)
    }
}

/// The value of `$skiptoken`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedPosition {
    /// Version of the table.
    #[serde(rename = "v")]
    pub version: u64,
    /// Values of the last row in the columns of the order, as [`to_text`] writes them.
    #[serde(rename = "k")]
    pub values: Vec<Option<String>>,
    /// Delivered rows with these values.
    #[serde(rename = "n")]
    pub equal_rows: u64,
    /// Rows that `$top` leaves.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub top: Option<u64>,
}

impl FeedPosition {
    /// The text of `$skiptoken`.
    pub fn encode(&self) -> String {
        // Texts and numbers can always be serialized.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a text of [`FeedPosition::encode`].
    pub fn decode(text: &str) -> Result<Self, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(invalid)
    }

    /// The condition on the rows at and behind this position. The first [`FeedPosition::equal_rows`] of them were
    /// delivered. `types` are those of the columns of `order`.
    pub fn condition(&self, order: &[SortColumn], types: &[DataType]) -> Result<Expr, Error> {
        if self.values.len() != order.len() || order.len() != types.len() {
            return Err(invalid());
        }
        let mut inner: Option<Expr> = None;
        let mut outermost = lit(true);
        for ((sort, of), text) in order.iter().zip(types).zip(&self.values).rev() {
            let value = text.as_deref().map(|text| from_text(text, of)).transpose()?;
            let (equal, after) = (equal(sort, value.as_ref()), after(sort, value.as_ref()));
            outermost = after.clone().or(equal.clone());
            inner = Some(match inner {
                None => outermost.clone(),
                Some(inner) => after.or(equal.and(inner)),
            });
        }
        // The condition on the first column alone can be compared with the statistics of the files.
        Ok(inner.map_or(lit(true), |inner| outermost.and(inner)))
    }
}

fn invalid() -> Error {
    let message = "invalid $skiptoken: expected the address of @odata.nextLink without changes";
    Error::bad("bad_skiptoken", message)
}

fn is_nan(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Float64(Some(value)) => value.is_nan(),
        ScalarValue::Float32(Some(value)) => value.is_nan(),
        _ => false,
    }
}

fn is_float(value: &ScalarValue) -> bool {
    matches!(value, ScalarValue::Float64(_) | ScalarValue::Float32(_))
}

/// Rows with this value. Statistics do not include NaN, so it is not compared by `=`.
fn equal(sort: &SortColumn, value: Option<&ScalarValue>) -> Expr {
    let column = ident(&sort.column);
    match value {
        None => column.is_null(),
        Some(value) if is_nan(value) => isnan(column),
        Some(value) => column.eq(lit(value.clone())),
    }
}

/// Rows behind this value. NaN is greater than every number.
fn after(sort: &SortColumn, value: Option<&ScalarValue>) -> Expr {
    let column = ident(&sort.column);
    match (value, sort.is_descending) {
        (None, false) => column.is_not_null(),
        (None, true) => lit(false),
        (Some(value), false) if is_nan(value) => lit(false),
        (Some(value), true) if is_nan(value) => {
            Expr::Not(Box::new(isnan(column.clone()))).or(column.is_null())
        }
        (Some(value), false) => {
            let greater = column.clone().gt(lit(value.clone()));
            if is_float(value) { greater.or(isnan(column)) } else { greater }
        }
        (Some(value), true) => column.clone().lt(lit(value.clone())).or(column.is_null()),
    }
}

/// A value as text from which [`from_text`] restores it exactly; `None` for null.
pub fn to_text(value: &ScalarValue) -> Option<String> {
    match value {
        value if value.is_null() => None,
        ScalarValue::Float64(Some(value)) => Some(format!("{:x}", value.to_bits())),
        ScalarValue::Float32(Some(value)) => Some(format!("{:x}", value.to_bits())),
        ScalarValue::Decimal128(Some(value), ..) => Some(value.to_string()),
        ScalarValue::Date32(Some(days)) => Some(days.to_string()),
        ScalarValue::TimestampMicrosecond(Some(at), _) => Some(at.to_string()),
        ScalarValue::Dictionary(_, value) => to_text(value),
        ScalarValue::Binary(Some(bytes)) => Some(URL_SAFE_NO_PAD.encode(bytes)),
        other => Some(other.to_string()),
    }
}

/// A value of [`to_text`] of the type `of`.
fn from_text(text: &str, of: &DataType) -> Result<ScalarValue, Error> {
    let bits = || u64::from_str_radix(text, 16).ok();
    let found = match of {
        DataType::Float64 => bits().map(|bits| ScalarValue::Float64(Some(f64::from_bits(bits)))),
        DataType::Float32 => {
            let bits = bits().and_then(|bits| u32::try_from(bits).ok());
            bits.map(|bits| ScalarValue::Float32(Some(f32::from_bits(bits))))
        }
        DataType::Decimal128(precision, scale) => {
            let unscaled = text.parse().ok();
            unscaled.map(|it| ScalarValue::Decimal128(Some(it), *precision, *scale))
        }
        DataType::Date32 => text.parse().ok().map(|days| ScalarValue::Date32(Some(days))),
        DataType::Timestamp(_, zone) => {
            let at = text.parse().ok();
            at.map(|at| ScalarValue::TimestampMicrosecond(Some(at), zone.clone()))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ScalarValue::from(text)),
        DataType::Binary => {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok();
            bytes.map(|bytes| ScalarValue::Binary(Some(bytes)))
        }
        DataType::Dictionary(_, of) => return from_text(text, of),
        other => ScalarValue::try_from_string(text.to_owned(), other).ok(),
    };
    found.ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::TimeUnit;

    #[test]
    fn values_are_restored_exactly() {
        let utc: Option<std::sync::Arc<str>> = Some("UTC".into());
        for value in [
            ScalarValue::Float64(Some(0.1 + 0.2)),
            ScalarValue::Float64(Some(-0.0)),
            ScalarValue::Float32(Some(1.0e-40)),
            ScalarValue::Decimal128(Some(-123_456), 28, 4),
            ScalarValue::Date32(Some(-1)),
            ScalarValue::TimestampMicrosecond(Some(-1), utc.clone()),
            ScalarValue::Utf8(Some("ലൈൻ '1'".into())),
            ScalarValue::Int64(Some(i64::MIN)),
            ScalarValue::UInt64(Some(u64::MAX)),
            ScalarValue::Boolean(Some(false)),
        ] {
            let text = to_text(&value).unwrap();
            assert_eq!(from_text(&text, &value.data_type()).unwrap(), value, "{text}");
        }
        assert_eq!(to_text(&ScalarValue::Int64(None)), None);
        let micros = DataType::Timestamp(TimeUnit::Microsecond, utc);
        assert!(from_text("soon", &micros).is_err());
    }

    #[test]
    fn a_token_is_restored_or_refused() {
        let position = FeedPosition {
            version: 7,
            values: vec![Some("a".into()), None],
            equal_rows: 2,
            top: Some(10),
        };
        let text = position.encode();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(FeedPosition::decode(&text).unwrap(), position);
        for wrong in ["", "%", "bnVsbA", &text[..text.len() - 4]] {
            assert_eq!(FeedPosition::decode(wrong).unwrap_err().code, "bad_skiptoken", "{wrong}");
        }
        let order = [SortColumn { column: "a".into(), is_descending: false }];
        assert!(position.condition(&order, &[DataType::Utf8]).is_err(), "another order");
    }
}
