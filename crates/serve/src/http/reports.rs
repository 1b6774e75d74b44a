//! Reports: the catalogue, previews and files, and issued reports with their deliveries.
//!
//! *In*: requests, and the reports of the plant folder. *Out*: JSON, pages as SVG, files.
//! *Promise*: a report that is run is made from the rows that the caller may see. An issued report, which was made
//! from all rows, is visible to those who may read every table that it read, in the whole plant.

pub mod catalogue;
pub mod dto;
pub mod issued;
pub mod run;
mod visible;

use super::Service;
use super::authorization::Cost;
use super::error::Error;
use super::visibility::Visibility;
use ::report::{IssueError, Issuer};
use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use config::notifications::Language;
use config::reports::Definition;
use serde::Serialize;
use std::sync::Arc;

impl Service {
    /// The reports; an error if this program has no database for them.
    fn reports(&self) -> Result<&Issuer, Error> {
        self.reports.as_ref().ok_or_else(|| {
            let message = "this program issues no reports: they need a database, for which a lake on S3 needs \
                           `state` in [access] of plant.toml";
            Error::new(StatusCode::CONFLICT, "no_reports", message)
        })
    }

    /// The definition of a report.
    fn report(&self, name: &str) -> Result<Arc<Definition>, Error> {
        Ok(Arc::clone(self.reports()?.report(name)?))
    }

    /// Runs a call of the issued reports that may wait for the disk.
    async fn with_reports_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Issuer) -> Result<T, access::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let reports = self.reports()?.clone();
        Ok(self.blocking.run_apart(Cost::Disk, move || call(&reports)).await??)
    }

    /// The lake as a caller sees it.
    fn report_source(&self, visibility: Visibility) -> super::ReportSource {
        super::ReportSource::new(Arc::clone(&self.lake), self.limits.clone())
            .with_visibility(visibility)
    }
}

impl From<::report::Error> for Error {
    fn from(error: ::report::Error) -> Self {
        let (code, public) = (error.code(), error.to_string());
        let status = match error {
            ::report::Error::UnknownReport { .. } => StatusCode::NOT_FOUND,
            ::report::Error::UnknownParameter { .. } | ::report::Error::InvalidParameter { .. } => {
                StatusCode::BAD_REQUEST
            }
            ::report::Error::Internal(error) => return Self::from_lower_layer(error),
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, code, public)
    }
}

impl From<IssueError> for Error {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Report(error) => error.into(),
            IssueError::Database(error) => error.into(),
        }
    }
}

/// A language that is requested, if it is supported.
fn known_language(given: Option<String>) -> Result<Option<String>, Error> {
    match given {
        Some(code) if Language::from_code(&code).is_none() => {
            let message = format!("invalid language `{code}`: expected en, ml or hi");
            Err(Error::bad("bad_value", message))
        }
        given => Ok(given),
    }
}

/// A response that is not cached.
fn uncached(answer: impl Serialize) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (no_store, Json(answer)).into_response()
}

/// A file that browsers save. Its bytes belong to one issued report or one run, so they are not cached. A page of
/// HTML is not opened in the origin of the service either.
fn file(name: &str, bytes: Bytes) -> Result<Response, Error> {
    let extension = name.rsplit('.').next().unwrap_or_default();
    let media_type = ::report::issue::period::media_type(extension);
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let disposition = disposition.map_err(|error| Error::internal(error.into()))?;
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, bytes).into_response())
}
