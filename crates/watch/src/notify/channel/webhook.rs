//! Webhooks: JSON for programs, signed as Standard Webhooks describes; Slack and Microsoft Teams.

use super::http::Http;
use super::{Failure, Outgoing, cut};
use crate::notify::templates::words;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use config::notifications::{UrlRef, Webhook};
use config::secret::SecretText;
use hmac::{Hmac, KeyInit as _, Mac as _};
use plant::alarm::Priority;
use serde_json::{Value, json};
use sha2::Sha256;

/// Start of a secret whose key is written in Base64.
const SECRET_PREFIX: &str = "whsec_";
/// Longest text of a block of Slack, in bytes; its limit is 3,000 characters.
const SLACK_TEXT_BYTES_MAX: usize = 2_900;
/// Longest title of a block of Slack, in bytes; its limit is 150 characters.
const SLACK_TITLE_BYTES_MAX: usize = 150;
/// Longest text of a card, in bytes; the limit of a message of Teams is 28 KB.
const TEAMS_TEXT_BYTES_MAX: usize = 12_000;

/// Sends the message as JSON.
pub(super) async fn send(
    http: &Http,
    webhook: &Webhook,
    message: &Outgoing,
) -> Result<(), Failure> {
    let url = webhook.url.read()?;
    let body = payload(message).to_string();
    let timestamp = message.now_us.div_euclid(1_000_000).to_string();
    let mut headers = vec![
        ("idempotency-key", message.key.clone()),
        ("webhook-id", message.key.clone()),
        ("webhook-timestamp", timestamp.clone()),
    ];
    if let Some(secret) = &webhook.secret {
        let signature = signature(&secret.read()?, &message.key, &timestamp, &body)?;
        headers.push(("webhook-signature", signature));
    }
    http.post(url, headers, body, message.now_us).await
}

/// The message as programs receive it.
pub(super) fn payload(message: &Outgoing) -> Value {
    json!({
        "id": message.key,
        "kind": message.kind,
        "recipient": message.recipient,
        "priority": message.priority.number(),
        "language": message.language.as_str(),
        "subject": message.subject,
        "text": message.body,
        "link": message.link,
        "alarms": message.alarms,
    })
}

/// HMAC-SHA-256 of `id.timestamp.body`, in Base64 after the version.
fn signature(
    secret: &SecretText,
    id: &str,
    timestamp: &str,
    body: &str,
) -> Result<String, Failure> {
    let text = secret.expose();
    let key = match text.strip_prefix(SECRET_PREFIX) {
        Some(encoded) => STANDARD.decode(encoded).map_err(|_invalid| {
            Failure::temporary("the secret of the webhook is not Base64 after whsec_")
        })?,
        None => text.as_bytes().to_vec(),
    };
    let mac = Hmac::<Sha256>::new_from_slice(&key);
    let mut mac = mac.map_err(|error| Failure::permanent(error.to_string()))?;
    for part in [id, ".", timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

pub(super) async fn send_slack(
    http: &Http,
    url: &UrlRef,
    message: &Outgoing,
) -> Result<(), Failure> {
    let headers = vec![("idempotency-key", message.key.clone())];
    http.post(url.read()?, headers, slack(message).to_string(), message.now_us).await
}

pub(super) async fn send_teams(
    http: &Http,
    url: &UrlRef,
    message: &Outgoing,
) -> Result<(), Failure> {
    let headers = vec![("idempotency-key", message.key.clone())];
    http.post(url.read()?, headers, teams(message).to_string(), message.now_us).await
}

/// Block Kit of Slack. The texts are plain, so that names cannot mention people or contain links.
fn slack(message: &Outgoing) -> Value {
    let plain = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(cut(&message.subject, SLACK_TITLE_BYTES_MAX)) }),
        json!({ "type": "section", "text": plain(cut(&message.body, SLACK_TEXT_BYTES_MAX)) }),
    ];
    if let Some(link) = &message.link {
        let button =
            json!({ "type": "button", "text": plain(&words(message.language).open), "url": link });
        blocks.push(json!({ "type": "actions", "elements": [button] }));
    }
    // Shown in notifications of phones.
    json!({ "text": escaped(&message.subject), "blocks": blocks })
}

/// The three characters that have a meaning in a text of Slack.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Adaptive Card of Microsoft Teams. Lines are runs of plain text, in which Markdown has no meaning.
fn teams(message: &Outgoing) -> Value {
    let plain = |text: &str| json!({ "type": "TextRun", "text": text });
    let lines = cut(&message.body, TEAMS_TEXT_BYTES_MAX).lines().map(
        |line| json!({ "type": "RichTextBlock", "inlines": [plain(line)], "spacing": "Small" }),
    );
    let heading = json!({
        "type": "TextRun", "text": message.subject, "weight": "Bolder", "size": "Medium",
        "color": if message.priority == Priority::P1 { "Attention" } else { "Default" },
    });
    let mut body = vec![json!({ "type": "RichTextBlock", "inlines": [heading] })];
    body.extend(lines);
    let actions = message.link.iter();
    let title = &words(message.language).open;
    let actions = actions.map(|it| json!({ "type": "Action.OpenUrl", "title": title, "url": it }));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": actions.collect::<Vec<Value>>(),
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::notifications::Language;

    pub fn message() -> Outgoing {
        Outgoing {
            key: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(),
            kind: "alarm",
            occurrence: 7,
            priority: Priority::P1,
            language: Language::English,
            recipient: "anna".into(),
            address: None,
            subject: "[P1] <!channel> & *hot*".into(),
            body: "one\ntwo\n".repeat(5_000),
            link: Some("https://cockpit.example/alarms/7".into()),
            alarms: json!([]),
            attachments: Vec::new(),
            now_us: 0,
        }
    }

    fn secret(text: &str) -> SecretText {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, text).unwrap();
        format!("file:{}", path.display())
            .parse::<config::secret::SecretRef>()
            .unwrap()
            .read()
            .unwrap()
    }

    /// The example of the Standard Webhooks specification and its libraries.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = r#"{"test": 2432232314}"#;
        let made = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(made.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_not_base64_is_reported_without_it() {
        let error = signature(&secret("whsec_hunter2!"), "a", "1", "b").unwrap_err();
        assert!(!error.error.contains("hunter2"), "{error:?}");
        assert!(signature(&secret("plain text"), "a", "1", "b").is_ok());
    }

    #[test]
    fn texts_stay_within_the_limits_of_receivers() {
        let slack = slack(&message());
        let text = slack["blocks"][1]["text"]["text"].as_str().unwrap();
        assert!(text.len() <= 2_900, "{}", text.len());
        assert_eq!(slack["blocks"][1]["text"]["type"], "plain_text");
        assert_eq!(slack["text"], "[P1] &lt;!channel&gt; &amp; *hot*");
        assert_eq!(slack["blocks"][2]["elements"][0]["url"], "https://cockpit.example/alarms/7");
        let teams = teams(&Outgoing { body: "x".repeat(50_000), ..message() }).to_string();
        assert!(teams.len() < 28_000, "{}", teams.len());
    }
}
