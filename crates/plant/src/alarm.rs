//! Alarms as ISA-18.2 manages them: rules, the life cycle of an alarm, and the performance of an
//! alarm system.
//!
//! *In*: rules, conditions as they become true and false, commands of operators, and the time.
//! *Out*: transitions of alarms, and figures over the journal of transitions.
//! *Promise*: pure functions; all times are microseconds since 1970-01-01T00:00:00Z. The same
//! inputs at the same times result in the same transitions, live and in a back-test.

mod comparison;
mod event;
pub mod flood;
mod glob;
mod life_cycle;
pub mod performance;
mod place;
mod rule;
mod states;

pub use comparison::{Comparison, Direction};
pub use event::{AlarmEvent, AlarmKey};
pub use flood::{FLOOD_WINDOW_US, Flood, FloodMeter};
pub use glob::{Glob, SensorPattern};
pub use life_cycle::{Input, Refused, Status, Step, Steps, Timing, next_due, step};
pub use performance::{Assessment, Metric, Performance};
pub use place::Place;
pub use rule::{
    Condition, CountCondition, DataCondition, DataKind, GroupBy, KpiCondition, KpiLevel, KpiPeriod,
    LocalText, Priority, Rule, Shelving, SqlCondition, Statement, Suppression, SuppressionCause,
};
pub use states::{State, Transition};
