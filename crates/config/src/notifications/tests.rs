//! Reading of notifications, valid and with mistakes.

use super::*;
use crate::toml_reader::Findings;

/// What is read from a text, and the mistakes as `line: message`.
fn read_text(text: &str) -> (Notifications, Vec<String>) {
    let findings = Findings::new("alarms.toml", text);
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
    let read = read(&mut reader, &["A".to_owned(), "B".to_owned()]);
    reader.finish();
    let found = findings.into_diagnostics();
    (read, found.iter().map(|it| format!("{}: {} | {}", it.line, it.message, it.remedy)).collect())
}

const VALID: &str = r#"
[notifications]
language = "ml"
quiet = "22:00-06:00"
allow = ["10.0.0.0/8"]
messages_per_hour = 10

[[channel]]
name = "mail"
kind = "email"
host = "mail.plant.example"
from = "cockpit@plant.example"
user = "cockpit"
password = "env:SMTP_PASSWORD"
to = ["all@plant.example"]

[[channel]]
name = "erp"
kind = "webhook"
url = "http://10.1.2.3/alarms"
secret = "file:/run/secrets/erp"

[[channel]]
name = "team"
kind = "slack"
url = "env:SLACK_URL"
language = "hi"

[[person]]
name = "anna"
role = "maintenance"
channels = ["mail", "erp"]
email = "anna@plant.example"
language = "en"
shifts = ["A"]
quiet = "13:00-14:00"

[[route]]
priorities = [1, 2]
objects = ["Plant1*"]
to = ["anna", "role:maintenance", "channel:team"]
returned = true
escalate = [{ after = "15 min", to = ["channel:mail"] }, { after = "5 min", to = ["channel:erp"] }]
"#;

#[test]
fn a_complete_file_is_read() {
    let (read, mistakes) = read_text(VALID);
    assert_eq!(mistakes, Vec::<String>::new());
    assert_eq!(read.language, Language::Malayalam);
    let languages: Vec<_> = read.channels.iter().map(|it| it.language).collect();
    assert_eq!(languages, [None, None, Some(Language::Hindi)]);
    assert_eq!(read.quiet, Some(DaySpan { from_min: 22 * 60, to_min: 6 * 60 }));
    assert_eq!(read.limits.messages_per_hour, 10);
    let grouped: Vec<bool> = read.channels.iter().map(|it| it.is_grouped).collect();
    assert_eq!(grouped, [true, false, true]);
    let ChannelKind::Email(email) = &read.channels[0].kind else { panic!("{read:?}") };
    assert_eq!((email.port, email.security), (587, EmailSecurity::StartTls));
    assert_eq!(read.people[0].address(&read.channels[0]), Some("anna@plant.example"));
    let route = &read.routes[0];
    assert_eq!(route.name, "route 1");
    assert_eq!(route.to.len(), 3);
    let steps: Vec<i64> = route.escalate.iter().map(|it| it.after_us / 60_000_000).collect();
    assert_eq!(steps, [5, 15], "in the order of time");
}

/// One change of the valid file, the expected mistake, and what is left of channels, people and routes.
#[track_caller]
fn check(from: &str, to: &str, expected: &str, left: [usize; 3]) {
    assert!(VALID.contains(from), "{from}");
    let (read, mistakes) = read_text(&VALID.replacen(from, to, 1));
    assert!(mistakes.iter().any(|it| it.contains(expected)), "{mistakes:#?}");
    assert_eq!([read.channels.len(), read.people.len(), read.routes.len()], left, "{mistakes:#?}");
}

#[test]
fn what_has_a_mistake_is_left_out_and_the_rest_works() {
    check(
        "\"email\"",
        "\"e-mail\"",
        "10: unknown kind `e-mail` | Did you mean `email`?",
        [2, 1, 1],
    );
    check("env:SMTP_PASSWORD", "hunter2", "invalid reference to a secret", [2, 1, 1]);
    check("file:/run/secrets/erp", "hunter2", "invalid reference to a secret", [2, 1, 1]);
    check("from = \"cockpit@plant.example\"", "", "`from` is missing", [2, 1, 1]);
    check("10.1.2.3", "169.254.169.254", "a link-local address", [2, 1, 1]);
    check("http://10.1.2.3", "ftp://10.1.2.3", "expected http or https", [2, 1, 1]);
    check("host =", "hots =", "unknown key `hots`", [2, 1, 1]);
    check(
        "anna@plant.example",
        "anna@plant.example\\nBcc: x@y.example",
        "invalid e-mail",
        [3, 1, 1],
    );
    check("email = \"anna@plant.example\"", "", "needs an address of the person", [3, 1, 1]);
    check("channels = [\"mail\", \"erp\"]", "channels = []", "nothing reaches", [3, 0, 1]);
    check("role = \"maintenance\"", "role = \"maintenence\"", "no person has the role", [3, 1, 1]);
    check("shifts = [\"A\"]", "shifts = [\"C\"]", "unknown shift `C`", [3, 1, 1]);
    check("[1, 2]", "[1, 5]", "invalid priority `5`", [3, 1, 0]);
    check(
        "to = [\"anna\",",
        "to = [\"ana\",",
        "unknown person `ana` | Did you mean `anna`?",
        [3, 1, 1],
    );
    check("\"5 min\"", "\"5\"", "invalid time `5`", [3, 1, 1]);
    check("channel:team", "channel:teams", "unknown channel `teams`", [3, 1, 1]);
    check("to = [\"all@plant.example\"]", "", "has no recipient of its own", [3, 1, 1]);
    check("22:00-06:00", "22-6", "invalid quiet hours", [3, 1, 1]);
    check("\"ml\"", "\"xx\"", "invalid language `xx`", [3, 1, 1]);
    check("\"hi\"", "\"xx\"", "invalid language `xx`", [3, 1, 1]);
    check(
        "messages_per_hour = 10",
        "messages_per_hour = 5",
        "is reserved for priority 1",
        [3, 1, 1],
    );
    check("name = \"team\"", "name = \"mail\"", "are named `mail`", [2, 1, 1]);
    check("name = \"anna\"", "name = \"an na\"", "invalid name of a person", [3, 0, 1]);
}

#[test]
fn a_url_with_a_secret_is_not_repeated() {
    let (_, mistakes) = read_text(&VALID.replace("env:SLACK_URL", "hooks.example/T0/SECRET"));
    assert!(mistakes.iter().any(|it| it.contains("invalid URL")), "{mistakes:?}");
    assert!(!mistakes.concat().contains("SECRET"));
}

#[test]
fn quiet_hours_may_cross_midnight() {
    let night = DaySpan { from_min: 22 * 60, to_min: 6 * 60 };
    let noon = DaySpan { from_min: 12 * 60, to_min: 13 * 60 };
    for (span, minute, is_quiet) in [
        (night, 22 * 60, true),
        (night, 0, true),
        (night, 6 * 60, false),
        (night, 21 * 60 + 59, false),
        (noon, 12 * 60, true),
        (noon, 13 * 60, false),
    ] {
        assert_eq!(span.contains(minute), is_quiet, "{minute}");
    }
}
