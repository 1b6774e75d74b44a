//! A change of a rule: checked against the version it is based on, stored, applied, and recorded.

use super::file::Change;
use super::{RuleChanged, RuleRequest, invalid};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::error::Error;
use crate::http::plant_file;
use access::audit::{Event, Kind};
use axum::http::StatusCode;
use serde_json::json;
use std::sync::Arc;

/// A requested change.
pub struct RequestedChange {
    pub service: Arc<Service>,
    pub caller: Arc<Caller>,
    /// The rule to change.
    pub name: String,
    pub request: RuleRequest,
}

impl RequestedChange {
    /// Stores the change. The rules apply from then on; the journal of alarms and the audit log name the user.
    pub fn execute(&self) -> Result<RuleChanged, Error> {
        let Self { service, caller, name, request } = self;
        let file = service.rule_file()?;
        let folder = file.folder()?;
        let _one_at_a_time = file.lock();
        let change = file.check(Some(name), &request.toml)?;
        if file.revision(&change) != request.revision {
            let message = "the file of the rules was changed meanwhile: read the rules again";
            return Err(Error::new(StatusCode::CONFLICT, "changed_meanwhile", message));
        }
        check(&change)?;
        let diff = change.diff();
        if request.dry_run {
            return Ok(RuleChanged { diff, revision: request.revision.clone() });
        }
        let path = folder.join(config::alarms::FILE);
        plant_file::replace(&path, &change.after).map_err(Error::internal)?;
        let actor = caller.identity()?.name();
        let rules = change.loaded.rules.valid().cloned().collect();
        service.alarms()?.reload(rules, Some(actor), Some(&diff));
        let detail = json!({ "what": "alarm_rule.change", "rule": name, "diff": diff });
        let event = Event::new(Kind::Changed, actor, detail);
        let event = event.from_address(caller.peer.address);
        service.access.try_audit(event, service.now_us())?;
        Ok(RuleChanged { diff, revision: change.loaded.rules.revision })
    }
}

/// Refuses a change with a mistake: its first one.
fn check(change: &Change) -> Result<(), Error> {
    let mistake = change.problems().into_iter().find(|problem| !problem.is_warning);
    match mistake {
        None => Ok(()),
        Some(it) => Err(invalid(&format!("line {}: {}. {}", it.line, it.message, it.remedy))),
    }
}
