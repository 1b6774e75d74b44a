//! Push messages to phones: Telegram and ntfy.

use super::http::Http;
use super::{Failure, Outgoing, cut};
use config::notifications::{Ntfy, Telegram};
use plant::alarm::Priority;
use serde_json::{Value, json};

/// Longest text of Telegram, in bytes; its limit is 4,096 characters.
const TELEGRAM_BYTES_MAX: usize = 4_000;
/// Longest text of ntfy, in bytes; its limit is 4,096 bytes, longer texts become attachments.
const NTFY_BYTES_MAX: usize = 4_000;

/// Sends a message of the bot.
pub(super) async fn send(
    http: &Http,
    telegram: &Telegram,
    message: &Outgoing,
) -> Result<(), Failure> {
    let chat = message.address.as_ref().or(telegram.chat.as_ref());
    let chat = chat.ok_or_else(|| Failure::permanent("the recipient has no chat of Telegram"))?;
    let (mut url, token) = (telegram.url.read()?, telegram.token.read()?);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(&format!("bot{}", token.expose())).push("sendMessage");
    }
    let body = json!({
        "chat_id": chat,
        "text": text(message),
        "link_preview_options": { "is_disabled": true },
        "disable_notification": message.priority == Priority::P4,
    });
    let headers = vec![("idempotency-key", message.key.clone())];
    http.post(url, headers, body.to_string(), message.now_us).await
}

fn text(message: &Outgoing) -> String {
    let link = message.link.as_deref().unwrap_or_default();
    let rest = TELEGRAM_BYTES_MAX.saturating_sub(message.subject.len() + link.len() + 4);
    format!("{}\n\n{}\n{link}", message.subject, cut(&message.body, rest).trim_end())
}

/// Publishes a push notification.
pub(super) async fn send_ntfy(http: &Http, ntfy: &Ntfy, message: &Outgoing) -> Result<(), Failure> {
    let topic = message.address.as_ref().or(ntfy.topic.as_ref());
    let topic = topic.ok_or_else(|| Failure::permanent("the recipient has no topic of ntfy"))?;
    let mut headers = vec![("idempotency-key", message.key.clone())];
    if let Some(token) = &ntfy.token {
        headers.push(("authorization", format!("Bearer {}", token.read()?.expose())));
    }
    let body = push(topic, message).to_string();
    http.post(ntfy.url.read()?, headers, body, message.now_us).await
}

fn push(topic: &str, message: &Outgoing) -> Value {
    // 5 rings until it is looked at, 3 is the usual.
    let priority = match message.priority {
        Priority::P1 => 5,
        Priority::P2 => 4,
        Priority::P3 => 3,
        Priority::P4 => 2,
    };
    let mut body = json!({
        "topic": topic,
        "title": message.subject,
        "message": cut(&message.body, NTFY_BYTES_MAX).trim_end(),
        "priority": priority,
    });
    if let Some(link) = &message.link {
        body["click"] = link.as_str().into();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::notifications::Language;

    #[test]
    fn long_texts_are_cut_and_keep_the_link() {
        let message = Outgoing {
            key: "k".into(),
            kind: "group",
            occurrence: 0,
            priority: Priority::P1,
            language: Language::Malayalam,
            recipient: "anna".into(),
            address: Some("1".into()),
            subject: "അലാറം".into(),
            body: "അലാറം\n".repeat(2_000),
            link: Some("https://cockpit.example/alarms".into()),
            alarms: json!([]),
            attachments: Vec::new(),
            now_us: 0,
        };
        let text = text(&message);
        assert!(text.len() <= 4_096 && text.ends_with("https://cockpit.example/alarms"));
        let push = push("plant", &message);
        assert!(push["message"].as_str().unwrap().len() <= 4_000);
        assert_eq!(
            (&push["priority"], &push["click"]),
            (&json!(5), &json!("https://cockpit.example/alarms"))
        );
    }
}
