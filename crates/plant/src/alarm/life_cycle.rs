//! The life cycle of an alarm: a state machine whose delays are exact.

use super::{State, Transition};
use std::fmt;

/// Delays of a rule, and whether an alarm that returned has to be acknowledged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// How long the condition has to be met until the alarm is raised, in microseconds.
    pub on_delay_us: i64,
    /// How long the condition has to be unmet until the alarm returns, in microseconds.
    pub off_delay_us: i64,
    /// Whether an alarm that was acknowledged while its condition was met has to be acknowledged
    /// once more after its condition ended.
    pub latching: bool,
}

/// The status of one alarm: everything the state machine has to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    /// When the state was entered, in microseconds since 1970, UTC.
    pub since_us: i64,
    /// Whether the condition is met, after delays.
    pub is_active: bool,
    /// Since when the condition differs from `is_active`; a delay is running.
    pub pending_us: Option<i64>,
    /// End of shelving, in state `Shelved`.
    pub shelved_until_us: Option<i64>,
    /// Whether the rule suppresses the alarm; it also counts after shelving and out of service.
    pub is_suppressed: bool,
    /// Time of the last input: a clock that is set back is detected by it.
    pub last_us: i64,
}

/// What happens to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The condition is met or not, from now on.
    Condition(bool),
    /// Time passes.
    Tick,
    Acknowledge,
    Shelve {
        until_us: i64,
    },
    Unshelve,
    Suppress,
    Unsuppress,
    TakeOutOfService,
    ReturnToService,
}

/// One transition of [`step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub transition: Transition,
    pub from: State,
    pub to: State,
    /// When it happened: the end of a delay, which may be before the input that showed it.
    pub at_us: i64,
}

/// Transitions of one input, in their order: at most [`Steps::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Steps {
    steps: [Option<Step>; Self::MAX],
}

impl Steps {
    /// Shelving that expired, a delay that ended before the input, and the input itself.
    pub const MAX: usize = 3;

    /// The transitions in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().flatten()
    }

    pub fn is_empty(&self) -> bool {
        self.steps[0].is_none()
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    fn push(&mut self, step: Step) {
        if let Some(free) = self.steps.iter_mut().find(|it| it.is_none()) {
            *free = Some(step);
        }
    }
}

/// A command that the state of the alarm does not permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub state: State,
    /// What was requested.
    pub command: &'static str,
    /// When it is permitted.
    pub permitted: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, command, permitted } = self;
        write!(f, "cannot {command} an alarm in state {}: {permitted}", state.as_str())
    }
}

impl std::error::Error for Refused {}

impl Status {
    /// The status of an alarm whose condition has never been met.
    pub fn normal(now_us: i64) -> Self {
        Self {
            state: State::Normal,
            since_us: now_us,
            is_active: false,
            pending_us: None,
            shelved_until_us: None,
            is_suppressed: false,
            last_us: now_us,
        }
    }

    /// Whether the condition is met now, without delays.
    pub fn is_met(&self) -> bool {
        self.is_active != self.pending_us.is_some()
    }

    /// End of the running delay.
    fn delay_ends_us(&self, timing: &Timing) -> Option<i64> {
        let delay_us = if self.is_active { timing.off_delay_us } else { timing.on_delay_us };
        Some(self.pending_us?.saturating_add(delay_us.max(0)))
    }
}

/// When the next delay or shelving ends, so that [`Input::Tick`] is due; `None` if time alone
/// changes nothing.
pub fn next_due(status: &Status, timing: &Timing) -> Option<i64> {
    let ends = [status.delay_ends_us(timing), status.shelved_until_us];
    ends.into_iter().flatten().min()
}

/// Applies one input at the time `now_us`. Delays and shelving that ended until then are applied
/// first, at the time of their end, so the result does not depend on how often time is reported.
///
/// If the clock was set back, running delays and shelving keep the time that they have left: they
/// are neither shorter nor longer by it. If it was set forward, that time counts as elapsed.
///
/// # Errors
/// The state of the alarm does not permit the command; then no input is applied, and the transitions
/// of elapsed time remain due for the next input.
pub fn step(
    status: &Status,
    timing: &Timing,
    input: Input,
    now_us: i64,
) -> Result<(Status, Steps), Refused> {
    let mut machine = Machine { status: *status, timing, steps: Steps::default() };
    machine.set_clock(now_us);
    machine.elapse(now_us);
    machine.apply(input, now_us)?;
    machine.elapse(now_us);
    Ok((machine.status, machine.steps))
}

struct Machine<'a> {
    status: Status,
    timing: &'a Timing,
    steps: Steps,
}

