//! The temperature stream of the simulated plants, message by message, with the expected outcome of
//! each.
//!
//! *In*: a [`StreamPlan`] and a start time. *Out*: payloads in the format of the reference data in
//! the order of sending, each with its expected outcome. *Promise*: the same plan yields the same
//! message at the same time wherever the stream starts, so a gap can be filled later; writing a
//! message does not allocate once the buffer has grown.
//!
//! Times in messages are whole seconds. A sensor with a shorter interval sends several messages per
//! second; of those with equal temperature the first one counts.

mod kind;
mod write;

pub use kind::{DUPLICATE, MessageFaults, MessageKind, RejectReason};

use super::thermal::TemperatureModel;
use super::thermal::random::{StreamPurpose, generator};
use super::thermal::sensors::{Sensor, sensors};
use crate::time::{SECOND_US, second_of_us};
use write::{Template, TimeFormat};

/// Delay of a message that is sent late or repeated.
const ECHO_US: i64 = 40 * SECOND_US;

/// Parameters of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlan {
    pub sensors: usize,
    /// Interval between two messages of a sensor.
    pub interval_us: i64,
    pub seed: u64,
    pub faults: MessageFaults,
}

/// Expected outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    /// It is a reading, measured this many seconds after 1970-01-01T00:00:00Z, in hundredths of a
    /// degC.
    Landed { at_s: i64, temp_centi: i32 },
    /// It is rejected for this reason.
    Rejected(RejectReason),
}

/// A message and its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Time of sending in microseconds since 1970-01-01T00:00:00Z, in ascending order.
    pub sent_at_us: i64,
    /// Index of its sensor in [`Stream::sensors`].
    pub sensor: usize,
    pub kind: MessageKind,
    pub outcome: MessageOutcome,
}

/// An endless stream of messages.
#[derive(Debug, Clone)]
pub struct Stream {
    plan: StreamPlan,
    sensors: Vec<Sensor>,
    voices: Vec<Voice>,
    turn: Turn,
    from_us: i64,
    /// Delay of echoes in ticks; `None` if there are none.
    echo_ticks: Option<i64>,
}

/// A sensor and its state in the stream.
#[derive(Debug, Clone)]
struct Voice {
    template: Template,
    follower: TemperatureModel,
    /// Model for messages that are sent again later.
    echo: TemperatureModel,
    /// Delay of its messages after the tick.
    phase_us: i64,
    second: Second,
}

/// The messages of a sensor in the last second, to detect duplicates.
#[derive(Debug, Clone, Default)]
struct Second {
    at_s: i64,
    reported_centi: Vec<i32>,
}

/// Whose turn it is: in each tick every sensor sends, followed by its echo.
#[derive(Debug, Clone, Copy)]
struct Turn {
    tick: i64,
    sensor: usize,
    is_echo: bool,
}

impl Stream {
    /// The stream from the first message sent in or after the second of `from_us`.
    pub fn new(plan: StreamPlan, from_us: i64) -> Self {
        let sensors = sensors(plan.sensors.max(1), plan.seed);
        let phase_us = |number: usize| {
            let share = plan.interval_us as i128 * number as i128 / sensors.len() as i128;
            i64::try_from(share).unwrap_or(0)
        };
        let voice = |(number, sensor): (usize, &Sensor)| Voice {
            template: Template::new(&sensor.id),
            follower: TemperatureModel::new(plan.seed, sensor),
            echo: TemperatureModel::new(plan.seed, sensor),
            phase_us: phase_us(number),
            second: Second::default(),
        };
        let voices: Vec<Voice> = sensors.iter().enumerate().map(voice).collect();
        let from_us = from_us - from_us.rem_euclid(SECOND_US);
        let tick = from_us.div_euclid(plan.interval_us);
        let past_us = from_us - tick * plan.interval_us;
        let sensor = voices.partition_point(|voice| voice.phase_us < past_us);
        let turn = Turn { tick, sensor, is_echo: false }.normal(voices.len());
        let echoes = plan.interval_us >= SECOND_US;
        let echo_ticks = echoes.then(|| (ECHO_US / plan.interval_us).max(1));
        Self { plan, sensors, voices, turn, from_us, echo_ticks }
    }

