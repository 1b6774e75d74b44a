//! Which alarms a caller sees, and what the caller may do with them.

use super::operation::Operation;
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::error::Error;
use crate::http::visibility::find_scope;
use access::audit::Event;
use access::{Action, Granted, Identity, Scope};
use plant::alarm::Place;
use std::sync::Arc;

/// The rights of a caller by the places of alarms.
#[derive(Clone)]
pub struct PlaceFilter {
    service: Arc<Service>,
    identity: Identity,
    /// Whether the caller sees the alarms of all places.
    sees_everything: bool,
}

impl PlaceFilter {
    /// The rights that `caller` has now.
    pub fn new(service: &Arc<Service>, caller: &Caller) -> Result<Self, Error> {
        let identity = caller.identity()?.clone();
        let sees_everything = identity.granted(Action::FollowLive) == Granted::Everywhere;
        Ok(Self { service: Arc::clone(service), identity, sees_everything })
    }

    /// Whether the caller has a permission at a place.
    pub fn allows(&self, action: Action, place: &Place) -> bool {
        self.identity.rights().allows(action, &self.scope(place))
    }

    /// Whether the caller sees an alarm at a place.
    pub fn is_visible(&self, place: &Place) -> bool {
        self.sees_everything || self.allows(Action::FollowLive, place)
    }

    /// The alarm, if the caller sees it; otherwise it does not exist for the caller.
    pub fn visible(&self, alarm: Option<watch::Alarm>) -> Result<watch::Alarm, Error> {
        alarm.filter(|alarm| self.is_visible(&alarm.place)).ok_or_else(super::not_found)
    }

    /// Refuses a command that the caller has no permission for at a place.
    pub fn check(&self, action: Action, place: &Place, caller: &Caller) -> Result<(), Error> {
        self.authorize(action, &self.scope(place), caller)
    }

    /// Refuses what concerns the whole plant without the permission in the whole plant.
    pub fn check_plant(&self, action: Action, caller: &Caller) -> Result<(), Error> {
        self.authorize(action, &Scope::Plant, caller)
    }

    fn authorize(&self, action: Action, scope: &Scope, caller: &Caller) -> Result<(), Error> {
        self.identity.authorize(action, scope).inspect_err(|_| {
            let event = Event::denied(self.identity.name(), action, scope);
            let now_us = self.service.now_us();
            self.service.access.audit(event.from_address(caller.peer.address), now_us);
        })?;
        Ok(())
    }

    /// Names of the commands that the caller may give about an alarm in its present state.
    pub fn permitted(&self, alarm: &watch::Alarm) -> Vec<&'static str> {
        let scope = self.scope(&alarm.place);
        let is_permitted = |it: &Operation| {
            self.identity.rights().allows(it.action(), &scope) && it.is_possible(alarm)
        };
        Operation::ALL.into_iter().filter(is_permitted).map(Operation::as_str).collect()
    }

    /// A text that differs between the rights of callers.
    pub fn fingerprint(&self) -> String {
        format!("{:?}", self.identity.rights())
    }

    fn scope(&self, place: &Place) -> Scope {
        find_scope(place, self.service.lake.equipment())
    }
}
