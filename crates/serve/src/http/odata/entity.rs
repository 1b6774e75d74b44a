//! One entity by its key.

use super::compile::{equals, find as find_property};
use super::edm::{Property, properties_of_schema};
use super::metadata::key as key_properties;
use super::options::Options;
use super::rows::{RowWriter, Style};
use super::syntax::SyntaxLimits;
use super::syntax::expression::parse_key;
use crate::http::error::Error;
use crate::{Limits, TableInfo};
use arrow::array::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::ident;
use std::future::Future;

/// The properties shown, and the row of the entity, if it exists.
pub async fn find(
    frame: impl Future<Output = Result<DataFrame, Error>>,
    info: &TableInfo,
    key: &str,
    options: &Options,
    limits: &Limits,
) -> Result<(Vec<Property>, Vec<RecordBatch>), Error> {
    let mut frame = frame.await?;
    let properties = properties_of_schema(frame.schema().as_arrow());
    let known = key_properties(info, &properties);
    let syntax = SyntaxLimits { depth: limits.filter_depth, nodes: limits.filter_nodes };
    let bad = |message: String| Error::bad("bad_key", format!("invalid key: {message}"));
    let parts = parse_key(key, syntax).map_err(|error| bad(error.to_string()))?;
    let expected = known.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
    if parts.len() != known.len() {
        return Err(bad(format!("expected the properties {expected}")));
    }
    for property in &known {
        let is_only = known.len() == 1;
        let is_part =
            |name: &Option<String>| name.as_ref().map_or(is_only, |it| *it == property.name);
        let part = parts.iter().find(|(name, _)| is_part(name));
        let (_, literal) =
            part.ok_or_else(|| bad(format!("expected the properties {expected}")))?;
        frame = frame.filter(equals(property, literal)?)?;
    }
    let shown = match &options.select {
        None => properties,
        Some(names) => {
            let found = names.iter().map(|name| find_property(&properties, name).cloned());
            found.collect::<Result<_, _>>()?
        }
    };
    let columns: Vec<_> = shown.iter().map(|it| ident(&it.column)).collect();
    let batches = frame.limit(0, Some(1))?.select(columns)?.collect().await?;
    Ok((shown, batches))
}

/// The entity as JSON; `None` if there is no row.
pub fn text(
    shown: &[Property],
    batches: &[RecordBatch],
    style: Style,
) -> Result<Option<String>, Error> {
    let mut out = Vec::new();
    let mut writer = RowWriter::new(shown, style);
    for batch in batches {
        writer.write(batch, &mut out).map_err(|error| Error::internal(error.into()))?;
    }
    let text = String::from_utf8(out).map_err(|error| Error::internal(error.into()))?;
    Ok(Some(text).filter(|it| !it.is_empty()))
}
