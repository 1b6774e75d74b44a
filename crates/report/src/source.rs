//! The interface through which reports read the lake.

use crate::data::Value;
pub use crate::data::{TableVersion, Versions};
use crate::error::Error;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use config::model::TableName;
use std::collections::{BTreeMap, BTreeSet};

/// A statement with the values of its placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    /// One SELECT with placeholders such as `$day`.
    pub sql: &'a str,
    pub values: &'a BTreeMap<String, Value>,
}

/// Limits of one query.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// Rows; further ones are left out and [`Rows::is_truncated`] is set.
    pub rows_max: usize,
    /// Bytes in memory; beyond, the query fails.
    pub bytes_max: usize,
}

/// The rows of a query.
#[derive(Debug, Clone)]
pub struct Rows {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub is_truncated: bool,
}

/// Read access to the lake, limited to what its user may read.
#[async_trait]
pub trait Source: Send + Sync {
    /// The newest version of each of these tables, or the newest at a time in microseconds since 1970 UTC. Tables
    /// that do not exist, or did not exist then, are left out.
    async fn versions(
        &self,
        tables: &BTreeSet<TableName>,
        at_us: Option<i64>,
    ) -> Result<Versions, Error>;

    /// The rows of statements over these versions, in the order of the statements. They share a session. The
    /// error of a statement is an [`Error::Statement`] without file, line of the file and name: its line is that
    /// of the statement.
    async fn rows(
        &self,
        statements: &[Bound<'_>],
        versions: &Versions,
        limits: &[QueryLimits],
    ) -> Result<Vec<Rows>, (usize, Error)>;
}
