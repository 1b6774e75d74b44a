//! Subject and lines of a message in the language of its recipient.

use super::facts::Facts;
use super::row::NotificationKind;
use super::templates::{Words, fill, words};
use chrono::DateTime;
use config::notifications::Language;
use plant::calendar::Calendar;
use std::fmt::Write as _;

/// Longest subject in characters: longer ones are cut off by mail programs and phones.
const SUBJECT_CHARS_MAX: usize = 150;
/// Longest value of a line in characters.
const LINE_CHARS_MAX: usize = 1_000;

/// Subject and lines of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub subject: String,
    pub body: String,
}

/// The message about one alarm.
pub(super) fn about_alarm(
    kind: NotificationKind,
    facts: &Facts,
    language: Language,
    calendar: &Calendar,
) -> Message {
    let words = words(language);
    let template = match kind {
        NotificationKind::Returned => &words.returned,
        NotificationKind::Escalation => &words.escalation,
        _ => &words.alarm,
    };
    let since = local_time(facts.raised_at_us, calendar);
    let subject = subject(template, facts, language, &[("since", &since)]);
    Message { subject, body: lines(facts, language, words, &since) }
}

/// The message about several alarms, the first one first, of which `items_max` are listed.
pub(super) fn about_group(
    all: &[Facts],
    count: usize,
    items_max: usize,
    language: Language,
    calendar: &Calendar,
) -> Message {
    let words = words(language);
    let Some(first) = all.first() else { return about_test(language) };
    let urgent = all.iter().map(|facts| facts.priority).min().unwrap_or(first.priority);
    let shown = Facts { priority: urgent, ..first.clone() };
    let number = count.to_string();
    let subject = subject(&words.group, &shown, language, &[("count", &number)]);
    let mut body = String::new();
    for facts in all.iter().take(items_max) {
        let time = local_time(facts.at_us, calendar);
        let text = &facts.texts(language).text;
        let line = format!("{time} [P{}] {text}: {}", facts.priority, facts.object);
        let value = value(facts, words).map(|it| format!(", {it}")).unwrap_or_default();
        let is_over = matches!(facts.transition.as_str(), "returned" | "cleared");
        let end = if is_over { format!(", {}", words.normal) } else { value };
        let _infallible = writeln!(body, "{}{end}", one_line(&line, LINE_CHARS_MAX));
    }
    let more = count.saturating_sub(items_max.min(all.len()));
    if more > 0 {
        let _infallible = writeln!(body, "{}", fill(&words.more, &[("count", &more.to_string())]));
    }
    Message { subject, body }
}

/// The message of a test.
pub(super) fn about_test(language: Language) -> Message {
    let words = words(language);
    Message { subject: words.test.clone(), body: format!("{}\n", words.test_body) }
}

fn subject(template: &str, facts: &Facts, language: Language, more: &[(&str, &str)]) -> String {
    let priority = facts.priority().as_str();
    let text = facts.texts(language).text.as_str();
    let mut values = vec![("priority", priority), ("text", text), ("object", &facts.object)];
    values.extend(more);
    one_line(&fill(template, &values), SUBJECT_CHARS_MAX)
}

/// One line for each fact that is known.
fn lines(facts: &Facts, language: Language, words: &Words, since: &str) -> String {
    let texts = facts.texts(language);
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    let lines = [
        (&words.object, given(&facts.object)),
        (&words.value, value(facts, words)),
        (&words.since, given(since)),
        (&words.evidence, facts.evidence.clone()),
        (&words.cause, given(&texts.cause)),
        (&words.response, given(&texts.response)),
        (&words.consequence, given(&texts.consequence)),
    ];
    let mut body = format!("{}\n", one_line(&texts.text, LINE_CHARS_MAX));
    for (label, value) in lines {
        let Some(value) = value else { continue };
        let _infallible = writeln!(body, "{label}: {}", one_line(&value, LINE_CHARS_MAX));
    }
    body
}

/// Value and limit with the unit; `None` without a value.
fn value(facts: &Facts, words: &Words) -> Option<String> {
    let unit = if facts.unit.is_empty() { String::new() } else { format!(" {}", facts.unit) };
    let value = format!("{}{unit}", number(facts.value?));
    Some(match facts.limit {
        Some(limit) => format!("{value} ({} {}{unit})", words.limit, number(limit)),
        None => value,
    })
}