impl Machine<'_> {
    /// Moves running times along with a clock that was set back.
    fn set_clock(&mut self, now_us: i64) {
        let back_us = self.status.last_us.saturating_sub(now_us);
        if back_us > 0 {
            let times = [&mut self.status.pending_us, &mut self.status.shelved_until_us];
            for time_us in times.into_iter().flatten() {
                *time_us = time_us.saturating_sub(back_us);
            }
            self.status.last_us = now_us;
        }
    }

    /// Applies delays and shelving that ended until `now_us`, the earliest first.
    fn elapse(&mut self, now_us: i64) {
        while let Some(due_us) = next_due(&self.status, self.timing).filter(|due| *due <= now_us) {
            // A delay that was shortened by a change of the rule ended now, not in the past.
            let at_us = due_us.max(self.status.last_us);
            self.status.last_us = at_us;
            if self.status.delay_ends_us(self.timing) == Some(due_us) {
                self.status.pending_us = None;
                self.status.is_active ^= true;
                self.change(at_us);
            } else {
                self.status.shelved_until_us = None;
                self.leave_shelved(Transition::ShelvingExpired, State::Unacknowledged, at_us);
            }
        }
        self.status.last_us = now_us;
    }

    /// The condition changed, after its delay.
    fn change(&mut self, at_us: i64) {
        let is_active = self.status.is_active;
        match self.status.state {
            State::Normal | State::ReturnedUnacknowledged if is_active => {
                self.go(Transition::Raised, State::Unacknowledged, at_us);
            }
            State::Unacknowledged if !is_active => {
                self.go(Transition::Returned, State::ReturnedUnacknowledged, at_us);
            }
            State::Acknowledged if !is_active && self.timing.latching => {
                self.go(Transition::Returned, State::ReturnedUnacknowledged, at_us);
            }
            State::Acknowledged if !is_active => {
                self.go(Transition::Cleared, State::Normal, at_us);
            }
            _ => {}
        }
    }

    fn apply(&mut self, input: Input, now_us: i64) -> Result<(), Refused> {
        match input {
            Input::Tick => {}
            Input::Condition(is_met) => {
                let differs = is_met != self.status.is_active;
                self.status.pending_us = differs.then(|| self.status.pending_us.unwrap_or(now_us));
            }
            Input::Acknowledge => self.acknowledge(now_us)?,
            Input::Shelve { until_us } => self.shelve(until_us, now_us)?,
            Input::Unshelve => {
                self.permit(self.status.state == State::Shelved, "unshelve", "it is not shelved")?;
                self.status.shelved_until_us = None;
                self.leave_shelved(Transition::Unshelved, State::Acknowledged, now_us);
            }
            Input::Suppress => self.suppress(now_us),
            Input::Unsuppress => {
                self.status.is_suppressed = false;
                if self.status.state == State::Suppressed {
                    self.evaluate_again(Transition::Unsuppressed, now_us);
                }
            }
            Input::TakeOutOfService => {
                let is_permitted = self.status.state != State::OutOfService;
                self.permit(is_permitted, "take out of service", "it is out of service already")?;
                self.status.shelved_until_us = None;
                self.go(Transition::OutOfService, State::OutOfService, now_us);
            }
            Input::ReturnToService => {
                let is_permitted = self.status.state == State::OutOfService;
                self.permit(is_permitted, "return to service", "it is in service")?;
                self.evaluate_again(Transition::InService, now_us);
            }
        }
        Ok(())
    }

    fn acknowledge(&mut self, now_us: i64) -> Result<(), Refused> {
        let state = self.status.state;
        let permitted = "only an unacknowledged alarm can be acknowledged";
        self.permit(state.needs_acknowledgement(), "acknowledge", permitted)?;
        let is_active = state == State::Unacknowledged;
        let to = if is_active { State::Acknowledged } else { State::Normal };
        self.go(Transition::Acknowledged, to, now_us);
        Ok(())
    }

    fn shelve(&mut self, until_us: i64, now_us: i64) -> Result<(), Refused> {
        let is_possible = !matches!(self.status.state, State::Suppressed | State::OutOfService);
        self.permit(is_possible, "shelve", "it is suppressed or out of service")?;
        self.permit(until_us > now_us, "shelve", "the end of shelving has to be in the future")?;
        self.status.shelved_until_us = Some(until_us);
        self.go(Transition::Shelved, State::Shelved, now_us);
        Ok(())
    }

    /// Suppression is remembered in all states, and takes effect unless a person has shelved the
    /// alarm or taken it out of service.
    fn suppress(&mut self, now_us: i64) {
        self.status.is_suppressed = true;
        if self.status.state == State::Normal || self.status.state.is_open() {
            self.go(Transition::Suppressed, State::Suppressed, now_us);
        }
    }

    /// Leaves state `Shelved`: to `if_active` if the condition is met.
    fn leave_shelved(&mut self, transition: Transition, if_active: State, at_us: i64) {
        let to = match (self.status.is_suppressed, self.status.is_active) {
            (true, _) => State::Suppressed,
            (false, true) => if_active,
            (false, false) => State::Normal,
        };
        self.go(transition, to, at_us);
    }

    /// Ends suppression or time out of service: the condition is evaluated as if it had become met
    /// now, with its whole on-delay.
    fn evaluate_again(&mut self, transition: Transition, now_us: i64) {
        if self.status.is_suppressed {
            return self.go(transition, State::Suppressed, now_us);
        }
        let is_met = self.status.is_met();
        self.status.is_active = false;
        self.status.pending_us = is_met.then_some(now_us);
        self.go(transition, State::Normal, now_us);
    }

    fn go(&mut self, transition: Transition, to: State, at_us: i64) {
        let from = self.status.state;
        self.status.state = to;
        self.status.since_us = at_us;
        self.steps.push(Step { transition, from, to, at_us });
    }

    fn permit(
        &self,
        is_permitted: bool,
        command: &'static str,
        permitted: &'static str,
    ) -> Result<(), Refused> {
        let refused = Refused { state: self.status.state, command, permitted };
        if is_permitted { Ok(()) } else { Err(refused) }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
