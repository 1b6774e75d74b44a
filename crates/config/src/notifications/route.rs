//! `[[route]]`: which alarms go to whom, and what follows without an acknowledgement.

use super::{Notifications, read_shifts};
use crate::alarms::duration_us;
use crate::diagnostic::did_you_mean;
use crate::toml_reader::TomlReader;
use plant::alarm::{Glob, Priority};
use std::fmt;

/// Which alarms go to whom. Every route that matches an alarm applies; a recipient of several gets one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub name: String,
    /// Priorities; empty: all.
    pub priorities: Vec<Priority>,
    /// Rules by name; empty: all.
    pub rules: Vec<Glob>,
    /// Objects by name; empty: all.
    pub objects: Vec<Glob>,
    /// Shifts in which the route applies; empty: always.
    pub shifts: Vec<String>,
    pub to: Vec<Target>,
    /// Whether the end of an alarm is notified too.
    pub is_return_sent: bool,
    /// Further recipients without an acknowledgement, in the order of time.
    pub escalate: Vec<Escalation>,
}

/// Recipients of an alarm that was not acknowledged in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Time after the alarm was raised.
    pub after_us: i64,
    pub to: Vec<Target>,
}

/// A recipient as a route names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Person(String),
    /// `role:NAME`: those with the role who are on duty, or all of them if none is.
    Role(String),
    /// `channel:NAME`: the channel itself.
    Channel(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => f.write_str(name),
            Self::Role(name) => write!(f, "role:{name}"),
            Self::Channel(name) => write!(f, "channel:{name}"),
        }
    }
}

impl From<&str> for Target {
    /// Reads the text form, without checking that the recipient exists.
    fn from(text: &str) -> Self {
        match text.split_once(':') {
            Some(("role", name)) => Self::Role(name.to_owned()),
            Some(("channel", name)) => Self::Channel(name.to_owned()),
            _ => Self::Person(text.to_owned()),
        }
    }
}

const TO_REMEDY: &str = "Write names of [[person]], \"role:NAME\" or \"channel:NAME\".";

/// Reads the route with this number; `None` if no recipient of it is valid.
pub fn read(
    mut reader: TomlReader<'_, '_>,
    number: usize,
    read: &Notifications,
    shifts: &[String],
) -> Option<Route> {
    let name = reader.text("name").unwrap_or_else(|| format!("route {number}"));
    let priorities = priorities(&mut reader);
    let rules = globs(reader.texts("rules"));
    let objects = globs(reader.texts("objects"));
    let shifts = read_shifts(&mut reader, "shifts", shifts);
    let to = targets(&mut reader, read);
    let is_return_sent = reader.flag("returned").unwrap_or(false);
    let mut escalate = Vec::new();
    for table in reader.tables("escalate") {
        escalate.extend(escalation(table, read));
    }
    escalate.sort_by_key(|step| step.after_us);
    reader.finish();
    let (priorities, is_used) = (priorities?, !to.is_empty() || !escalate.is_empty());
    is_used.then_some(Route {
        name,
        priorities,
        rules,
        objects,
        shifts,
        to,
        is_return_sent,
        escalate,
    })
}

/// The priorities of a route. A route with an invalid one is left out, because it would apply to other alarms.
fn priorities(reader: &mut TomlReader<'_, '_>) -> Option<Vec<Priority>> {
    let numbers = reader.numbers("priorities").unwrap_or_default();
    let mut priorities = Vec::new();
    for number in numbers {
        match i64::try_from(number).ok().and_then(Priority::from_number) {
            Some(priority) => priorities.push(priority),
            None => {
                let message = format!("invalid priority `{number}`");
                reader.note("priorities", message, "Write numbers from 1 to 4.");
                return None;
            }
        }
    }
    Some(priorities)
}

fn globs(texts: Option<Vec<String>>) -> Vec<Glob> {
    texts.unwrap_or_default().iter().map(|text| Glob::new(text)).collect()
}

fn escalation(mut reader: TomlReader<'_, '_>, read: &Notifications) -> Option<Escalation> {
    let remedy = "Write a time such as \"5 min\".";
    let after = reader.required("after", remedy);
    let after_us = after.as_deref().and_then(duration_us).filter(|it| *it > 0);
    if let Some(text) = after.filter(|_| after_us.is_none()) {
        reader.note("after", format!("invalid time `{text}`"), remedy);
    }
    let to = targets(&mut reader, read);
    reader.finish();
    after_us.filter(|_| !to.is_empty()).map(|after_us| Escalation { after_us, to })
}

/// The recipients under `to`; invalid ones are noted and left out.
fn targets(reader: &mut TomlReader<'_, '_>, read: &Notifications) -> Vec<Target> {
    if !reader.has("to") {
        drop(reader.required("to", TO_REMEDY));
        return Vec::new();
    }
    let mut targets = Vec::new();
    for text in reader.texts("to").unwrap_or_default() {
        match target(&text, read) {
            Ok(target) => targets.push(target),
            Err((message, remedy)) => reader.note("to", message, remedy),
        }
    }
    targets
}

/// The recipient of a text, or the mistake and its remedy.
fn target(text: &str, read: &Notifications) -> Result<Target, (String, String)> {
    let target = Target::from(text);
    match &target {
        Target::Role(role) => {
            let roles: Vec<&str> = read.people.iter().filter_map(|it| it.role.as_deref()).collect();
            if !roles.contains(&role.as_str()) {
                return Err((
                    format!("no person has the role `{role}`"),
                    did_you_mean(role, &roles),
                ));
            }
        }
        Target::Channel(name) => check_channel(name, read)?,
        Target::Person(name) => {
            let names: Vec<&str> = read.people.iter().map(|it| it.name.as_str()).collect();
            if !names.contains(&name.as_str()) {
                let remedy = format!("{} {TO_REMEDY}", did_you_mean(name, &names));
                return Err((format!("unknown person `{name}`"), remedy));
            }
        }
    }
    Ok(target)
}

/// Fails unless the channel can be a recipient itself.
fn check_channel(name: &str, read: &Notifications) -> Result<(), (String, String)> {
    let names: Vec<&str> = read.channels.iter().map(|it| it.name.as_str()).collect();
    let channel = read.channel(name);
    let channel =
        channel.ok_or_else(|| (format!("unknown channel `{name}`"), did_you_mean(name, &names)))?;
    if !channel.kind.has_own_recipient() {
        let message = format!("the channel `{name}` has no recipient of its own");
        let remedy = "Add `to`, `chat` or `topic` to the channel, or write the names of people.";
        return Err((message, remedy.to_owned()));
    }
    Ok(())
}
