//! Encodes server-sent events. Temperatures are whole numbers of hundredths of a degree: short, and exact
//! at the resolution of the sensors.

use super::LinkState;
use super::latest::{Latest, Slot};
use super::selection::Selection;
use bytes::Bytes;
use plant::reading::SensorId;
use std::fmt::Write;
use std::sync::Arc;

/// Factor between degrees and the encoded numbers.
const SCALE: f64 = 100.0;
const UNIT: &str = "\u{b0}C";

/// The sensors of a stream, by their positions in its frames. New sensors are appended.
pub struct Dict {
    /// Sensors in the registry when this was created, including those of other plants.
    pub registered: usize,
    /// Numbers of the sensors, ascending.
    pub members: Vec<u32>,
    /// The event that lists them.
    pub event: Bytes,
}

impl Dict {
    /// The sensors of a selection.
    pub fn new(ids: &[Arc<SensorId>], selection: &Selection, limit_c: f64) -> Self {
        let registered = ids.len();
        let numbered = (0..).zip(ids);
        let mine = numbered.filter(|(_, id)| selection.has(id));
        let (members, ids): (Vec<u32>, Vec<&Arc<SensorId>>) = mine.unzip();
        let sensors: Vec<_> =
            ids.iter().map(|id| (id.to_string(), UNIT, SCALE, [limit_c])).collect();
        let data = serde_json::json!({ "d": members.len(), "s": sensors });
        Self { registered, members, event: Bytes::from(format!("event: dict\ndata: {data}\n\n")) }
    }

    /// Positions of the sensors whose values changed after change `after`, ascending.
    pub fn changed(&self, latest: &Latest, after: u64) -> Vec<usize> {
        let Some(numbers) = latest.changed_since(after) else {
            let is_newer = |(_, number): &(usize, &u32)| latest.slot(**number).change > after;
            let newer = self.members.iter().enumerate().filter(is_newer);
            return newer.map(|(position, _)| position).collect();
        };
        numbers.iter().filter_map(|number| self.members.binary_search(number).ok()).collect()
    }
}

/// The data that frames are encoded from.
pub struct FrameSource<'a> {
    pub boot: &'a str,
    pub dict: &'a Dict,
    pub latest: &'a Latest,
    /// Positions of the sensors that are silent.
    pub silent: &'a [u32],
}

impl FrameSource<'_> {
    /// Every value: `{t, d, v, q}`; a sensor without a reading is null.
    pub fn snap(&self) -> Bytes {
        let mut text = String::with_capacity(64 + 8 * self.dict.members.len());
        self.head("snap", &mut text);
        append(&mut text, format_args!(",\"d\":{},\"v\":[", self.dict.members.len()));
        for (position, number) in self.dict.members.iter().enumerate() {
            comma(&mut text, position);
            value(&mut text, self.latest.slot(*number));
        }
        text.push(']');
        self.tail(true, text)
    }

    /// The values at these positions: `{t, i, v}`, with `q` if `with_silent`.
    pub fn delta(&self, positions: &[usize], with_silent: bool) -> Bytes {
        let mut values = String::new();
        let mut text = String::with_capacity(256);
        self.head("t", &mut text);
        text.push_str(",\"i\":[");
        let members = positions
            .iter()
            .filter_map(|position| Some((position, self.dict.members.get(*position)?)));
        for (count, (position, number)) in members.enumerate() {
            comma(&mut text, count);
            comma(&mut values, count);
            append(&mut text, format_args!("{position}"));
            value(&mut values, self.latest.slot(*number));
        }
        append(&mut text, format_args!("],\"v\":[{values}]"));
        self.tail(with_silent, text)
    }

    fn head(&self, event: &str, text: &mut String) {
        let (boot, change) = (self.boot, self.latest.change());
        let t_ms = self.latest.newest().0.unwrap_or(0).div_euclid(1_000);
        append(text, format_args!("event: {event}\nid: {boot}-{change}\ndata: {{\"t\":{t_ms}"));
    }

    fn tail(&self, with_silent: bool, mut text: String) -> Bytes {
        if with_silent {
            text.push_str(",\"q\":[");
            for (count, position) in self.silent.iter().enumerate() {
                comma(&mut text, count);
                append(&mut text, format_args!("{position}"));
            }
            text.push(']');
        }
        text.push_str("}\n\n");
        Bytes::from(text)
    }
}

fn append(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    text.write_fmt(arguments).unwrap_or_default();
}

fn comma(text: &mut String, before: usize) {
    if before > 0 {
        text.push(',');
    }
}

fn value(text: &mut String, slot: Slot) {
    if slot.change == 0 || !slot.temp_c.is_finite() {
        text.push_str("null");
    } else {
        append(text, format_args!("{}", (slot.temp_c * SCALE).round() as i64));
    }
}

/// The heartbeat: the time of the server and the state of the link to the source.
pub fn beat(now_us: i64, link: &LinkState, rejected: u64) -> Bytes {
    let lag_messages: i64 = link.lags.iter().map(|lag| lag.lag_messages).sum();
    let data = serde_json::json!({
        "now": now_us.div_euclid(1_000),
        "link": link.link.as_str(),
        "reason": link.reason,
        "lag_messages": lag_messages,
        "rejected": rejected,
    });
    Bytes::from(format!("event: hb\ndata: {data}\n\n"))
}

/// The event for a new version of a table.
pub fn version(table: &str, version: u64) -> Bytes {
    let data = serde_json::json!({ "table": table, "v": version });
    Bytes::from(format!("event: ver\ndata: {data}\n\n"))
}
