//! `[[person]]`: a recipient of messages.

use super::{Channel, Language, Notifications, address, read_language, read_name, read_shifts};
use crate::calendar;
use crate::diagnostic::did_you_mean;
use crate::toml_reader::TomlReader;

/// A recipient of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user name.
    pub name: String,
    pub role: Option<String>,
    /// Channels on which the person receives every message.
    pub channels: Vec<String>,
    pub language: Option<Language>,
    /// Quiet hours, plant time; `None`: those of `[notifications]`.
    pub quiet: Option<DaySpan>,
    /// Shifts in which the person is on duty; empty: always.
    pub shifts: Vec<String>,
    pub email: Option<String>,
    /// Chat of Telegram.
    pub telegram: Option<String>,
    /// Topic of ntfy.
    pub ntfy: Option<String>,
}

/// A part of every day, in minutes after midnight, plant time. It continues on the next day if its end is before
/// its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySpan {
    pub from_min: u16,
    pub to_min: u16,
}

impl DaySpan {
    /// Whether the minute of a day is in it.
    pub const fn contains(&self, minute: u16) -> bool {
        if self.from_min <= self.to_min {
            self.from_min <= minute && minute < self.to_min
        } else {
            self.from_min <= minute || minute < self.to_min
        }
    }
}

impl Person {
    /// The address on a channel; `None` if the kind needs none or the person has none.
    pub fn address(&self, channel: &Channel) -> Option<&str> {
        match channel.kind.address_key()? {
            "email" => self.email.as_deref(),
            "telegram" => self.telegram.as_deref(),
            _ => self.ntfy.as_deref(),
        }
    }
}

/// Reads one person; `None` without a valid name or a channel that reaches the person.
pub fn read(
    mut reader: TomlReader<'_, '_>,
    read: &Notifications,
    shifts: &[String],
) -> Option<Person> {
    let name = read_name(&mut reader, "person", read.people.iter().map(|it| it.name.as_str()));
    let mut person = Person {
        name: name.clone().unwrap_or_default(),
        role: reader.text("role"),
        channels: reader.texts("channels").unwrap_or_default(),
        language: read_language(&mut reader),
        quiet: quiet(&mut reader),
        shifts: read_shifts(&mut reader, "shifts", shifts),
        email: address::email(&mut reader, "email"),
        telegram: address::chat(&mut reader, "telegram"),
        ntfy: address::ntfy_topic(&mut reader, "ntfy"),
    };
    let names = std::mem::take(&mut person.channels);
    person.channels = names.into_iter().filter(|it| reaches(&reader, read, &person, it)).collect();
    if person.channels.is_empty() {
        let remedy = "Write `channels`, a list of names of [[channel]].";
        reader.note("channels", format!("nothing reaches the person `{}`", person.name), remedy);
    }
    reader.finish();
    name.filter(|_| !person.channels.is_empty()).map(|_| person)
}

/// Whether the person can be reached by a channel; if not, a mistake is noted.
fn reaches(reader: &TomlReader<'_, '_>, read: &Notifications, person: &Person, name: &str) -> bool {
    let Some(channel) = read.channel(name) else {
        let known: Vec<&str> = read.channels.iter().map(|it| it.name.as_str()).collect();
        reader.note("channels", format!("unknown channel `{name}`"), did_you_mean(name, &known));
        return false;
    };
    let Some(key) = channel.kind.address_key() else { return true };
    let has_address = person.address(channel).is_some();
    if !has_address {
        let message = format!("the channel `{name}` needs an address of the person");
        reader.note("channels", message, format!("Add `{key}`."));
    }
    has_address
}

/// The quiet hours of a table.
pub fn quiet(reader: &mut TomlReader<'_, '_>) -> Option<DaySpan> {
    let text = reader.text("quiet")?;
    let ends = text.split_once('-').and_then(|(from, to)| {
        let (from_min, to_min) = (calendar::minute(from.trim())?, calendar::minute(to.trim())?);
        (from_min != to_min).then_some(DaySpan { from_min, to_min })
    });
    if ends.is_none() {
        let remedy = "Write a part of the day such as \"22:00-06:00\", plant time.";
        reader.note("quiet", format!("invalid quiet hours `{text}`"), remedy);
    }
    ends
}