/// A number with at most two decimals, without trailing zeros.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A time in the zone of the plant, with the offset.
fn local_time(at_us: i64, calendar: &Calendar) -> String {
    let utc_s = at_us.div_euclid(1_000_000);
    let offset_s = i64::from(calendar.zone().offset_s(utc_s));
    let Some(local) = DateTime::from_timestamp(utc_s + offset_s, 0) else { return String::new() };
    let (sign, minutes) = (if offset_s < 0 { '-' } else { '+' }, offset_s.abs() / 60);
    let zone = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
    format!("{} {zone}", local.format("%Y-%m-%d %H:%M:%S"))
}

/// The text without control characters, cut off after `chars_max`. Line ends in a subject would begin another
/// header of a mail.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    // Directional overrides change the order in which the rest of the text is shown.
    let is_unsafe = |it: char| {
        it.is_control()
            || matches!(it, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let clean = |it: char| if is_unsafe(it) { ' ' } else { it };
    let mut line: String = text.trim().chars().take(chars_max + 1).map(clean).collect();
    if line.chars().count() > chars_max {
        line = line.chars().take(chars_max.saturating_sub(1)).collect();
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::facts::Texts;

    fn facts() -> Facts {
        let texts = Texts {
            text: "Temperature high".into(),
            response: "Reduce the speed.".into(),
            ..Texts::default()
        };
        Facts {
            object: "Plant1.4.printer".into(),
            priority: 2,
            value: Some(84.25),
            limit: Some(80.0),
            unit: "degC".into(),
            raised_at_us: 1_767_225_600_000_000,
            texts: [texts.clone(), texts.clone(), texts],
            ..Facts::default()
        }
    }

    fn calendar() -> Calendar {
        Calendar::new(chrono_tz::Asia::Kolkata, Vec::new()).unwrap()
    }

    #[test]
    fn a_message_has_value_limit_since_and_response() {
        let message =
            about_alarm(NotificationKind::Alarm, &facts(), Language::English, &calendar());
        assert_eq!(message.subject, "[P2] Temperature high: Plant1.4.printer");
        let expected = "Temperature high\nObject: Plant1.4.printer\nValue: 84.25 degC (limit 80 degC)\n\
                        Since: 2026-01-01 05:30:00 +05:30\nResponse: Reduce the speed.\n";
        assert_eq!(message.body, expected);
    }

    #[test]
    fn every_kind_has_a_message_in_every_language() {
        for language in Language::ALL {
            let messages = [
                about_alarm(NotificationKind::Alarm, &facts(), language, &calendar()),
                about_alarm(NotificationKind::Returned, &facts(), language, &calendar()),
                about_alarm(NotificationKind::Escalation, &facts(), language, &calendar()),
                about_group(&[facts(), facts()], 5, 2, language, &calendar()),
                about_test(language),
            ];
            for message in messages {
                assert!(!message.subject.contains('{') && !message.body.is_empty(), "{message:?}");
            }
        }
    }

    #[test]
    fn a_group_lists_the_first_alarms_and_counts_the_rest() {
        let urgent = Facts { priority: 1, object: "second".into(), ..facts() };
        let message = about_group(&[facts(), urgent], 7, 2, Language::English, &calendar());
        assert_eq!(message.subject, "[P1] 7 alarms, the first: Temperature high: Plant1.4.printer");
        assert_eq!(message.body.lines().count(), 3);
        assert!(message.body.ends_with("and 5 more\n"), "{}", message.body);
    }

    #[test]
    fn names_cannot_add_headers_or_lines() {
        let hostile = Facts { object: "x\r\nBcc: eve@evil.example\u{202e}".into(), ..facts() };
        let message =
            about_alarm(NotificationKind::Alarm, &hostile, Language::English, &calendar());
        assert!(!message.subject.contains(['\r', '\n', '\u{202e}']), "{message:?}");
        assert_eq!(message.body.lines().count(), 5);
        assert_eq!(one_line(&"x".repeat(1_000), 10).chars().count(), 10);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(80.0, "80"), (0.5, "0.5"), (84.256, "84.26"), (-0.001, "0"), (100.0, "100")]
        {
            assert_eq!(number(value), text);
        }
    }
}
