//! Encodes messages.

use super::kind::MessageKind;
use crate::reading::SensorId;
use chrono::{DateTime, Datelike as _, Timelike as _};
use rand::Rng as _;
use rand_pcg::Pcg32;

/// Size of the largest message in bytes.
const HUGE_BYTES: usize = 1_000_000;

/// Depth of the deepest nesting: deeper than parsers accept.
const NESTED: usize = 300;

/// Format of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    EpochSeconds,
    Digits,
    Dashes,
    Slashes,
}

impl TimeFormat {
    /// One in ten is not in epoch seconds.
    pub fn draw(rng: &mut Pcg32) -> Self {
        match rng.next_u32() % 30 {
            0 => Self::Digits,
            1 => Self::Dashes,
            2 => Self::Slashes,
            _ => Self::EpochSeconds,
        }
    }
}

/// The constant parts of a sensor's messages, as JSON.
#[derive(Debug, Clone)]
pub struct Template {
    plant: String,
    lane: String,
    component: String,
    /// A plain message up to the time.
    head: String,
    /// A plain message after the temperature.
    tail: String,
    id: SensorId,
}

/// The fields of a message as JSON; `None` fields are omitted.
#[derive(Clone, Copy)]
struct Fields<'a> {
    plant: Option<&'a [u8]>,
    lane: Option<&'a [u8]>,
    time: Option<&'a [u8]>,
    temperature: Option<&'a [u8]>,
    component: Option<&'a [u8]>,
}

impl Template {
    pub fn new(id: &SensorId) -> Self {
        let plant = format!("\"{}\"", id.plant);
        let lane = format!("\"{}\"", id.lane);
        let component = format!(
            "{{\"component_type\": \"{}\", \"component_manufacturer\": \"{}\"}}",
            id.component, id.manufacturer
        );
        let head = format!("{{\"plant_name\": {plant}, \"lane_number\": {lane}, \"timestamp\": \"");
        let tail = format!("\", \"component_info\": {component}}}");
        Self { plant, lane, component, head, tail, id: id.clone() }
    }

    /// Appends a message of a kind with a time (seconds since 1970-01-01T00:00:00Z) and a
    /// temperature in hundredths of a degC.
    pub fn write(
        &self,
        kind: MessageKind,
        spelling: TimeFormat,
        at_s: i64,
        temp_centi: i32,
        out: &mut Vec<u8>,
    ) {
        // Only digits are valid without quotes.
        let is_bare = kind == MessageKind::BareTime;
        let spelling = if is_bare { TimeFormat::EpochSeconds } else { spelling };
        let time = Short::time(spelling, at_s);
        let temp = Short::centi(temp_centi);
        if kind.is_plain() {
            out.extend_from_slice(self.head.as_bytes());
            out.extend_from_slice(time.bare());
            out.extend_from_slice(b"\", \"temperature\": \"");
            out.extend_from_slice(temp.bare());
            out.extend_from_slice(self.tail.as_bytes());
            return;
        }
        let fields = Fields {
            plant: Some(self.plant.as_bytes()),
            lane: Some(self.lane.as_bytes()),
            time: Some(if is_bare { time.bare() } else { time.quoted() }),
            temperature: Some(temp.quoted()),
            component: Some(self.component.as_bytes()),
        };
        match self.changed(kind, fields, at_s, &temp) {
            Some(fields) => fields.write(out),
            None => self.write_shape(kind, fields, out),
        }
    }

