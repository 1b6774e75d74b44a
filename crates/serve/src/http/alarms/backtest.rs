//! A rule tried out on the past, before it is changed.

use super::dto::JournalEntry;
use super::{PlaceFilter, invalid, uncached};
use crate::http::Service;
use crate::http::authorization::{Caller, Cost};
use crate::http::body::JsonBody;
use crate::http::concurrency::Deadline;
use crate::http::error::{Error, Refusals};
use crate::http::history::parse_time;
use crate::http::temperatures::rfc3339;
use access::Action;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use plant::alarm::Rule;
use plant::time::{DAY_S, SECOND_US};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use watch::backtest::{BacktestReport, BacktestRequest, Compared, Day, Suggestion};

/// The longest period.
const PERIOD_US_MAX: i64 = 400 * DAY_S * SECOND_US;
/// Events of an answer.
const EVENTS_MAX: usize = 500;

/// What to try out: a rule as it is written, or the one in use with a name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrialRequest {
    /// One `[[rule]]`. It is compared with the rule in use of the same name.
    #[serde(default)]
    pub toml: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    /// Begin of the period (RFC 3339).
    pub from: String,
    /// End of the period (RFC 3339).
    pub to: String,
}

/// The alarms that a rule would have raised, beside those of the rule in use.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trial {
    /// Readings that were evaluated.
    pub readings: u64,
    pub alarms: usize,
    pub alarms_before: usize,
    pub per_day: Vec<TrialDay>,
    pub floods: usize,
    pub floods_before: usize,
    /// Alarms that chatter.
    pub chattering: usize,
    /// By how much the first alarm comes later; negative if earlier.
    pub first_delay_s: Option<f64>,
    /// Alarms of the rule in use that this one does not raise.
    pub missed: Vec<TrialAlarm>,
    /// Alarms that only this rule raises.
    pub added: Vec<TrialAlarm>,
    /// Alarms that both raise, with their delays.
    pub kept: Vec<TrialAlarm>,
    pub suggestion: Option<TrialSuggestion>,
    /// The first 500 journal entries.
    pub events: Vec<JournalEntry>,
    /// Whether the condition cannot be tried out: only those on sensors can.
    pub is_not_replayable: bool,
}

/// The alarms of a day of the plant.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialDay {
    #[schema(format = Date)]
    pub day: String,
    pub alarms: usize,
    pub alarms_before: usize,
}

/// An alarm of one of the rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialAlarm {
    pub rule: String,
    pub object: String,
    #[schema(format = DateTime)]
    pub at: String,
    #[schema(minimum = 1, maximum = 4)]
    pub priority: u8,
    pub value: Option<f64>,
    /// By how much it comes later than that of the rule in use.
    pub delay_s: Option<f64>,
}

/// A deadband and an on-delay with fewer alarms.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialSuggestion {
    pub deadband: f64,
    pub on_delay_s: f64,
    pub text: String,
}

/// Tries a rule out on the readings of the lake.
#[utoipa::path(
    post, path = "/api/v1/alarms/backtest", operation_id = "tryAlarmRule", tag = "alarms",
    request_body = TrialRequest,
    responses((status = 200, description = "The alarms", body = Trial), Refusals)
)]
pub async fn backtest(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    JsonBody(request): JsonBody<TrialRequest>,
) -> Result<Response, Error> {
    PlaceFilter::new(&service, &caller)?.check_plant(Action::EditRules, &caller)?;
    let (from_us, to_us) = (parse_time("from", &request.from)?, parse_time("to", &request.to)?);
    if !(1..=PERIOD_US_MAX).contains(&to_us.saturating_sub(from_us)) {
        return Err(invalid("invalid from: expected a time before `to`, by 400 days at most"));
    }
    let alarms = service.alarms()?.clone();
    let rule = find_rule(&service, &request).await?;
    let in_use = alarms.rules();
    let before = in_use.iter().filter(|it| it.name == rule.name).cloned().collect();
    let request = BacktestRequest { rules: vec![rule], before, from_us, to_us, suggests: true };
    let _permit = service.backtests.take(&service.limits).await?;
    let mut deadline = Deadline::after(service.limits.backtest_time);
    let report = deadline.within(Box::pin(alarms.backtest(&request))).await??;
    Ok(uncached(Trial::from(report)))
}

/// The rule to try out.
async fn find_rule(service: &Arc<Service>, request: &TrialRequest) -> Result<Arc<Rule>, Error> {
    match (&request.toml, &request.name) {
        (Some(toml), None) => {
            let (file, toml) = (Arc::clone(service.rule_file()?), toml.clone());
            let checked = move || file.check(None, &toml);
            service.blocking.run_apart(Cost::Disk, checked).await??.valid_rule()
        }
        (None, Some(name)) => {
            let in_use = service.alarms()?.rules();
            let found = in_use.iter().find(|rule| *rule.name == **name).cloned();
            found.ok_or_else(|| invalid(&format!("invalid name `{name}`: expected a rule in use")))
        }
        _ => Err(invalid("expected either `toml` or `name`")),
    }
}

fn seconds(us: i64) -> f64 {
    us as f64 / SECOND_US as f64
}

impl From<BacktestReport> for Trial {
    fn from(report: BacktestReport) -> Self {
        Self {
            readings: report.readings,
            alarms: report.alarms,
            alarms_before: report.alarms_before,
            per_day: report.per_day.iter().map(TrialDay::from).collect(),
            floods: report.floods,
            floods_before: report.floods_before,
            chattering: report.chattering,
            first_delay_s: report.first_delay_us.map(seconds),
            missed: report.missed.iter().map(TrialAlarm::from).collect(),
            added: report.added.iter().map(TrialAlarm::from).collect(),
            kept: report.kept.iter().map(TrialAlarm::from).collect(),
            suggestion: report.suggestion.as_ref().map(TrialSuggestion::from),
            events: report.events.iter().take(EVENTS_MAX).map(JournalEntry::from).collect(),
            is_not_replayable: !report.not_replayed.is_empty(),
        }
    }
}

impl From<&Day> for TrialDay {
    fn from(day: &Day) -> Self {
        let (alarms, alarms_before) = (day.alarms, day.alarms_before);
        Self { day: day.day.to_string(), alarms, alarms_before }
    }
}

impl From<&Compared> for TrialAlarm {
    fn from(alarm: &Compared) -> Self {
        Self {
            rule: alarm.key.rule.to_string(),
            object: alarm.key.object.to_string(),
            at: rfc3339(alarm.at_us),
            priority: alarm.priority.number(),
            value: alarm.value,
            delay_s: alarm.delay_us.map(seconds),
        }
    }
}

impl From<&Suggestion> for TrialSuggestion {
    fn from(suggestion: &Suggestion) -> Self {
        Self {
            deadband: suggestion.deadband,
            on_delay_s: seconds(suggestion.on_delay_us),
            text: suggestion.text.clone(),
        }
    }
}
