//! The alarm that a command is about, and the user who gives it.

use crate::http::Service;
use crate::http::alarms::dto::{Alarm, language};
use crate::http::alarms::operation::Operation;
use crate::http::alarms::{AlarmRef, PlaceFilter, invalid, not_found, uncached};
use crate::http::authorization::{Caller, Cost};
use crate::http::error::Error;
use crate::http::query::parameters;
use access::audit::{Event, Kind};
use axum::Extension;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;
use watch::{Actor, Command};

/// A command before it is given.
#[derive(Clone)]
pub struct Target {
    pub service: Arc<Service>,
    caller: Arc<Caller>,
    reference: AlarmRef,
    /// Of the texts of the answer.
    language: &'static str,
}

impl FromRequestParts<Arc<Service>> for Target {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Error> {
        let id = Path::<String>::from_request_parts(parts, service).await;
        let Path(id) = id.map_err(|_no_text| not_found())?;
        let caller = Extension::<Arc<Caller>>::from_request_parts(parts, service).await;
        let Extension(caller) = caller.map_err(|error| Error::internal(error.into()))?;
        let values = parameters(parts.uri.query(), &["language"])?;
        let language = language(&values)?;
        Ok(Self { language, ..Self::new(service, &caller, AlarmRef::parse(&id)?) })
    }
}

impl Target {
    /// An alarm, for a user.
    pub fn new(service: &Arc<Service>, caller: &Arc<Caller>, reference: AlarmRef) -> Self {
        let (service, caller) = (Arc::clone(service), Arc::clone(caller));
        Self { service, caller, reference, language: "en" }
    }

    /// A text that a person has to write, without white space around it.
    pub fn text(&self, name: &str, text: String) -> Result<String, Error> {
        let most = self.service.limits.alarm_text_chars;
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.chars().count() > most {
            return Err(invalid(&format!("invalid {name}: expected 1 to {most} characters")));
        }
        Ok(trimmed.to_owned())
    }

    /// A text that may be left out; an empty one is left out.
    pub fn optional_text(&self, name: &str, text: Option<String>) -> Result<Option<String>, Error> {
        let given = text.filter(|text| !text.trim().is_empty());
        given.map(|text| self.text(name, text)).transpose()
    }

    /// Gives a command and responds with the alarm after it.
    pub async fn give(
        self,
        operation: Operation,
        command: impl FnOnce(&Self) -> Result<Command, Error> + Send + 'static,
    ) -> Result<Response, Error> {
        let places = PlaceFilter::new(&self.service, &self.caller)?;
        let language = self.language;
        let alarm = self.apply(operation, command).await?;
        Ok(uncached(Alarm::new(&alarm, &places, language)))
    }

    /// Gives a command, which is made after the permission was checked: journaled by the alarms, and recorded
    /// in the audit log.
    pub async fn apply(
        self,
        operation: Operation,
        command: impl FnOnce(&Self) -> Result<Command, Error> + Send + 'static,
    ) -> Result<watch::Alarm, Error> {
        let service = Arc::clone(&self.service);
        let call = move || self.apply_blocking(operation, command);
        service.blocking.run_apart(Cost::Disk, call).await?
    }

    fn apply_blocking(
        &self,
        operation: Operation,
        command: impl FnOnce(&Self) -> Result<Command, Error>,
    ) -> Result<watch::Alarm, Error> {
        let Self { service, caller, reference, .. } = self;
        let (alarms, places) = (service.alarms()?, PlaceFilter::new(service, caller)?);
        let alarm = places.visible(reference.find(alarms)?)?;
        places.check(operation.action(), &alarm.place, caller)?;
        let command = command(self)?;
        let actor = Actor::new(caller.identity()?.name());
        let now_us = service.now_us();
        let after = alarms.command(&actor, &reference.to_string(), command)?;
        let detail = json!({
            "what": format!("alarm.{}", operation.as_str()),
            "alarm": alarm.id,
            "rule": &*alarm.key.rule,
            "object": &*alarm.key.object,
        });
        let event = Event::new(Kind::Changed, &actor.name, detail);
        service.access.try_audit(event.from_address(caller.peer.address), now_us)?;
        Ok(after)
    }
}