    /// The fields of kinds that differ in one field; `None` for kinds of another shape.
    fn changed<'a>(
        &'a self,
        kind: MessageKind,
        fields: Fields<'a>,
        at_s: i64,
        temp: &'a Short,
    ) -> Option<Fields<'a>> {
        let mut changed = fields;
        match kind {
            MessageKind::MissingPlant => changed.plant = None,
            MessageKind::MissingLane => changed.lane = None,
            MessageKind::MissingTime => changed.time = None,
            MessageKind::MissingTemperature => changed.temperature = None,
            MessageKind::MissingComponent => changed.component = None,
            MessageKind::NoComponent => changed.component = Some(b"{}"),
            MessageKind::NullTemperature => changed.temperature = Some(b"null"),
            MessageKind::NullTemperatureNoComponent => {
                changed.temperature = Some(b"null");
                changed.component = Some(b"{}");
            }
            MessageKind::NullTime => changed.time = Some(b"null"),
            MessageKind::NullComponent => changed.component = Some(b"null"),
            MessageKind::NullType => {
                changed.component =
                    Some(br#"{"component_type": null, "component_manufacturer": "manufact1"}"#);
            }
            // Its time is already without quotes.
            MessageKind::BareTime => {}
            MessageKind::BareTemperature => changed.temperature = Some(temp.bare()),
            MessageKind::BareLane => changed.lane = Some(self.id.lane.as_bytes()),
            MessageKind::PlantIsObject => changed.plant = Some(br#"{"name": "Plant1"}"#),
            _ => return Self::changed_value(kind, changed, at_s),
        }
        Some(changed)
    }

    /// The fields of kinds with an invalid temperature or time.
    fn changed_value(kind: MessageKind, mut fields: Fields<'_>, at_s: i64) -> Option<Fields<'_>> {
        let temperature: Option<&[u8]> = match kind {
            MessageKind::TemperatureIsBool => Some(b"true"),
            MessageKind::TemperatureIsList => Some(br#"["47.93"]"#),
            MessageKind::TemperatureIsWord => Some(br#""hot""#),
            MessageKind::TemperatureIsNaN => Some(br#""NaN""#),
            MessageKind::TemperatureIsInfinite => Some(br#""Infinity""#),
            MessageKind::DecimalComma => Some(br#""47,93""#),
            MessageKind::TooHot => Some(br#""9999.00""#),
            MessageKind::TooCold => Some(br#""-400.00""#),
            _ => None,
        };
        let time: Option<&[u8]> = match kind {
            MessageKind::TimeIsWord => Some(br#""yesterday""#),
            MessageKind::NoSuchDay => Some(no_such_day(at_s)),
            MessageKind::FarFuture => Some(br#""2999-01-01 00:00:00""#),
            MessageKind::Ancient => Some(br#""86400""#),
            _ => None,
        };
        fields.temperature = temperature.or(fields.temperature);
        fields.time = time.or(fields.time);
        (temperature.is_some() || time.is_some()).then_some(fields)
    }

    /// Kinds that are not a plain object of five fields.
    fn write_shape(&self, kind: MessageKind, fields: Fields<'_>, out: &mut Vec<u8>) {
        let Fields { plant, lane, time, temperature, component } = fields;
        match kind {
            MessageKind::ExtraField => fields.write_with(out, b", \"firmware\": {\"major\": 2}}"),
            MessageKind::Huge => write_huge(fields, out),
            MessageKind::DeeplyNested => write_nested(fields, out),
            MessageKind::Escaped => self.write_escaped(fields, out),
            MessageKind::Spaced => {
                put(out, &[b"\r\n { \t\"plant_name\" :"]);
                put(out, &[plant.unwrap_or_default(), b" ,\"lane_number\":"]);
                put(out, &[lane.unwrap_or_default(), b"\n,\n\"timestamp\":"]);
                put(out, &[time.unwrap_or_default(), b",\"temperature\":"]);
                put(out, &[temperature.unwrap_or_default(), b",\"component_info\":"]);
                put(out, &[component.unwrap_or_default(), b"}\n\n"]);
            }
            MessageKind::Reordered => {
                put(out, &[b"{\"component_info\": ", component.unwrap_or_default()]);
                put(out, &[b", \"temperature\": ", temperature.unwrap_or_default()]);
                put(out, &[b", \"timestamp\": ", time.unwrap_or_default()]);
                put(out, &[b", \"lane_number\": ", lane.unwrap_or_default()]);
                put(out, &[b", \"plant_name\": ", plant.unwrap_or_default(), b"}"]);
            }
            _ => write_no_object(kind, fields, out),
        }
    }

    /// With some letters of the plant and of a field name as escape sequences.
    fn write_escaped(&self, fields: Fields<'_>, out: &mut Vec<u8>) {
        let rest = self.id.plant.as_bytes().get(1..).unwrap_or_default();
        put(out, &[b"{\"plant_\\u006eame\": \"\\u0050", rest, b"\""]);
        let others = Fields { plant: None, ..fields };
        let from = out.len();
        others.write(out);
        // The object of the other fields continues after the plant.
        out[from] = b',';
    }
}

/// Kinds that are not a JSON object, or not JSON.
fn write_no_object(kind: MessageKind, fields: Fields<'_>, out: &mut Vec<u8>) {
    let from = out.len();
    match kind {
        MessageKind::Words => put(out, &[b"temperature of lane 1 is 47.93"]),
        MessageKind::NullBytes => put(out, &[&[0; 32]]),
        MessageKind::TopNumber => put(out, &[b"47.93"]),
        MessageKind::TopNull => put(out, &[b"null"]),
        MessageKind::TopArray => {
            put(out, &[b"["]);
            fields.write(out);
            put(out, &[b"]"]);
        }
        MessageKind::TrailingText => {
            fields.write(out);
            put(out, &[b" {\"plant_name\": \"Plant1\"}"]);
        }
        MessageKind::Truncated => {
            fields.write(out);
            out.truncate(from + (out.len() - from) * 2 / 3);
        }
        MessageKind::InvalidText => {
            fields.write(out);
            // Inside the plant name; 0xff is never valid in UTF-8.
            out[from + 17] = 0xff;
        }
        // Only `MessageKind::Empty` remains; its payload is empty.
        _ => {}
    }
}

impl Fields<'_> {
    fn write(self, out: &mut Vec<u8>) {
        self.write_with(out, b"}");
    }

    /// As an object followed by `end`.
    fn write_with(self, out: &mut Vec<u8>, end: &[u8]) {
        let fields = [
            ("plant_name", self.plant),
            ("lane_number", self.lane),
            ("timestamp", self.time),
            ("temperature", self.temperature),
            ("component_info", self.component),
        ];
        let mut before: &[u8] = b"{\"";
        for (name, value) in fields {
            let Some(value) = value else { continue };
            put(out, &[before, name.as_bytes(), b"\": ", value]);
            before = b", \"";
        }
        out.extend_from_slice(end);
    }
}

fn write_huge(fields: Fields<'_>, out: &mut Vec<u8>) {
    let from = out.len();
    fields.write_with(out, b", \"note\": \"");
    out.resize(from + HUGE_BYTES - 2, b'x');
    put(out, &[b"\"}"]);
}

fn write_nested(fields: Fields<'_>, out: &mut Vec<u8>) {
    fields.write_with(out, b", \"note\": ");
    out.resize(out.len() + NESTED, b'[');
    out.resize(out.len() + NESTED, b']');
    put(out, &[b"}"]);
}

/// A day that does not exist, in one of two formats.
const fn no_such_day(at_s: i64) -> &'static [u8] {
    if at_s % 2 == 0 { b"\"2026-02-30 10:00:00\"" } else { b"\"20261301102233\"" }
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// A short quoted text on the stack.
struct Short {
    bytes: [u8; 32],
    len: usize,
}

impl Short {
    fn new() -> Self {
        Self { bytes: [b'"'; 32], len: 1 }
    }

    fn time(spelling: TimeFormat, at_s: i64) -> Self {
        let mut text = Self::new();
        let marks = match spelling {
            TimeFormat::EpochSeconds => {
                text.push_number(at_s);
                return text;
            }
            TimeFormat::Digits => ["", "", ""],
            TimeFormat::Dashes => ["-", " ", ":"],
            TimeFormat::Slashes => ["/", " ", ":"],
        };
        let at = DateTime::from_timestamp(at_s, 0).unwrap_or_default().naive_utc();
        let [of_day, between, of_time] = marks;
        text.push_digits(at.year().unsigned_abs(), 4);
        text.push(of_day);
        text.push_digits(at.month(), 2);
        text.push(of_day);
        text.push_digits(at.day(), 2);
        text.push(between);
        text.push_digits(at.hour(), 2);
        text.push(of_time);
        text.push_digits(at.minute(), 2);
        text.push(of_time);
        text.push_digits(at.second(), 2);
        text
    }

    fn centi(temp_centi: i32) -> Self {
        let mut text = Self::new();
        if temp_centi < 0 {
            text.push("-");
        }
        let centi = temp_centi.unsigned_abs();
        text.push_number(i64::from(centi / 100));
        text.push(".");
        text.push_digits(centi % 100, 2);
        text
    }

    fn push(&mut self, text: &str) {
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text.as_bytes());
        self.len += text.len();
    }

    fn push_digits(&mut self, number: u32, digits: usize) {
        let mut left = number;
        for place in (self.len..self.len + digits).rev() {
            self.bytes[place] = digit(u64::from(left));
            left /= 10;
        }
        self.len += digits;
    }

    fn push_number(&mut self, number: i64) {
        if number < 0 {
            self.push("-");
        }
        let mut left = number.unsigned_abs();
        let digits = left.checked_ilog10().map_or(1, |log| log as usize + 1);
        for place in (self.len..self.len + digits).rev() {
            self.bytes[place] = digit(left);
            left /= 10;
        }
        self.len += digits;
    }

    fn bare(&self) -> &[u8] {
        &self.bytes[1..self.len]
    }

    /// The closing quote is there from the start.
    fn quoted(&self) -> &[u8] {
        &self.bytes[..=self.len]
    }
}

/// The last digit of a number.
const fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}