    /// The sensors of the stream.
    pub fn sensors(&self) -> &[Sensor] {
        &self.sensors
    }

    /// Replaces the content of `payload` by the next message.
    pub fn next(&mut self, payload: &mut Vec<u8>) -> Message {
        loop {
            let turn = self.turn;
            self.turn = turn.after(self.voices.len(), self.echo_ticks.is_some());
            if let Some(message) = self.say(turn, payload) {
                return message;
            }
        }
    }

    /// The message of a turn, if there is one.
    fn say(&mut self, turn: Turn, payload: &mut Vec<u8>) -> Option<Message> {
        let StreamPlan { interval_us, seed, faults, .. } = self.plan;
        let tick = if turn.is_echo { turn.tick - self.echo_ticks? } else { turn.tick };
        let number = self.sensors[turn.sensor].number;
        let mut rng = generator(seed, StreamPurpose::Message, number, tick);
        let kind = match faults.kind(&mut rng) {
            MessageKind::Late | MessageKind::Repeated if self.echo_ticks.is_none() => {
                MessageKind::Plain
            }
            kind => kind,
        };
        let is_due = match kind {
            MessageKind::Late => turn.is_echo,
            MessageKind::Repeated => true,
            _ => !turn.is_echo,
        };
        if !is_due {
            return None;
        }
        let voice = &mut self.voices[turn.sensor];
        let sent_at_us = turn.tick * interval_us + voice.phase_us;
        if turn.is_echo && voice.follower.is_silent(sent_at_us) {
            return None;
        }
        let follower = if turn.is_echo { &mut voice.echo } else { &mut voice.follower };
        let at_us = tick * interval_us + voice.phase_us;
        let at_s = second_of_us(at_us);
        let spelling = TimeFormat::draw(&mut rng);
        let temp_centi = follower.reported_centi(at_us, &mut rng)?;
        payload.clear();
        voice.template.write(kind, spelling, at_s, temp_centi, payload);
        // Messages before the start were not received.
        let is_again = turn.is_echo && kind == MessageKind::Repeated && at_us >= self.from_us;
        let outcome = match kind.reason() {
            Some(reason) => MessageOutcome::Rejected(reason),
            None if is_again || voice.second.has(at_s, temp_centi, turn.is_echo) => {
                MessageOutcome::Rejected(DUPLICATE)
            }
            None => MessageOutcome::Landed { at_s, temp_centi },
        };
        Some(Message { sent_at_us, sensor: turn.sensor, kind, outcome })
    }
}

impl Turn {
    fn after(self, sensors: usize, echoes: bool) -> Self {
        if echoes && !self.is_echo {
            return Self { is_echo: true, ..self };
        }
        Self { is_echo: false, sensor: self.sensor + 1, ..self }.normal(sensors)
    }

    /// Advances to the next tick after the last sensor.
    fn normal(self, sensors: usize) -> Self {
        if self.sensor < sensors { self } else { Self { tick: self.tick + 1, sensor: 0, ..self } }
    }
}

impl Second {
    /// Records the message and returns whether it is a duplicate within its second. An echo belongs
    /// to an earlier second in which nothing else is sent.
    fn has(&mut self, at_s: i64, temp_centi: i32, is_echo: bool) -> bool {
        if is_echo {
            return false;
        }
        if self.at_s != at_s {
            self.at_s = at_s;
            self.reported_centi.clear();
        }
        let has = self.reported_centi.contains(&temp_centi);
        if !has {
            self.reported_centi.push(temp_centi);
        }
        has
    }
}

#[cfg(test)]
mod tests;
