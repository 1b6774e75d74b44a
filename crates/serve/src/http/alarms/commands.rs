//! Commands of operators: acknowledge, shelve, comment, assign, take out of service.

mod target;

use super::dto::Alarm;
use super::operation::Operation;
use super::{AlarmRef, invalid, uncached};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use plant::time::MINUTE_US;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use target::Target;
use utoipa::ToSchema;
use watch::Command;

/// An acknowledgement.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeRequest {
    #[serde(default)]
    pub comment: Option<String>,
}

/// Alarms to acknowledge together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeManyRequest {
    /// Numbers of alarms.
    pub ids: Vec<i64>,
    #[serde(default)]
    pub comment: Option<String>,
}

/// For how long and why an alarm is shelved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShelveRequest {
    /// Minutes from now on; or `until`.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// `end_of_shift`.
    #[serde(default)]
    pub until: Option<String>,
    pub reason: String,
}

/// A comment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentRequest {
    pub text: String,
}

/// Who takes care of an alarm.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// Name of a user; null removes the assignment.
    pub user: Option<String>,
}

/// Why an alarm is taken out of service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutOfServiceRequest {
    pub reason: String,
}

/// Nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyRequest {}

/// The result of acknowledging several alarms.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcknowledgedMany {
    pub acknowledged: usize,
    pub refused: Vec<RefusedAlarm>,
}

/// An alarm that was not acknowledged.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedAlarm {
    pub id: i64,
    /// As in errors: `not_found`, `forbidden`, `refused`.
    pub code: &'static str,
    pub message: String,
}

/// Acknowledges an alarm.
#[utoipa::path(
    post, path = "/api/v1/alarms/{id}/acknowledge", operation_id = "acknowledgeAlarm", tag = "alarms",
    params(("id" = String, Path, description = "Number of the alarm, or rule/object")),
    request_body = AcknowledgeRequest,
    responses((status = 200, description = "The alarm after it", body = Alarm), Refusals)
)]
pub async fn acknowledge(
    target: Target,
    JsonBody(request): JsonBody<AcknowledgeRequest>,
) -> Result<Response, Error> {
    target.give(Operation::Acknowledge, |target| acknowledgement(target, request.comment)).await
}

/// Shelves an alarm for a limited time: it is not annunciated until then.
#[utoipa::path(
    post, path = "/api/v1/alarms/{id}/shelve", operation_id = "shelveAlarm", tag = "alarms",
    params(("id" = String, Path, description = "Number of the alarm, or rule/object")),
    request_body = ShelveRequest,
    responses((status = 200, description = "The alarm after it", body = Alarm), Refusals)
)]
pub async fn shelve(
    target: Target,
    JsonBody(request): JsonBody<ShelveRequest>,
) -> Result<Response, Error> {
    let command = |target: &Target| {
        let until_us = shelved_until(&target.service, &request)?;
        Ok(Command::Shelve { until_us, reason: target.text("reason", request.reason)? })
    };
    target.give(Operation::Shelve, command).await
}

/// Ends shelving. An active alarm is acknowledged then.
#[utoipa::path(
    post, path = "/api/v1/alarms/{id}/unshelve", operation_id = "unshelveAlarm", tag = "alarms",
    params(("id" = String, Path, description = "Number of the alarm, or rule/object")),
    request_body = EmptyRequest,
    responses((status = 200, description = "The alarm after it", body = Alarm), Refusals)
)]
pub async fn unshelve(
    target: Target,
    JsonBody(EmptyRequest {}): JsonBody<EmptyRequest>,
) -> Result<Response, Error> {
    target.give(Operation::Unshelve, |_| Ok(Command::Unshelve)).await
}

/// Adds a comment to the journal of an alarm.
#[utoipa::path(
    post, path = "/api/v1/alarms/{id}/comment", operation_id = "commentAlarm", tag = "alarms",
    params(("id" = String, Path, description = "Number of the alarm, or rule/object")),
    request_body = CommentRequest,
    responses((status = 200, description = "The alarm after it", body = Alarm), Refusals)
)]
pub async fn comment(
    target: Target,
    JsonBody(request): JsonBody<CommentRequest>,
) -> Result<Response, Error> {
    let command =
        |target: &Target| Ok(Command::Comment { text: target.text("text", request.text)? });
    target.give(Operation::Comment, command).await
}

