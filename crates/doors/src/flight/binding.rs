//! Values that are bound to the parameters of a statement.

use crate::parameters::ParameterTypes;
use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::dataframe::DataFrame;
use serve::http::Error;

/// Fails on a value that does not have a place in the other type.
const EXACT: CastOptions<'static> =
    CastOptions { safe: false, format_options: arrow::util::display::FormatOptions::new() };

/// The values of a statement: one column for each parameter, and one execution for each row.
#[derive(Debug)]
pub struct Binding {
    columns: Vec<ArrayRef>,
    rows: usize,
}

/// Kinds of types. A value of one kind is compared and computed with others of it.
#[derive(Debug, PartialEq, Eq)]
enum Family {
    Boolean,
    Number,
    Text,
    Bytes,
    Time,
    TimeOfDay,
    Other,
}

/// The parameters of a statement, as the protocol describes them: type null where the statement does not
/// determine one.
pub fn described(types: &ParameterTypes) -> Schema {
    let field = |index: usize| {
        let kind = types.get(&index).cloned().flatten().unwrap_or(DataType::Null);
        Field::new(format!("${}", index + 1), kind, true)
    };
    Schema::new((0..count(types)).map(field).collect::<Vec<_>>())
}

fn count(types: &ParameterTypes) -> usize {
    types.keys().next_back().map_or(0, |last| last + 1)
}

impl Binding {
    /// Binds values to the parameters of a statement; `None` if the client bound nothing.
    ///
    /// # Errors
    /// The number of values is wrong, or the type of one.
    pub fn new(types: &ParameterTypes, values: Option<&RecordBatch>) -> Result<Self, Error> {
        let expected = count(types);
        let given = values.map_or(0, RecordBatch::num_columns);
        if given != expected {
            let message = match values {
                None => format!(
                    "the statement has {expected} parameters without values: prepare it, and bind them"
                ),
                Some(_) => {
                    format!("the statement has {expected} parameters, but {given} were bound")
                }
            };
            return Err(Error::bad("parameter_count", message));
        }
        let Some(values) = values else { return Ok(Self { columns: Vec::new(), rows: 1 }) };
        let column = |(index, column): (usize, &ArrayRef)| match types.get(&index) {
            Some(Some(needed)) => converted(column, needed, index + 1),
            _ => Ok(ArrayRef::clone(column)),
        };
        let columns = values.columns().iter().enumerate().map(column).collect::<Result<_, _>>()?;
        Ok(Self { columns, rows: values.num_rows() })
    }

    /// The number of executions.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The frame with the values of a row.
    ///
    /// # Errors
    /// The engine refuses a value.
    pub fn frame(&self, frame: &DataFrame, row: usize) -> Result<DataFrame, Error> {
        if self.columns.is_empty() {
            return Ok(frame.clone());
        }
        let values = self.columns.iter().map(|column| ScalarValue::try_from_array(column, row));
        let values = ParamValues::from(values.collect::<Result<Vec<_>, _>>()?);
        Ok(frame.clone().with_param_values(values)?)
    }
}

/// The values in the type that the statement needs, if that type has a place for each of them. Otherwise they
/// keep their type, and the engine compares the two: a number with a fraction is not cut to an integer.
fn converted(column: &ArrayRef, needed: &DataType, number: usize) -> Result<ArrayRef, Error> {
    let given = column.data_type();
    if given == needed || given == &DataType::Null || needed == &DataType::Null {
        return Ok(ArrayRef::clone(column));
    }
    let (from, to) = (family(given), family(needed));
    let is_spelled = from == Family::Text && matches!(to, Family::Time | Family::TimeOfDay);
    if is_spelled {
        let parsed = cast_with_options(column, needed, &EXACT);
        return parsed.ok().ok_or_else(|| mismatch(given, needed, number));
    }
    if from != to || from == Family::Other {
        return Err(mismatch(given, needed, number));
    }
    let exact = cast_with_options(column, needed, &EXACT).ok().filter(|there| {
        cast_with_options(there, given, &EXACT).is_ok_and(|back| back.to_data() == column.to_data())
    });
    Ok(exact.unwrap_or_else(|| ArrayRef::clone(column)))
}

