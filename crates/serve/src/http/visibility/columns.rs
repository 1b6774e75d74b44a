//! The columns by which a row belongs to equipment, and the condition on them.

use super::Names;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::functions::string::expr_fn::{concat, starts_with};
use datafusion::prelude::{Expr, cast, ident, lit};
use live::Lanes;
use plant::equipment::Unit;
use plant::reading::SensorId;
use std::sync::Arc;

/// A column of a table that names equipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unit,
    Station,
    Line,
    Area,
    /// `plant` and `lane` together name the lane of a sensor.
    Lane,
    Sensor,
}

const KINDS: [(Kind, &[&str]); 6] = [
    (Kind::Unit, &["unit"]),
    (Kind::Station, &["station"]),
    (Kind::Line, &["line"]),
    (Kind::Area, &["area"]),
    (Kind::Lane, &["plant", "lane"]),
    (Kind::Sensor, &["sensor"]),
];

/// The visible equipment, by each of its names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Equipped {
    units: Names,
    stations: Names,
    lines: Names,
    /// Areas that are visible as a whole.
    areas: Names,
    /// Areas of visible units.
    areas_of_units: Names,
    /// Plant and lane of sensors, such as `Plant1.4`.
    lanes: Lanes,
}

impl Equipped {
    /// The equipment of `units`, and whole `areas`.
    pub fn new<'a>(
        units: impl Iterator<Item = &'a Unit>,
        areas: impl Iterator<Item = &'a String>,
    ) -> Self {
        let mut found = Self { areas: areas.cloned().collect(), ..Self::default() };
        let mut lanes = Names::new();
        for unit in units {
            found.units.insert(unit.name.clone());
            found.stations.extend(unit.stations.iter().cloned());
            found.areas_of_units.insert(unit.area.clone());
            found.lines.extend(Some(&unit.line).filter(|line| !line.is_empty()).cloned());
            lanes.extend(unit.lanes.iter().cloned());
        }
        Self { lanes: Arc::new(lanes), ..found }
    }

    /// Whether one of the columns names equipment.
    pub fn can_filter<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> bool {
        let columns: Vec<&str> = columns.into_iter().collect();
        KINDS.iter().any(|(_, names)| names.iter().all(|name| columns.contains(name)))
    }

    /// The condition on the rows of a table: every column that names equipment names visible
    /// equipment. False for a table without such a column.
    pub fn condition(&self, schema: &Schema) -> Expr {
        let conditions = kinds(schema).map(|kind| self.condition_of(kind, schema));
        conditions.reduce(Expr::and).unwrap_or_else(|| lit(false))
    }

    fn condition_of(&self, kind: Kind, schema: &Schema) -> Expr {
        let column = |name: &str| text_column(schema, name);
        match kind {
            Kind::Unit => is_one_of(column("unit"), &self.units),
            Kind::Station => is_one_of(column("station"), &self.stations),
            Kind::Line => is_one_of(column("line"), &self.lines),
            // The unit or line of the row decides, so its area has to be theirs only.
            Kind::Area if has_finer_kind(schema) => is_one_of(column("area"), &self.areas_of_units),
            Kind::Area => is_one_of(column("area"), &self.areas),
            Kind::Lane => {
                let lane = concat(vec![column("plant"), lit("."), column("lane")]);
                is_one_of(lane, &self.lanes)
            }
            Kind::Sensor => {
                let lanes = self.lanes.iter().map(|lane| format!("{lane}."));
                let begins = lanes.map(|lane| starts_with(column("sensor"), lit(lane)));
                begins.reduce(Expr::or).unwrap_or_else(|| lit(false))
            }
        }
    }

    /// Whether a unit, or else a line, is visible.
    pub fn has_place(&self, unit: Option<&str>, line: Option<&str>) -> bool {
        match (unit, line) {
            (Some(unit), _) => self.units.contains(unit),
            (None, Some(line)) => self.lines.contains(line),
            (None, None) => false,
        }
    }

    /// Whether a sensor is on visible equipment.
    pub fn has_sensor(&self, sensor: &SensorId) -> bool {
        self.lanes.contains(&format!("{}.{}", sensor.plant, sensor.lane))
    }

    /// Whether a sensor of this name is on visible equipment.
    pub fn has_sensor_name(&self, sensor: &str) -> bool {
        let is_in = |lane: &String| {
            sensor.strip_prefix(lane.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.lanes.iter().any(is_in)
    }

    /// The visible lanes.
    pub fn lanes(&self) -> Lanes {
        Arc::clone(&self.lanes)
    }

    /// A text that differs between sets of equipment.
    pub fn fingerprint(&self) -> String {
        format!("{self:?}")
    }
}

/// The kinds of equipment that the columns of a table name.
fn kinds(schema: &Schema) -> impl Iterator<Item = Kind> {
    let is_there = |name: &&str| schema.index_of(name).is_ok();
    KINDS.iter().filter(move |(_, names)| names.iter().all(is_there)).map(|(kind, _)| *kind)
}

fn has_finer_kind(schema: &Schema) -> bool {
    kinds(schema).any(|kind| kind != Kind::Area)
}

/// A column as text: equipment may be named by a dictionary, or by numbers.
fn text_column(schema: &Schema, name: &str) -> Expr {
    let is_text = |field: &Field| *field.data_type() == DataType::Utf8;
    let column = ident(name);
    match schema.field_with_name(name) {
        Ok(field) if is_text(field) => column,
        _ => cast(column, DataType::Utf8),
    }
}

fn is_one_of(value: Expr, names: &Names) -> Expr {
    value.in_list(names.iter().map(|name| lit(name.as_str())).collect(), false)
}