/// Assigns an alarm to a user.
#[utoipa::path(
    post, path = "/api/v1/alarms/{id}/assign", operation_id = "assignAlarm", tag = "alarms",
    params(("id" = String, Path, description = "Number of the alarm, or rule/object")),
    request_body = AssignRequest,
    responses((status = 200, description = "The alarm after it", body = Alarm), Refusals)
)]
pub async fn assign(
    target: Target,
    JsonBody(request): JsonBody<AssignRequest>,
) -> Result<Response, Error> {
    let command =
        |target: &Target| Ok(Command::Assign { user: target.optional_text("user", request.user)? });
    target.give(Operation::Assign, command).await
}

/// Takes an alarm out of service, for example during maintenance.
#[utoipa::path(
    post, path = "/api/v1/alarms/{id}/out-of-service", operation_id = "takeAlarmOutOfService", tag = "alarms",
    params(("id" = String, Path, description = "Number of the alarm, or rule/object")),
    request_body = OutOfServiceRequest,
    responses((status = 200, description = "The alarm after it", body = Alarm), Refusals)
)]
pub async fn take_out_of_service(
    target: Target,
    JsonBody(request): JsonBody<OutOfServiceRequest>,
) -> Result<Response, Error> {
    let command = |target: &Target| {
        Ok(Command::TakeOutOfService { reason: target.text("reason", request.reason)? })
    };
    target.give(Operation::OutOfService, command).await
}

/// Returns an alarm to service.
#[utoipa::path(
    post, path = "/api/v1/alarms/{id}/in-service", operation_id = "returnAlarmToService", tag = "alarms",
    params(("id" = String, Path, description = "Number of the alarm, or rule/object")),
    request_body = EmptyRequest,
    responses((status = 200, description = "The alarm after it", body = Alarm), Refusals)
)]
pub async fn return_to_service(
    target: Target,
    JsonBody(EmptyRequest {}): JsonBody<EmptyRequest>,
) -> Result<Response, Error> {
    target.give(Operation::InService, |_| Ok(Command::ReturnToService)).await
}

/// Acknowledges several alarms. One that is refused does not prevent the others.
#[utoipa::path(
    post, path = "/api/v1/alarms/acknowledge", operation_id = "acknowledgeAlarms", tag = "alarms",
    request_body = AcknowledgeManyRequest,
    responses((status = 200, description = "How many were acknowledged", body = AcknowledgedMany), Refusals)
)]
pub async fn acknowledge_many(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<AcknowledgeManyRequest>,
) -> Result<Response, Error> {
    let most = service.limits.alarms_per_request;
    if request.ids.len() > most {
        let count = request.ids.len();
        return Err(invalid(&format!("invalid ids: {count} alarms; expected at most {most}")));
    }
    let mut answer = AcknowledgedMany { acknowledged: 0, refused: Vec::new() };
    for id in request.ids {
        let target = Target::new(&service, &caller, AlarmRef::Id(id));
        let comment = request.comment.clone();
        let command = |target: &Target| acknowledgement(target, comment);
        match target.apply(Operation::Acknowledge, command).await {
            Ok(_) => answer.acknowledged += 1,
            Err(error) if error.status.is_server_error() => return Err(error),
            Err(error) => {
                let (code, message) = (error.code, error.public);
                answer.refused.push(RefusedAlarm { id, code, message });
            }
        }
    }
    Ok(uncached(answer))
}

fn acknowledgement(target: &Target, comment: Option<String>) -> Result<Command, Error> {
    Ok(Command::Acknowledge { comment: target.optional_text("comment", comment)? })
}

/// When shelving ends.
fn shelved_until(service: &Service, request: &ShelveRequest) -> Result<i64, Error> {
    let now_us = service.now_us();
    match (request.minutes, request.until.as_deref()) {
        (Some(minutes), None) => Ok(now_us.saturating_add(i64::from(minutes) * MINUTE_US)),
        (None, Some("end_of_shift")) => service.lake.shift_end_us(now_us).ok_or_else(|| {
            invalid("invalid until `end_of_shift`: it is outside every shift; send `minutes`")
        }),
        (None, Some(text)) => {
            Err(invalid(&format!("invalid until `{text}`: expected end_of_shift")))
        }
        _ => Err(invalid("expected either `minutes` or `until`")),
    }
}