fn mismatch(given: &DataType, needed: &DataType, number: usize) -> Error {
    let message = format!(
        "parameter ${number}: the statement needs the type {needed}, the bound values are {given}"
    );
    Error::bad("parameter_type", message)
}

fn family(kind: &DataType) -> Family {
    match kind {
        DataType::Dictionary(_, values) => family(values),
        DataType::Boolean => Family::Boolean,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Family::Text,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Family::Bytes,
        DataType::FixedSizeBinary(_) => Family::Bytes,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Family::Time,
        DataType::Time32(_) | DataType::Time64(_) => Family::TimeOfDay,
        kind if kind.is_numeric() => Family::Number,
        _ => Family::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        BooleanArray, Date32Array, Float64Array, Int64Array, NullArray, StringArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::TimeUnit;
    use std::sync::Arc;

    fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
        let columns = columns.into_iter().zip(1..).map(|(it, at)| (format!("${at}"), it, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    fn types(needed: &[Option<DataType>]) -> ParameterTypes {
        needed.iter().cloned().enumerate().collect()
    }

    #[track_caller]
    fn check(given: ArrayRef, needed: &DataType, expected: &DataType) {
        let bound = Binding::new(&types(&[Some(needed.clone())]), Some(&batch(vec![given])));
        assert_eq!(bound.unwrap().columns[0].data_type(), expected);
    }

    #[test]
    fn values_get_the_type_of_the_statement_if_nothing_is_lost() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        check(Arc::new(Int64Array::from(vec![5])), &DataType::Int32, &DataType::Int32);
        check(Arc::new(Int64Array::from(vec![5, 1 << 40])), &DataType::Int32, &DataType::Int64);
        check(Arc::new(Float64Array::from(vec![2.0])), &DataType::Int64, &DataType::Int64);
        check(Arc::new(Float64Array::from(vec![2.5])), &DataType::Int64, &DataType::Float64);
        check(Arc::new(StringArray::from(vec!["a"])), &DataType::Utf8View, &DataType::Utf8View);
        check(Arc::new(TimestampMicrosecondArray::from(vec![5])), &utc, &utc);
        check(Arc::new(Date32Array::from(vec![5])), &utc, &utc);
        check(Arc::new(StringArray::from(vec!["2026-01-02 03:04:05"])), &utc, &utc);
        check(Arc::new(NullArray::new(1)), &DataType::Int64, &DataType::Null);
    }

    #[track_caller]
    fn check_refused(columns: Vec<ArrayRef>, needed: &[Option<DataType>], expected: &str) {
        let refused = Binding::new(&types(needed), Some(&batch(columns))).unwrap_err();
        assert!(refused.public.contains(expected), "{}", refused.public);
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        let number = Some(DataType::Int64);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["5"]));
        let message = "parameter $2: the statement needs the type Int64, the bound values are Utf8";
        check_refused(vec![Arc::clone(&text), Arc::clone(&text)], &[None, number.clone()], message);
        let flag: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
        check_refused(vec![flag], &[number], "Boolean");
        check_refused(vec![text], &[Some(DataType::Date32)], "Date32");
    }

    #[test]
    fn the_number_of_values_is_that_of_the_statement() {
        let number: ArrayRef = Arc::new(Int64Array::from(vec![5]));
        let expected = "the statement has 2 parameters, but 1 were bound";
        check_refused(vec![Arc::clone(&number)], &[None, None], expected);
        check_refused(vec![number], &[], "the statement has 0 parameters, but 1 were bound");
        let refused = Binding::new(&types(&[None]), None).unwrap_err();
        assert!(refused.public.contains("1 parameters without values"), "{}", refused.public);
        assert_eq!(Binding::new(&types(&[]), None).unwrap().rows(), 1);
    }

    #[test]
    fn parameters_are_described_in_their_order() {
        let mut types = types(&[Some(DataType::Int64)]);
        types.insert(2, None);
        let described = described(&types);
        let fields: Vec<_> = described.fields().iter().map(|it| it.data_type().clone()).collect();
        assert_eq!(fields, [DataType::Int64, DataType::Null, DataType::Null]);
        assert_eq!(described.field(2).name(), "$3");
    }
}
