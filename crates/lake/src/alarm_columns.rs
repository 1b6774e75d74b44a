//! Name and columns of `silver.alarm_event`, which plans need without the table.

use crate::bronze::utc;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use config::model::TableName;
use std::sync::{Arc, LazyLock};

/// What the table is, for the catalogue.
pub const DESCRIPTION: &str = "Entries of the journal of alarms, one row per transition.";

/// The columns: name, type, unit, description.
pub(crate) type Column = (&'static str, fn() -> DataType, Option<&'static str>, &'static str);

pub(crate) const COLUMNS: [Column; 20] = [
    ("number", || DataType::Int64, Some("1"), "Position in the journal, from 1, without gaps."),
    ("at", utc, None, "When the transition happened, UTC."),
    ("hour_at", utc, None, "Start of its hour, UTC."),
    ("at_day_local", || DataType::Date32, None, "Its day on the plant's clock."),
    ("at_hour_local", || DataType::Int32, Some("h"), "Its hour on the plant's clock."),
    ("at_shift", || DataType::Utf8, None, "Its shift; null outside the shifts."),
    ("at_production_day", || DataType::Date32, None, "Its production day."),
    ("rule", || DataType::Utf8, None, "The rule of the alarm."),
    (
        "object",
        || DataType::Utf8,
        None,
        "The object of the alarm: a sensor, a group, a unit, a table.",
    ),
    (
        "occurrence",
        || DataType::Int64,
        Some("1"),
        "Number of the entry that raised the alarm; 0 without one.",
    ),
    ("transition", || DataType::Utf8, None, "What happened: raised, acknowledged and so on."),
    ("from_state", || DataType::Utf8, None, "State of the alarm before."),
    ("to_state", || DataType::Utf8, None, "State of the alarm after."),
    ("priority", || DataType::Int32, Some("1"), "Priority of the rule at that time, 1 to 4."),
    ("value", || DataType::Float64, Some("unit of the rule"), "Value that was compared."),
    ("value_limit", || DataType::Float64, Some("unit of the rule"), "Limit at that time."),
    ("reading_at", utc, None, "When the value was measured, UTC."),
    ("actor", || DataType::Utf8, None, "User who caused the transition; null if the rule did."),
    ("comment", || DataType::Utf8, None, "Comment or reason of the user."),
    ("evidence", || DataType::Utf8, None, "Why the condition is met."),
];

/// The name of the table.
pub fn name() -> TableName {
    TableName::new("silver", "alarm_event")
}

/// The schema of the table.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let fields = COLUMNS.map(|(name, kind, _, _)| Field::new(name, kind(), true));
        Arc::new(Schema::new(fields.to_vec()))
    });
    SCHEMA.clone()
}

/// Unit and description of a column; `None` if the table has no such column.
pub fn unit_and_description(column: &str) -> Option<(Option<&'static str>, &'static str)> {
    let found = COLUMNS.iter().find(|(name, _, _, _)| *name == column);
    found.map(|(_, _, unit, description)| (*unit, *description))
}
