//! The alarm rules of the plant folder: list, check, change.

mod change;
pub mod file;

use super::{PlaceFilter, invalid, uncached};
use crate::http::Service;
use crate::http::alarms::dto::language;
use crate::http::authorization::{Caller, Cost};
use crate::http::body::JsonBody;
use crate::http::error::{Error, Refusals};
use crate::http::query::parameters;
use access::Action;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use config::alarms::{AlarmRules, FileRule, Problem};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// The rules of the file, in its order.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmRulesAnswer {
    pub rules: Vec<AlarmRule>,
    /// Version of the file: the body of a change.
    pub revision: String,
    pub problems: Vec<RuleProblem>,
    /// Whether the caller can change the rules here.
    pub is_writable: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A rule in the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmRule {
    pub name: String,
    /// Line of the rule in the file, from 1.
    pub line: usize,
    /// The rule as it is written.
    pub toml: String,
    /// 1 is the most urgent; null for a rule with a mistake.
    pub priority: Option<u8>,
    pub text: Option<String>,
    /// `temperature`, `rate`, `deviation`, `count`, `silent`, `stuck`, `anomaly`, `kpi`, `sql` or `data`.
    pub kind: Option<&'static str>,
    /// Number of sensors, groups, units or rows that it applies to.
    pub objects: usize,
    pub is_enabled: bool,
    /// The first mistake, for which it is left out.
    pub problem: Option<String>,
}

/// A mistake or a warning.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleProblem {
    pub file: String,
    /// From 1.
    pub line: usize,
    pub message: String,
    pub remedy: String,
    /// The rule that has it; null outside the rules.
    pub rule: Option<String>,
    /// Whether the rule works nevertheless.
    pub is_warning: bool,
}

/// A rule to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleCheckRequest {
    /// One `[[rule]]`.
    pub toml: String,
    /// The rule that it replaces; a new one if left out.
    #[serde(default)]
    pub name: Option<String>,
}

/// What is wrong with a rule, and what the change of the file would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleCheckAnswer {
    /// Lines are those of the rule as it was sent.
    pub problems: Vec<RuleProblem>,
    /// The change in the unified format.
    pub diff: String,
}

/// A rule to store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleRequest {
    /// One `[[rule]]`, which may have another name; empty to remove the rule.
    pub toml: String,
    /// Version of the file that the change is based on.
    pub revision: String,
    /// Whether the change is only checked, and not stored.
    #[serde(default)]
    pub dry_run: bool,
}

/// A change of the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleChanged {
    /// The change in the unified format, as it is in the journal.
    pub diff: String,
    /// The new version of the file.
    pub revision: String,
}

/// Lists the rules of the plant.
#[utoipa::path(
    get, path = "/api/v1/alarms/rules", operation_id = "listAlarmRules", tag = "alarms",
    params(("language" = Option<String>, Query, description = "Language of the texts: en, ml or hi; en if left out")),
    responses((status = 200, description = "The rules", body = AlarmRulesAnswer), Refusals)
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["language"])?;
    let language = language(&values)?;
    let objects = service.alarms()?.objects();
    let file = Arc::clone(service.rule_file()?);
    let is_permitted = caller.identity()?.authorize(Action::EditRules, &access::Scope::Plant);
    let reason = is_permitted.err().map(|error| error.to_string());
    let reason = reason.or_else(|| file.folder().err().map(|error| error.public));
    let read = move || file.read().map(|current| current.rules);
    let rules = service.blocking.run_apart(Cost::Disk, read).await??;
    Ok(uncached(AlarmRulesAnswer {
        rules: rules.rules.iter().map(|it| rule(it, &rules, &objects, language)).collect(),
        problems: rules.problems.iter().map(|it| RuleProblem::new(it, 0)).collect(),
        revision: rules.revision,
        is_writable: reason.is_none(),
        reason,
    }))
}

/// Checks a rule without storing it.
#[utoipa::path(
    post, path = "/api/v1/alarms/rules/check", operation_id = "checkAlarmRule", tag = "alarms",
    request_body = RuleCheckRequest,
    responses((status = 200, description = "The mistakes; none if it is valid", body = RuleCheckAnswer), Refusals)
)]
pub async fn check(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<RuleCheckRequest>,
) -> Result<Response, Error> {
    PlaceFilter::new(&service, &caller)?.check_plant(Action::EditRules, &caller)?;
    let file = Arc::clone(service.rule_file()?);
    let checked = move || file.check(request.name.as_deref(), &request.toml);
    let change = service.blocking.run_apart(Cost::Disk, checked).await??;
    let (problems, diff) = (change.problems(), change.diff());
    Ok(uncached(RuleCheckAnswer { problems, diff }))
}

/// Changes a rule in the file of the plant folder. Comments and the order of the file remain.
#[utoipa::path(
    put, path = "/api/v1/alarms/rules/{name}", operation_id = "changeAlarmRule", tag = "alarms",
    params(("name" = String, Path, description = "Name of the rule; one that does not exist is added")),
    request_body = RuleRequest,
    responses((status = 200, description = "Changed", body = RuleChanged), Refusals)
)]
pub async fn change(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(name): Path<String>,
    JsonBody(request): JsonBody<RuleRequest>,
) -> Result<Response, Error> {
    PlaceFilter::new(&service, &caller)?.check_plant(Action::EditRules, &caller)?;
    let order = change::RequestedChange { service: Arc::clone(&service), caller, name, request };
    let changed = service.blocking.run_apart(Cost::Disk, move || order.execute()).await??;
    Ok(uncached(changed))
}

fn rule(
    rule: &FileRule,
    all: &AlarmRules,
    objects: &HashMap<Arc<str>, usize>,
    language: &str,
) -> AlarmRule {
    let valid = rule.rule.as_deref();
    let is_own = |it: &&Problem| !it.is_warning && it.rule.as_deref() == Some(&rule.name);
    AlarmRule {
        name: rule.name.clone(),
        line: rule.line,
        toml: rule.toml.clone(),
        priority: valid.map(|it| it.priority.number()),
        text: valid.map(|it| it.text.in_language(language).to_owned()),
        kind: valid.map(|it| it.condition.kind()),
        objects: objects.get(rule.name.as_str()).copied().unwrap_or(0),
        is_enabled: valid.is_some_and(|it| it.is_enabled),
        problem: all.problems.iter().find(is_own).map(|it| it.diagnostic.message.clone()),
    }
}

impl RuleProblem {
    /// A problem whose line is counted from after `lines_before`.
    fn new(problem: &Problem, lines_before: usize) -> Self {
        let diagnostic = &problem.diagnostic;
        Self {
            file: diagnostic.file.clone(),
            line: diagnostic.line.saturating_sub(lines_before),
            message: diagnostic.message.clone(),
            remedy: diagnostic.remedy.clone(),
            rule: problem.rule.clone(),
            is_warning: problem.is_warning,
        }
    }
}
