//! E-mail by SMTP, as plain text and HTML.

use super::{Attachment, Failure, Outgoing};
use anyhow::Context as _;
use config::notifications::{Email, EmailSecurity};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use plant::alarm::Priority;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Codes by which a server refuses the login, which a new password changes.
const LOGIN_CODES: [u16; 4] = [530, 534, 535, 538];

/// Name of a server and its authorities.
type TlsKey = (String, Option<PathBuf>);

/// Sends mail. TLS is prepared once for each server, because it reads the certificates of the system.
#[derive(Default)]
pub(super) struct Mailer {
    tls: Mutex<BTreeMap<TlsKey, TlsParameters>>,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailer")
    }
}

impl Mailer {
    pub async fn send(
        &self,
        email: &Email,
        message: &Outgoing,
        time: Duration,
    ) -> Result<(), Failure> {
        let mail = mail(email, message)?;
        let transport = self.transport(email, time)?;
        transport.send(mail).await.map(drop).map_err(|error| failure(&email.host, &error))
    }

    fn transport(
        &self,
        email: &Email,
        time: Duration,
    ) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
        let tls = match email.security {
            EmailSecurity::StartTls => Tls::Required(self.tls(email)?),
            EmailSecurity::Tls => Tls::Wrapper(self.tls(email)?),
            EmailSecurity::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.host)
            .port(email.port)
            .tls(tls)
            .timeout(Some(time));
        if let Some((user, password)) = email.user.as_ref().zip(email.password.as_ref()) {
            let password = password.read()?.expose().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder.build())
    }

    fn tls(&self, email: &Email) -> anyhow::Result<TlsParameters> {
        let mut all = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (email.host.clone(), email.ca_file.clone());
        if let Some(found) = all.get(&key) {
            return Ok(found.clone());
        }
        let mut builder = TlsParameters::builder(email.host.clone());
        if let Some(file) = &email.ca_file {
            builder = builder.add_root_certificate(certificates(file)?);
        }
        let made = builder.build_rustls().context("TLS of the mail server")?;
        all.insert(key, made.clone());
        Ok(made)
    }
}

fn certificates(file: &Path) -> anyhow::Result<Certificate> {
    let unreadable = || format!("cannot read the certificates {}", file.display());
    let pem = std::fs::read(file).with_context(unreadable)?;
    Certificate::from_pem(&pem).with_context(unreadable)
}

/// The mail; the same message has the same `Message-ID` in every attempt.
fn mail(email: &Email, message: &Outgoing) -> Result<Message, Failure> {
    let from = address(&email.from)?;
    let domain = from.domain().to_owned();
    let sent_at = Duration::from_micros(message.now_us.max(0).unsigned_abs());
    let mut builder = Message::builder()
        .from(Mailbox::new(Some("Plant Cockpit".to_owned()), from))
        .subject(&message.subject)
        .date(SystemTime::UNIX_EPOCH + sent_at)
        .message_id(Some(format!("<{}@{domain}>", message.key)))
        // Programs that answer mail, such as those of people on holiday, do not answer this one.
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if message.occurrence > 0 {
        // Messages about one alarm are shown together.
        builder = builder.references(format!("<alarm-{}@{domain}>", message.occurrence));
    }
    if message.priority == Priority::P1 {
        builder = builder.raw_header(header("Importance", "high"));
    }
    let to = match &message.address {
        Some(address) => std::slice::from_ref(address),
        None => &email.to[..],
    };
    for recipient in to {
        builder = builder.to(Mailbox::new(None, address(recipient)?));
    }
    let texts = MultiPart::alternative_plain_html(plain(message), html(message));
    let body = match &message.attachments[..] {
        [] => texts,
        attachments => {
            let mut mixed = MultiPart::mixed().multipart(texts);
            for attachment in attachments {
                mixed = mixed.singlepart(part(attachment)?);
            }
            mixed
        }
    };
    builder.multipart(body).map_err(|error| Failure::permanent(format!("invalid mail: {error}")))
}

fn part(attachment: &Attachment) -> Result<SinglePart, Failure> {
    let Attachment { name, media_type, bytes } = attachment;
    let invalid = |error| Failure::permanent(format!("invalid media type `{media_type}`: {error}"));
    let content_type = ContentType::parse(media_type).map_err(invalid)?;
    Ok(Part::new(name.clone()).body(bytes.to_vec(), content_type))
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn address(text: &str) -> Result<Address, Failure> {
    let invalid = |error| Failure::permanent(format!("invalid e-mail address `{text}`: {error}"));
    text.parse::<Address>().map_err(invalid)
}

fn plain(message: &Outgoing) -> String {
    let link = message.link.as_ref().map(|link| format!("\n{link}\n")).unwrap_or_default();
    format!("{}{link}", message.body)
}

fn html(message: &Outgoing) -> String {
    let mut lines = String::new();
    for line in message.body.lines() {
        let _infallible = write!(lines, "<p style=\"margin:4px 0\">{}</p>", escaped(line));
    }
    let link = message.link.as_ref().map(|link| {
        let link = escaped(link);
        format!("<p style=\"margin:16px 0\"><a href=\"{link}\">{link}</a></p>")
    });
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"></head>\
         <body style=\"font-family:sans-serif;font-size:15px\">\
         <h1 style=\"font-size:18px\">{}</h1>{lines}{}</body></html>",
        message.language.as_str(),
        escaped(&message.subject),
        link.unwrap_or_default()
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

fn failure(host: &str, error: &Error) -> Failure {
    let code = error.status().map(u16::from);
    let is_login = code.is_some_and(|code| LOGIN_CODES.contains(&code));
    let text = crate::notify::message::one_line(&format!("{host}: {}", chain(error)), 300);
    match error.is_permanent() && !is_login {
        true => Failure::permanent(text),
        false => Failure::temporary(text),
    }
}

/// The error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let own = error.to_string();
        if !text.contains(&own) {
            text = format!("{text}: {own}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::notifications::Language;

    #[test]
    fn texts_cannot_add_markup() {
        let message = Outgoing {
            key: "k".into(),
            kind: "alarm",
            occurrence: 7,
            priority: Priority::P2,
            language: Language::Hindi,
            recipient: "anna".into(),
            address: None,
            subject: "<b>hot</b>".into(),
            body: "Value: 84\n<script>alert(1)</script> & \"x\"\n".into(),
            link: Some("https://cockpit.example/alarms/7?a=1&b=\"2".into()),
            alarms: serde_json::json!([]),
            attachments: Vec::new(),
            now_us: 0,
        };
        let html = html(&message);
        assert!(html.contains("lang=\"hi\"") && html.contains("&lt;b&gt;hot&lt;/b&gt;"), "{html}");
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
        assert!(
            html.contains("href=\"https://cockpit.example/alarms/7?a=1&amp;b=&quot;2\""),
            "{html}"
        );
        assert!(plain(&message).ends_with("\nhttps://cockpit.example/alarms/7?a=1&b=\"2\n"));
    }
}
