//! Decides who receives a message about a transition, without I/O.

use super::facts::Facts;
use super::message::{self, Message};
use super::row::{CHANNEL_PREFIX, NewEscalation, NewNotification, NotificationKind};
use crate::Alarm;
use config::notifications::{Channel, DaySpan, Language, Notifications, Person, Route, Target};
use plant::alarm::{AlarmEvent, Glob, Priority, State, Transition};
use plant::calendar::Calendar;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;

const MINUTE_US: i64 = 60_000_000;
const DAY_MIN: i64 = 24 * 60;

/// Decides who receives a message about a transition, by the routes and the calendar of the plant.
#[derive(Debug, Clone)]
pub struct NotificationPlanner {
    pub(super) notifications: Arc<Notifications>,
    pub(super) calendar: Arc<Calendar>,
    /// Address of the pages, for links.
    pub(super) public_url: Option<Url>,
}

/// What a transition leads to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planned {
    pub notifications: Vec<NewNotification>,
    pub escalations: Vec<NewEscalation>,
}

/// One way to reach a recipient.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipient {
    /// Name of the channel.
    pub channel: String,
    /// Name of a person, or `channel:NAME`.
    pub name: String,
}

impl NotificationPlanner {
    pub fn new(
        notifications: Arc<Notifications>,
        calendar: Arc<Calendar>,
        public_url: Option<Url>,
    ) -> Self {
        Self { notifications, calendar, public_url }
    }

    /// Address of the pages, for links.
    pub fn public_url(&self) -> Option<&Url> {
        self.public_url.as_ref()
    }

    /// The calendar of the plant.
    pub fn calendar(&self) -> &Arc<Calendar> {
        &self.calendar
    }

    /// The address of a recipient on a channel, as configured now; `None` for the channel itself or if the
    /// channel needs none.
    ///
    /// # Errors
    /// The person is not configured any more.
    pub fn address_of(&self, channel: &Channel, recipient: &str) -> Result<Option<&str>, String> {
        if recipient.starts_with(CHANNEL_PREFIX) {
            return Ok(None);
        }
        let missing = || format!("alarms.toml has no person `{recipient}` any more");
        let person = self.notifications.person(recipient).ok_or_else(missing)?;
        Ok(person.address(channel))
    }

    /// The configuration in use.
    pub fn notifications(&self) -> &Arc<Notifications> {
        &self.notifications
    }

    /// The messages and escalations of a transition. `now_us` is the time of the program.
    pub fn plan(&self, event: &AlarmEvent, alarm: &Alarm, now_us: i64) -> Planned {
        let Some(kind) = kind(event) else { return Planned::default() };
        let shift = self.shift(now_us);
        let is_wanted = |route: &&Route| kind == NotificationKind::Alarm || route.is_return_sent;
        let routes = self.notifications.routes.iter().filter(is_wanted);
        let routes: Vec<&Route> = routes.filter(|route| applies(route, event, shift)).collect();
        if routes.is_empty() {
            return Planned::default();
        }
        let facts = Facts::new(event, alarm);
        let targets = routes.iter().flat_map(|route| &route.to);
        let notifications = self.address(kind, &facts, targets, None, now_us);
        let escalations = match kind {
            NotificationKind::Alarm => escalations(&routes, &facts, now_us),
            _ => Vec::new(),
        };
        Planned { notifications, escalations }
    }

    /// One message about an alarm to each recipient that the targets name. `step` is the step of an escalation.
    pub(super) fn address<'t>(
        &self,
        kind: NotificationKind,
        facts: &Facts,
        targets: impl Iterator<Item = &'t Target>,
        step: Option<i64>,
        now_us: i64,
    ) -> Vec<NewNotification> {
        let recipients: BTreeSet<Recipient> =
            targets.flat_map(|target| self.recipients(target, now_us)).collect();
        let data = facts.to_json();
        let new = |recipient: Recipient| {
            let language = self.language(&recipient);
            let message = message::about_alarm(kind, facts, language, &self.calendar);
            let about = About {
                kind,
                event_number: facts.number,
                occurrence: facts.occurrence,
                priority: facts.priority(),
                data: data.clone(),
                identity: format!(
                    "{}/{}/{}/{}",
                    facts.at_us,
                    facts.number,
                    kind.as_str(),
                    step.unwrap_or(0)
                ),
            };
            self.new_notification(about, &recipient, message, now_us)
        };
        recipients.into_iter().map(new).collect()
    }

    /// A message that is due now, or at the end of the recipient's quiet hours.
    pub(super) fn new_notification(
        &self,
        about: About,
        recipient: &Recipient,
        message: Message,
        now_us: i64,
    ) -> NewNotification {
        let quiet_until = self.quiet_until(&recipient.name, about.priority, now_us);
        let idempotency_key = key(&about.identity, recipient);
        NewNotification {
            event_number: about.event_number,
            occurrence: about.occurrence,
            channel: recipient.channel.clone(),
            recipient: recipient.name.clone(),
            kind: about.kind,
            priority: about.priority,
            language: self.language(recipient),
            subject: message.subject,
            body: message.body,
            data: about.data,
            queued_at_us: now_us,
            due_at_us: quiet_until.unwrap_or(now_us),
            idempotency_key,
        }
    }

    /// The ways to reach a target now.
    pub fn recipients(&self, target: &Target, now_us: i64) -> Vec<Recipient> {
        let people = &self.notifications.people;
        match target {
            Target::Person(name) => {
                people.iter().filter(|person| person.name == *name).flat_map(ways).collect()
            }
            Target::Role(role) => {
                let shift = self.shift(now_us);
                let holders = || people.iter().filter(|it| it.role.as_ref() == Some(role));
                let on_duty: Vec<Recipient> =
                    holders().filter(|person| is_on_duty(person, shift)).flat_map(ways).collect();
                // Without a person on duty, all receive it: an alarm must not be lost in a gap of the plan.
                if on_duty.is_empty() { holders().flat_map(ways).collect() } else { on_duty }
            }
            Target::Channel(name) => {
                let recipient = format!("{CHANNEL_PREFIX}{name}");
                vec![Recipient { channel: name.clone(), name: recipient }]
            }
        }
    }

    /// The end of the quiet hours of a recipient, if they apply to the priority and are running.
    pub fn quiet_until(&self, name: &str, priority: Priority, now_us: i64) -> Option<i64> {
        let person = self.notifications.person(name)?;
        let quiet = person.quiet.or(self.notifications.quiet)?;
        if priority == Priority::P1 {
            return None;
        }
        let minute = self.calendar.local_parts(now_us).minute_of_day;
        quiet.contains(minute).then(|| end_of(quiet, minute, now_us))
    }

    /// The language of messages to a recipient.
    pub fn language(&self, recipient: &Recipient) -> Language {
        let own = match recipient.name.strip_prefix(CHANNEL_PREFIX) {
            Some(channel) => self.notifications.channel(channel).and_then(|it| it.language),
            None => self.notifications.person(&recipient.name).and_then(|it| it.language),
        };
        own.unwrap_or(self.notifications.language)
    }

    /// Name of the running shift; `None` outside of shifts.
    fn shift(&self, now_us: i64) -> Option<&str> {
        let number = self.calendar.local_parts(now_us).shift?;
        self.calendar.shifts().get(usize::from(number)).map(|shift| shift.name.as_str())
    }
}

