//! Who receives a report, by its definition and the people and channels of `alarms.toml`.

use super::record::{DeliveryKind, NewDelivery};
use config::notifications::{ChannelKind, Target};
use config::reports::{self, Definition, Format};
use plant::alarm::Priority;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use watch::notify::{NotificationPlanner, Recipient};

/// Channel of recipients that no channel reaches: the attempt fails and names what is missing.
const NO_CHANNEL: &str = "email";

/// The formats in which a report is stored: those of its schedule and of its recipients.
pub(super) fn formats(report: &Definition) -> BTreeSet<Format> {
    let scheduled = report.schedule.iter().flat_map(|it| &it.formats);
    let sent = report.deliveries.iter().flat_map(|it| &it.formats);
    let mut formats: BTreeSet<Format> = scheduled.chain(sent).copied().collect();
    if formats.is_empty() {
        formats.insert(Format::Pdf);
    }
    formats
}

/// The deliveries of a report. A recipient of several entries gets one with the files of all of them.
pub(super) fn deliveries(
    report: &Definition,
    planner: &NotificationPlanner,
    now_us: i64,
) -> Vec<NewDelivery> {
    let mut found = BTreeMap::<(DeliveryKind, String, String), NewDelivery>::new();
    for new in report.deliveries.iter().flat_map(|it| deliveries_of(it, planner, now_us)) {
        let key = (new.kind, new.target.clone(), new.recipient.clone());
        match found.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(new)),
            Entry::Occupied(entry) => {
                let formats = &mut entry.into_mut().formats;
                let more = new.formats.into_iter().filter(|it| !formats.contains(it));
                let more: Vec<String> = more.collect();
                formats.extend(more);
            }
        }
    }
    found.into_values().collect()
}

fn deliveries_of(
    delivery: &reports::Delivery,
    planner: &NotificationPlanner,
    now_us: i64,
) -> Vec<NewDelivery> {
    let formats = names(&delivery.formats);
    match &delivery.kind {
        reports::DeliveryKind::Email { roles, to } => {
            let people = roles.iter().flat_map(|role| people(planner, role, true, now_us));
            let all = people.chain(to.iter().map(|to| address(planner, to)));
            all.map(|it| message(it, &formats, now_us)).collect()
        }
        reports::DeliveryKind::Link { roles, to } => {
            let people = roles.iter().flat_map(|role| people(planner, role, false, now_us));
            let all = people.chain(to.iter().map(|to| address(planner, to)));
            all.map(|it| message(it, &[], now_us)).collect()
        }
        reports::DeliveryKind::Folder { location } | reports::DeliveryKind::S3 { location } => {
            let folder = Receiver {
                target: location.clone(),
                recipient: location.clone(),
                address: None,
                due_at_us: None,
            };
            let folder = message(folder, &formats, now_us);
            vec![NewDelivery { kind: DeliveryKind::Folder, ..folder }]
        }
    }
}

fn names(formats: &[Format]) -> Vec<String> {
    formats.iter().map(|format| format.as_str().to_owned()).collect()
}

/// One way to reach a recipient.
struct Receiver {
    target: String,
    recipient: String,
    address: Option<String>,
    /// End of the quiet hours.
    due_at_us: Option<i64>,
}

fn message(to: Receiver, formats: &[String], now_us: i64) -> NewDelivery {
    NewDelivery {
        kind: DeliveryKind::Message,
        target: to.target,
        recipient: to.recipient,
        address: to.address,
        formats: formats.to_vec(),
        due_at_us: to.due_at_us.unwrap_or(now_us),
    }
}

/// The ways to reach the people of a role. Without any, a delivery that fails shows the mistake.
fn people(planner: &NotificationPlanner, role: &str, is_email: bool, now_us: i64) -> Vec<Receiver> {
    let found = planner.recipients(&Target::Role(role.to_owned()), now_us);
    let is_mail = |it: &Recipient| is_email_channel(planner, &it.channel);
    let found = found.into_iter().filter(|it| !is_email || is_mail(it));
    let receiver = |it: Recipient| Receiver {
        // Mail waits in the mailbox; other messages make a sound.
        due_at_us: match is_mail(&it) {
            true => None,
            false => planner.quiet_until(&it.name, Priority::P4, now_us),
        },
        target: it.channel,
        recipient: it.name,
        address: None,
    };
    let found: Vec<Receiver> = found.map(receiver).collect();
    match found.is_empty() {
        true => vec![Receiver {
            target: NO_CHANNEL.to_owned(),
            recipient: format!("role:{role}"),
            address: None,
            due_at_us: None,
        }],
        false => found,
    }
}

fn is_email_channel(planner: &NotificationPlanner, name: &str) -> bool {
    let channel = planner.notifications().channel(name);
    channel.is_some_and(|it| matches!(it.kind, ChannelKind::Email(_)))
}

/// An e-mail address, reached by the first channel of the kind `email`.
fn address(planner: &NotificationPlanner, address: &str) -> Receiver {
    let channels = &planner.notifications().channels;
    let channel = channels.iter().find(|it| matches!(it.kind, ChannelKind::Email(_)));
    Receiver {
        target: channel.map_or_else(|| NO_CHANNEL.to_owned(), |it| it.name.clone()),
        recipient: address.to_owned(),
        address: Some(address.to_owned()),
        due_at_us: None,
    }
}
