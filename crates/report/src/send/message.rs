//! The message about an issued report.

use super::words::{Words, words};
use crate::differences::{Difference, FigureChange};
use crate::issue::period::media_type;
use crate::issue::record::{Delivery, IssuedFile, IssuedReport};
use chrono::DateTime;
use config::notifications::{Channel, ChannelKind, Language};
use plant::alarm::Priority;
use plant::calendar::Calendar;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use watch::notify::{Attachment, NotificationPlanner, Outgoing};

/// Differences that a message lists; the page lists the others.
const DIFFERENCES_MAX: usize = 20;
/// Longest line of a message in characters.
const LINE_CHARS_MAX: usize = 200;

/// The message of a delivery on a channel. Files of more than `bytes_max` together are left out.
///
/// # Errors
/// The person is not configured any more.
pub(super) fn outgoing(
    planner: &NotificationPlanner,
    channel: &Channel,
    delivery: &Delivery,
    issued: &IssuedReport,
    files: &[IssuedFile],
    bytes_max: u64,
    now_us: i64,
) -> Result<Outgoing, String> {
    let content = &delivery.content;
    let address = match &content.address {
        Some(address) => Some(address.as_str()),
        None => planner.address_of(channel, &content.recipient)?,
    };
    let is_mail = matches!(channel.kind, ChannelKind::Email(_));
    let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    let is_attached = is_mail && bytes as u64 <= bytes_max;
    let language = language(planner, &content.recipient, issued);
    let words = words(language);
    let mut body = body(issued, words, planner.calendar());
    if is_mail && !is_attached {
        body.push_str(words.too_large);
        body.push('\n');
    }
    Ok(Outgoing {
        key: key(delivery),
        kind: "report",
        occurrence: 0,
        priority: Priority::P4,
        language,
        recipient: content.recipient.clone(),
        address: address.map(str::to_owned),
        subject: subject(issued, words),
        body,
        link: link(planner, issued),
        alarms: Value::Array(Vec::new()),
        attachments: files.iter().filter(|_| is_attached).map(attachment).collect(),
        now_us,
    })
}

/// A key that is the same for every attempt and for no other delivery.
pub(super) fn key(delivery: &Delivery) -> String {
    let content = &delivery.content;
    let Delivery { id, issued, queued_at_us, .. } = delivery;
    let text =
        format!("report/{issued}/{id}/{queued_at_us}/{}/{}", content.target, content.recipient);
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The language of a person, otherwise that of the report.
fn language(planner: &NotificationPlanner, recipient: &str, issued: &IssuedReport) -> Language {
    let person = planner.notifications().person(recipient).and_then(|it| it.language);
    person.or_else(|| Language::from_code(&issued.language)).unwrap_or_default()
}

fn attachment(file: &IssuedFile) -> Attachment {
    let extension = file.name.rsplit('.').next().unwrap_or_default();
    Attachment {
        name: file.name.clone(),
        media_type: media_type(extension),
        bytes: file.bytes.clone(),
    }
}

/// The address of the report's page, with the issued report open.
fn link(planner: &NotificationPlanner, issued: &IssuedReport) -> Option<String> {
    let mut url = planner.public_url()?.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(["reports", issued.report.as_str()]);
    url.query_pairs_mut().append_pair("issued", &issued.id.to_string());
    Some(url.into())
}

fn subject(issued: &IssuedReport, words: &Words) -> String {
    let about = issued.parameters.values().filter(|value| value.is_string()).map(text);
    let about: Vec<String> = about.filter(|text| !text.is_empty()).collect();
    let subject = match about.is_empty() {
        true => issued.title.clone(),
        false => format!("{}: {}", issued.title, about.join(", ")),
    };
    let subject = match issued.corrects {
        Some(_) => format!("{}: {subject}", words.corrected),
        None => subject,
    };
    one_line(&subject)
}

fn body(issued: &IssuedReport, words: &Words, calendar: &Calendar) -> String {
    let mut body = String::new();
    line(&mut body, &issued.title);
    for (name, value) in &issued.parameters {
        line(&mut body, &format!("{}: {}", name.replace('_', " "), text(value)));
    }
    if let Some(as_of_us) = issued.data_as_of_us {
        line(&mut body, &format!("{}: {}", words.data_as_of, local_time(as_of_us, calendar)));
    }
    line(&mut body, &format!("{}: {}", words.issued, local_time(issued.issued_at_us, calendar)));
    if issued.corrects.is_some() {
        line(&mut body, &format!("{}:", words.changes));
        for difference in issued.differences.iter().take(DIFFERENCES_MAX) {
            line(&mut body, &format!("- {}", described(difference, words)));
        }
        let shown = issued.differences.len().min(DIFFERENCES_MAX) as u64;
        let more = issued.differences_total.saturating_sub(shown);
        if more > 0 {
            line(&mut body, &format!("{} {more}", words.more));
        }
    }
    body
}

/// A difference as text: `hours, 10: Made 5 boards -> 6 boards`.
fn described(difference: &Difference, words: &Words) -> String {
    let Difference { query, row, change } = difference;
    let place = match row.is_empty() {
        true => query.clone(),
        false => format!("{query}, {row}"),
    };
    match change {
        FigureChange::Added => format!("{place}: {}", words.added),
        FigureChange::Removed => format!("{place}: {}", words.removed),
        FigureChange::Changed { column, unit, before, after } => {
            let unit = unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
            format!("{place}: {column} {} → {}{unit}", text(before), text(after))
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn local_time(at_us: i64, calendar: &Calendar) -> String {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default();
    at.with_timezone(&calendar.zone().zone()).format("%Y-%m-%d %H:%M %Z").to_string()
}

fn line(body: &mut String, text: &str) {
    let _infallible = writeln!(body, "{}", one_line(text));
}

/// A text without line ends and invisible signs, which could add headers or reverse the text.
fn one_line(text: &str) -> String {
    let is_hidden = |sign: &char| {
        sign.is_control()
            || matches!(sign, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|sign| !is_hidden(sign)).take(LINE_CHARS_MAX).collect()
}