/// What a new message is about.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub kind: NotificationKind,
    pub event_number: i64,
    pub occurrence: i64,
    pub priority: Priority,
    pub data: String,
    /// Text that is different for everything messages are about.
    pub identity: String,
}

/// The kind of message that a transition leads to.
fn kind(event: &AlarmEvent) -> Option<NotificationKind> {
    match event.transition {
        Transition::Raised => Some(NotificationKind::Alarm),
        Transition::ShelvingExpired if event.to == State::Unacknowledged => {
            Some(NotificationKind::Alarm)
        }
        Transition::Returned => Some(NotificationKind::Returned),
        // An alarm that was acknowledged before returns to normal at once.
        Transition::Cleared if event.from == State::Acknowledged => {
            Some(NotificationKind::Returned)
        }
        _ => None,
    }
}

fn applies(route: &Route, event: &AlarmEvent, shift: Option<&str>) -> bool {
    let names = |globs: &[Glob], name: &str| {
        globs.is_empty() || globs.iter().any(|glob| glob.matches(name))
    };
    (route.priorities.is_empty() || route.priorities.contains(&event.priority))
        && names(&route.rules, &event.key.rule)
        && names(&route.objects, &event.key.object)
        && (route.shifts.is_empty()
            || shift.is_some_and(|it| route.shifts.iter().any(|own| own == it)))
}

/// The steps of the routes; a recipient of several at the same time is in one.
fn escalations(routes: &[&Route], facts: &Facts, now_us: i64) -> Vec<NewEscalation> {
    let mut steps: Vec<(i64, BTreeSet<&Target>)> = Vec::new();
    for step in routes.iter().flat_map(|route| &route.escalate) {
        match steps.iter_mut().find(|(after_us, _)| *after_us == step.after_us) {
            Some((_, targets)) => targets.extend(&step.to),
            None => steps.push((step.after_us, step.to.iter().collect())),
        }
    }
    let new = |(after_us, targets): (i64, BTreeSet<&Target>)| {
        let targets: Vec<String> = targets.into_iter().map(Target::to_string).collect();
        NewEscalation {
            event_number: facts.number,
            occurrence: facts.occurrence,
            recipients: serde_json::to_string(&targets).unwrap_or_default(),
            data: facts.to_json(),
            due_at_us: now_us.saturating_add(after_us),
        }
    };
    steps.into_iter().map(new).collect()
}

fn is_on_duty(person: &Person, shift: Option<&str>) -> bool {
    person.shifts.is_empty() || shift.is_some_and(|it| person.shifts.iter().any(|own| own == it))
}

fn ways(person: &Person) -> impl Iterator<Item = Recipient> {
    let way = |channel: &String| Recipient { channel: channel.clone(), name: person.name.clone() };
    person.channels.iter().map(way)
}

/// When the span that contains `minute` ends.
fn end_of(span: DaySpan, minute: u16, now_us: i64) -> i64 {
    let minutes = (i64::from(span.to_min) - i64::from(minute)).rem_euclid(DAY_MIN);
    let minute_began_us = now_us - now_us.rem_euclid(MINUTE_US);
    minute_began_us.saturating_add(minutes * MINUTE_US)
}

/// A key that is the same for every attempt and for no other message.
fn key(identity: &str, recipient: &Recipient) -> String {
    let text = format!("{identity}\n{}\n{}", recipient.channel, recipient.name);
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}
