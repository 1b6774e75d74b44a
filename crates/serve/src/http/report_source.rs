//! The lake as reports read it: at fixed versions, read-only, and only what their user can see.

use super::error::Error;
use super::readonly;
use super::visibility::Visibility;
use crate::{LakeReader, Limits};
use async_trait::async_trait;
use config::model::TableName;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use lake::pinned::VersionNotStored;
use report::{Bound, QueryLimits, Rows, Source, Versions};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The lake as reports read it.
pub struct ReportSource {
    lake: Arc<dyn LakeReader>,
    /// `None` if everything is visible.
    visibility: Option<Visibility>,
    limits: Limits,
}

impl ReportSource {
    /// A source in which everything is visible, for the command line and for scheduled reports.
    pub fn new(lake: Arc<dyn LakeReader>, limits: Limits) -> Self {
        Self { lake, visibility: None, limits }
    }

    /// The same source with the tables and rows that a caller can see.
    #[must_use]
    pub fn with_visibility(self, visibility: Visibility) -> Self {
        Self { visibility: Some(visibility), ..self }
    }

    async fn session(&self, versions: &Versions) -> Result<SessionContext, Error> {
        let session = self.lake.session_at(versions).await.map_err(Error::from_lower_layer)?;
        match &self.visibility {
            Some(visibility) => visibility.restricted(self.lake.as_ref(), session).await,
            None => Ok(session),
        }
    }

    async fn plan(
        &self,
        session: &SessionContext,
        statement: Bound<'_>,
    ) -> Result<DataFrame, Error> {
        let frame = readonly::plan(session, statement.sql, &self.limits).await?;
        let values = statement.values.iter().map(|(name, value)| (name.as_str(), value.scalar()));
        Ok(frame.with_param_values(values.collect::<Vec<_>>())?)
    }
}

#[async_trait]
impl Source for ReportSource {
    async fn versions(
        &self,
        tables: &BTreeSet<TableName>,
        at_us: Option<i64>,
    ) -> Result<Versions, report::Error> {
        Ok(self.lake.versions(tables, at_us).await?)
    }

    async fn rows(
        &self,
        statements: &[Bound<'_>],
        versions: &Versions,
        limits: &[QueryLimits],
    ) -> Result<Vec<Rows>, (usize, report::Error)> {
        let session = self.session(versions).await.map_err(|error| (0, of_report(error)))?;
        let mut all = Vec::with_capacity(statements.len());
        for (at, (statement, limits)) in statements.iter().zip(limits).enumerate() {
            let read = async {
                let frame = Box::pin(self.plan(&session, *statement)).await.map_err(of_report)?;
                Box::pin(read(frame, *limits)).await
            };
            let rows = read.await;
            all.push(rows.map_err(|error| (at, located(error)))?);
        }
        Ok(all)
    }
}

/// The rows of a frame up to their limit.
async fn read(frame: DataFrame, limits: QueryLimits) -> Result<Rows, report::Error> {
    let schema = Arc::new(frame.schema().as_arrow().clone());
    // One row more than the limit shows that there are more.
    let frame = frame.limit(0, Some(limits.rows_max.saturating_add(1))).map_err(failed)?;
    let mut stream = frame.execute_stream().await.map_err(failed)?;
    let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(failed)?;
        let left = limits.rows_max - rows;
        if batch.num_rows() > left {
            batches.push(batch.slice(0, left));
            return Ok(Rows { schema, batches, is_truncated: true });
        }
        rows += batch.num_rows();
        bytes += batch.get_array_memory_size();
        if bytes > limits.bytes_max {
            return Err(report::Error::Limit {
                what: "the size of the rows of a query in bytes".to_owned(),
                setting: "report_data_bytes",
                limit: limits.bytes_max as u64,
                remedy: "select fewer columns, lower max_rows, or raise the setting",
            });
        }
        batches.push(batch);
    }
    Ok(Rows { schema, batches, is_truncated: false })
}

/// A statement that fails while it runs.
fn failed(error: DataFusionError) -> report::Error {
    of_report(Error::from(error))
}

fn of_report(error: Error) -> report::Error {
    let Error { public, private, position, status, .. } = error;
    match private {
        Some(cause) if status.is_server_error() => cause.context(public).into(),
        _ => report::Error::Statement {
            file: String::new(),
            line: position.map_or(1, |(line, _)| usize::try_from(line).unwrap_or(1)),
            query: String::new(),
            message: public,
        },
    }
}

/// An error that a version which is no longer stored causes, as such.
fn located(error: report::Error) -> report::Error {
    let report::Error::Internal(cause) = &error else { return error };
    let gone = cause.chain().find_map(|cause| cause.downcast_ref::<VersionNotStored>());
    match gone {
        Some(gone) => {
            report::Error::VersionGone { table: gone.table.to_string(), version: gone.version }
        }
        None => error,
    }
}

#[cfg(test)]
mod tests;
