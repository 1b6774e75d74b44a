//! `[notifications]`, `[[channel]]`, `[[person]]` and `[[route]]` of `alarms.toml`: who is notified of which
//! alarm, and how.
//!
//! A channel, person or route with a mistake is noted and left out; the others work.

pub(crate) mod address;
mod channel;
mod person;
mod route;
#[cfg(test)]
mod tests;

pub use address::UrlRef;
pub use channel::{Channel, ChannelKind, Email, EmailSecurity, Mqtt, Ntfy, Telegram, Webhook};
pub use person::{DaySpan, Person};
pub use route::{Escalation, Route, Target};

pub(crate) use channel::KINDS as CHANNEL_KINDS;
pub(crate) use channel::SECURITIES as EMAIL_SECURITIES;

use crate::diagnostic::did_you_mean;
use crate::network::AddressRange;
use crate::outgoing::OutgoingPolicy;
use crate::settings::NotificationLimits;
use crate::toml_reader::TomlReader;

/// The part of `alarms.toml` about notifications.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notifications {
    /// Language of messages to recipients that have none.
    pub language: Language,
    /// Quiet hours of people who have none, plant time.
    pub quiet: Option<DaySpan>,
    pub limits: NotificationLimits,
    /// Addresses that HTTP channels may connect to.
    pub outgoing: OutgoingPolicy,
    pub channels: Vec<Channel>,
    pub people: Vec<Person>,
    pub routes: Vec<Route>,
}

/// Language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub enum Language {
    #[default]
    English,
    Malayalam,
    Hindi,
}

/// The codes of the languages in ISO 639-1.
pub(crate) const LANGUAGES: [&str; 3] = ["en", "ml", "hi"];

impl Language {
    pub const ALL: [Self; 3] = [Self::English, Self::Malayalam, Self::Hindi];

    /// Its code in ISO 639-1.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => LANGUAGES[0],
            Self::Malayalam => LANGUAGES[1],
            Self::Hindi => LANGUAGES[2],
        }
    }

    /// The language of a code; `None` if it is not supported.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == code)
    }
}

impl Notifications {
    /// The channel of this name.
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// The person of this name.
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }
}

/// Reads the notifications among the keys of `alarms.toml`; `reader` reads its root table. Names of shifts
/// are compared with `shifts`, the plant's, unless it is empty.
pub fn read(reader: &mut TomlReader<'_, '_>, shifts: &[String]) -> Notifications {
    let mut notifications = Notifications::default();
    if let Some(table) = reader.table("notifications") {
        read_settings(table, &mut notifications);
    }
    let outgoing = &notifications.outgoing;
    let mut channels = Vec::new();
    for table in reader.tables("channel") {
        channels.extend(channel::read(table, outgoing, &channels));
    }
    notifications.channels = channels;
    for table in reader.tables("person") {
        let person = person::read(table, &notifications, shifts);
        notifications.people.extend(person);
    }
    for (number, table) in (1..).zip(reader.tables("route")) {
        let route = route::read(table, number, &notifications, shifts);
        notifications.routes.extend(route);
    }
    notifications
}

fn read_settings(mut reader: TomlReader<'_, '_>, notifications: &mut Notifications) {
    notifications.language = read_language(&mut reader).unwrap_or_default();
    notifications.quiet = person::quiet(&mut reader);
    notifications.limits.read(&mut reader);
    let mut ranges: Vec<AddressRange> = Vec::new();
    for text in reader.texts("allow").unwrap_or_default() {
        match text.parse() {
            Ok(range) => ranges.push(range),
            Err(_) => {
                let remedy = "Write address ranges such as \"10.0.0.0/8\".";
                reader.note("allow", format!("invalid address range `{text}`"), remedy);
            }
        }
    }
    notifications.outgoing = OutgoingPolicy::new(ranges);
    reader.finish();
}

fn read_language(reader: &mut TomlReader<'_, '_>) -> Option<Language> {
    let code = reader.text("language")?;
    let language = Language::from_code(&code);
    if language.is_none() {
        reader.note(
            "language",
            format!("invalid language `{code}`"),
            did_you_mean(&code, &LANGUAGES),
        );
    }
    language
}

/// Whether a name is one: 1 to 128 ASCII letters, digits and `. _ - @ +`, as user names are.
fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Remedy for an invalid name.
const NAME_REMEDY: &str = "Write 1 to 128 letters a to z, digits and . _ - @ +";

/// The required name of a table, which is not among `taken`.
fn read_name<'n>(
    reader: &mut TomlReader<'_, '_>,
    what: &str,
    mut taken: impl Iterator<Item = &'n str>,
) -> Option<String> {
    let name = reader.required("name", "Give it a unique name.")?;
    if !is_name(&name) {
        reader.note("name", format!("invalid name of a {what} `{name}`"), NAME_REMEDY);
        return None;
    }
    if taken.any(|other| other == name) {
        let message = format!("two of the kind {what} are named `{name}`");
        reader.note("name", message, "Give one of them another name.");
        return None;
    }
    Some(name)
}

/// The shifts under `key`; unknown ones are noted and left out.
fn read_shifts(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    known: &[String],
) -> Vec<String> {
    let mut shifts = reader.texts(key).unwrap_or_default();
    shifts.retain(|name| {
        let is_known = known.is_empty() || known.contains(name);
        if !is_known {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            reader.note(key, format!("unknown shift `{name}`"), did_you_mean(name, &known));
        }
        is_known
    });
    shifts
}
