//! The keys of `alarms.toml` about notifications.

use super::{Key, Kind, Table};
use crate::notifications::{CHANNEL_KINDS, EMAIL_SECURITIES, LANGUAGES};
use crate::settings::{NotificationLimits, Section as _, Setting};

pub(crate) const NOTIFICATION_KEYS: [Key; 4] = [
    Key::new("notifications", Kind::Table(&NOTIFICATIONS), "Settings of all notifications."),
    Key::new("channel", Kind::Tables(&CHANNEL), "Ways to deliver messages."),
    Key::new("person", Kind::Tables(&PERSON), "People who receive messages."),
    Key::new("route", Kind::Tables(&ROUTE), "Which alarms go to whom."),
];

const NOTIFICATIONS: Table = Table::new(
    "Settings of all notifications.",
    &[
        Key::new(
            "language",
            Kind::Choice(&LANGUAGES),
            "Language of messages to recipients that have none.",
        )
        .default("\"en\""),
        Key::text("quiet", "Quiet hours of people who have none, plant time: messages of priorities 2 to 4 wait until their end.")
            .example("\"22:00-06:00\""),
        Key::texts("allow", "Address ranges that HTTP channels may connect to in addition to public addresses.")
            .default("[]")
            .example("[\"10.0.0.0/8\"]"),
    ],
)
.with_settings(limits);

fn limits() -> Vec<Setting> {
    NotificationLimits::default().settings().to_vec()
}

const CHANNEL: Table = Table::new(
    "A way to deliver messages. Which further keys it has depends on its kind.",
    &[
        Key::text("name", "Unique name.").required().example("\"mail\""),
        Key::new("kind", Kind::Choice(&CHANNEL_KINDS), "Kind of channel; `outbox` stores messages without sending them.").required(),
        Key::flag("group", "Whether alarms of a flood are one message if the channel itself is the recipient; by default true, false for `webhook` and `mqtt`."),
        Key::new("language", Kind::Choice(&LANGUAGES), "Language of messages to the channel itself; by default that of `[notifications]`."),
        Key::text("host", "`email`, `mqtt`: name or address of the server.").example("\"mail.plant.example\""),
        Key::new("port", Kind::Number(1, 65_535), "`email`, `mqtt`: port of the server; by default 587, 465 with `tls`, 25 with `none`; 8883 for `mqtt`, 1883 without `tls`.").example("587"),
        Key::new("security", Kind::Choice(&EMAIL_SECURITIES), "`email`: encryption of the connection.").default("\"starttls\""),
        Key::text("from", "`email`: address that messages are sent from.").example("\"cockpit@plant.example\""),
        Key::texts("to", "`email`: addresses that receive what is sent to the channel itself.").default("[]").example("[\"maintenance@plant.example\"]"),
        Key::text("user", "`email`, `mqtt`: user of the server.").example("\"cockpit\""),
        Key::text("password", "`email`, `mqtt`: reference to the password.").example("\"credential:smtp-password\""),
        Key::text("ca_file", "`email`, `mqtt`: certificates of authorities (PEM) that are trusted in addition to the system's.").example("\"/etc/cockpit/ca.pem\""),
        Key::flag("tls", "`mqtt`: whether the connection is encrypted.").default("true"),
        Key::text("topic", "`mqtt`, `ntfy`: topic.").example("\"plant/alarms\""),
        Key::text("url", "`webhook`, `slack`, `teams`: URL, or a reference to it; `telegram`, `ntfy`: base URL of the server.").example("\"env:SLACK_URL\""),
        Key::text("secret", "`webhook`: reference to the key of the signature.").example("\"file:/run/secrets/webhook\""),
        Key::text("token", "`telegram`, `ntfy`: reference to the token.").example("\"env:TELEGRAM_TOKEN\""),
        Key::text("chat", "`telegram`: chat that receives what is sent to the channel itself.").example("\"-1001234567890\""),
    ],
);

const PERSON: Table = Table::new(
    "A recipient of messages.",
    &[
        Key::text("name", "User name.").required().example("\"anna\""),
        Key::text("role", "Role that routes name.").example("\"maintenance\""),
        Key::texts("channels", "Channels on which the person receives every message.")
            .required()
            .example("[\"mail\"]"),
        Key::new("language", Kind::Choice(&LANGUAGES), "Language of the messages."),
        Key::text("quiet", "Quiet hours, plant time.").example("\"22:00-06:00\""),
        Key::texts("shifts", "Shifts in which the person is on duty; without it always.")
            .example("[\"A\"]"),
        Key::text("email", "E-mail address.").example("\"anna@plant.example\""),
        Key::text("telegram", "Chat of Telegram.").example("\"123456789\""),
        Key::text("ntfy", "Topic of ntfy.").example("\"plant-anna\""),
    ],
);

const ROUTE: Table = Table::new(
    "Which alarms go to whom. Every route that matches an alarm applies.",
    &[
        Key::text("name", "Name in messages of the program; by default its number.")
            .example("\"urgent\""),
        Key::new("priorities", Kind::Numbers, "Priorities, 1 to 4; without it all.")
            .example("[1, 2]"),
        Key::texts("rules", "Names of rules, with `*` for any characters; without it all.")
            .example("[\"temperature_*\"]"),
        Key::texts("objects", "Names of objects, with `*` for any characters; without it all.")
            .example("[\"Plant1*\"]"),
        Key::texts("shifts", "Shifts in which the route applies; without it always.")
            .example("[\"A\"]"),
        Key::texts("to", "Recipients: names of people, `role:NAME` or `channel:NAME`.")
            .required()
            .example("[\"role:maintenance\"]"),
        Key::flag("returned", "Whether the end of an alarm is notified too."),
        Key::new(
            "escalate",
            Kind::Tables(&ESCALATE),
            "Further recipients without an acknowledgement.",
        ),
    ],
);

const ESCALATE: Table = Table::new(
    "Recipients of an alarm that was not acknowledged in time.",
    &[
        Key::text("after", "Time after the alarm was raised, in s, min or h.")
            .required()
            .example("\"5 min\""),
        Key::texts("to", "Recipients.").required().example("[\"role:shift_lead\"]"),
    ],
);
