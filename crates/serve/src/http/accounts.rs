//! Sessions, the own account, users, roles and the audit log.
//!
//! *In*: JSON bodies, the [`Caller`](super::authorization::Caller) of the request.
//! *Out*: JSON without secrets, except for those that are shown once when they are created.
//! *Promise*: the permission of each route is in the table of routes; the user database checks it
//! again. All calls of the database run on threads for blocking work.

pub mod audit;
pub mod dto;
pub mod openid;
pub mod own;
pub mod own_tokens;
pub mod roles;
pub mod session;
pub mod users;

use super::Service;
use super::authorization::{Caller, Cost};
use super::error::Error;
use access::{Access, Identity};
use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Runs a call of the user database as the caller, with the time of the request.
async fn call<T: Send + 'static>(
    service: &Service,
    caller: &Caller,
    cost: Cost,
    call: impl FnOnce(&Access, &Identity, i64) -> Result<T, access::Error> + Send + 'static,
) -> Result<T, Error> {
    let (by, now_us) = (caller.identity()?.clone(), service.now_us());
    service.blocking.run(&service.access, cost, move |access| call(access, &by, now_us)).await
}

/// A response that is not cached.
fn uncached(status: StatusCode, answer: impl Serialize) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, no_store, Json(answer)).into_response()
}

/// The result of a change of an own object: an object of another user is reported like one that does not
/// exist.
fn own_changed(changed: Result<(), Error>) -> Result<StatusCode, Error> {
    match changed {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) if error.status == StatusCode::FORBIDDEN => Err(not_found()),
        Err(error) => Err(error),
    }
}

fn not_found() -> Error {
    Error::new(StatusCode::NOT_FOUND, "not_found", "no such object")
}

/// A part of the path; 404 if it cannot be parsed as its type, such as an id with letters.
fn part<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Error> {
    path.ok().map(|Path(part)| part).ok_or_else(not_found)
}
