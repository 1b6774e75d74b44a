//! Which columns of a file belong to which columns of the contract.

use super::json::{Object, Value};
use super::shape::{Shape, shapes};
use super::text::{Target, texts};
use crate::decode::DecodeError;
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray, new_null_array};
use arrow::compute::{is_null, nullif};
use arrow::datatypes::{DataType, Fields};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use plant::columns::{Expected, positions};
use plant::contract::Contract;

/// Where the contract's columns are in the file.
pub(super) struct Layout {
    columns: Vec<Option<Source>>,
    /// Columns without a column in the contract.
    others: Vec<(usize, Shape)>,
    /// The columns of the file, and the members of structs that the contract names.
    pub(super) names: Vec<String>,
}

/// One column of the contract in the file.
struct Source {
    /// The column of the file, then the members of structs on the way to the value.
    path: Vec<usize>,
    shape: Shape,
    target: Target,
}

impl Layout {
    pub(super) fn new(
        contract: &Contract,
        metadata: &ArrowReaderMetadata,
    ) -> Result<Self, DecodeError> {
        let fields = metadata.schema().fields();
        let shapes = shapes(fields, metadata.parquet_schema());
        let mut names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        let paths = paths(contract, fields, &names);
        let missing = contract.columns.iter().zip(&paths).filter(|(_, found)| found.is_none());
        let any_required = missing.clone().any(|(column, _)| column.required);
        if any_required || paths.iter().all(Option::is_none) {
            return Err(DecodeError::OtherLayout {
                missing: missing.map(|(column, _)| column.header.clone()).collect(),
                found: names,
            });
        }
        let members = contract.columns.iter().zip(&paths);
        let members = members.filter(|(_, path)| path.as_ref().is_some_and(|path| path.len() > 1));
        names.extend(members.map(|(column, _)| column.header.clone()));
        // A struct of which the contract names only members is also kept as a whole, in `rest`.
        let is_known = |index: usize| paths.iter().flatten().any(|path| *path == [index]);
        let others = (0..fields.len()).filter(|index| !is_known(*index));
        let others = others.filter_map(|index| Some((index, shapes.get(index)?.clone())));
        let source = |(column, path): (&plant::contract::Column, Option<Vec<usize>>)| {
            let path = path?;
            let shape = Shape::at(&shapes, &path)?.clone();
            Some(Source { path, shape, target: Target::from_kind(&column.kind) })
        };
        Ok(Self {
            others: others.collect(),
            names,
            columns: contract.columns.iter().zip(paths).map(source).collect(),
        })
    }

    /// The contract's columns as text.
    pub(super) fn fields(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        let field = |source: &Option<Source>| match source {
            None => Ok(new_null_array(&DataType::Utf8, rows.num_rows())),
            Some(source) => texts(&value(rows, &source.path)?, &source.shape, &source.target),
        };
        self.columns.iter().map(field).collect()
    }

    /// The other columns as JSON objects.
    pub(super) fn rest(&self, rows: &RecordBatch) -> Result<StringArray, ArrowError> {
        if self.others.is_empty() {
            return Ok(StringArray::new_null(rows.num_rows()));
        }
        let schema = rows.schema();
        let member = |(index, shape): &(usize, Shape)| {
            let name = schema.field(*index).name().clone();
            Ok((name, Value::new(rows.column(*index), shape)?))
        };
        let members: Result<Vec<_>, ArrowError> = self.others.iter().map(member).collect();
        Object::new(members?).texts(rows.num_rows())
    }
}

/// The way to each column of the contract: a column of the file, by its exact name or, if letter case
/// does not count, the only one that fits; else a member of a struct.
fn paths(contract: &Contract, fields: &Fields, names: &[String]) -> Vec<Option<Vec<usize>>> {
    let headers = contract.headers();
    let is_case_sensitive = contract.case_sensitive_columns;
    let places = positions(names, Expected { headers: &headers, is_case_sensitive });
    let columns = contract.columns.iter().zip(places);
    let top_level = |index: usize| vec![index];
    columns
        .map(|(column, at)| at.map(top_level).or_else(|| path(fields, column.header.trim())))
        .collect()
}

/// The indexes of the column or member that `header` names: the column of that name, or for `a.b` the member `b`
/// of the struct `a`. Names themselves may contain dots.
fn path(fields: &Fields, header: &str) -> Option<Vec<usize>> {
    if let Some(index) = fields.iter().position(|field| field.name().trim() == header) {
        return Some(vec![index]);
    }
    fields.iter().enumerate().find_map(|(index, field)| {
        let DataType::Struct(members) = field.data_type() else { return None };
        let below = header.strip_prefix(field.name().trim())?.strip_prefix('.')?;
        let mut path = path(members, below)?;
        path.insert(0, index);
        Some(path)
    })
}

/// The values at a path through structs. The members of a null struct are null.
fn value(rows: &RecordBatch, path: &[usize]) -> Result<ArrayRef, ArrowError> {
    let (first, members) = path.split_first().map_or((0, path), |(first, rest)| (*first, rest));
    let mut array = rows.column(first).clone();
    for member in members {
        let parent = array.as_struct();
        let child = parent.column(*member);
        array = match parent.null_count() {
            0 => child.clone(),
            _ => nullif(child, &is_null(parent)?)?,
        };
    }
    Ok(array)
}
