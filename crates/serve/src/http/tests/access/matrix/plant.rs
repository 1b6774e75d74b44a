//! A generated plant: equipment with every kind of place, users with every role in every scope, and a
//! second, independent rule of what each of them may see.

use super::super::super::lake::{Lake, batch};
use super::super::world::World;
use crate::http::AccessMode;
use access::permission::Reach;
use access::{Action, Role};
use arrow::array::{ArrayRef, StringArray};
use plant::equipment::{Equipment, Unit};
use plant::reading::{Reading, SensorId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Name, area and line of the units. The last one is on no line, the one before is on a line without an
/// area.
const UNITS: [(&str, &str, &str); 6] = [
    ("printer", "SMT", "S1"),
    ("oven", "SMT", "S1"),
    ("mounter", "SMT", "S2"),
    ("wave", "THT", "T1"),
    ("tester", "", "X1"),
    ("store", "", ""),
];

/// The object of a row that is about no equipment.
pub const NOWHERE: &str = "nowhere";

/// Something at a place: a unit, a line, an area, or the whole plant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub name: String,
    area: String,
    line: String,
}

impl Object {
    fn new(name: &str, area: &str, line: &str) -> Self {
        Self { name: name.to_owned(), area: area.to_owned(), line: line.to_owned() }
    }
}

/// Every unit, as object of its own.
pub fn units() -> Vec<Object> {
    UNITS.iter().map(|(unit, area, line)| Object::new(unit, area, line)).collect()
}

/// Every line, as object of its own.
pub fn lines() -> Vec<Object> {
    let named: BTreeSet<_> = UNITS.iter().map(|(_, area, line)| (line, area)).collect();
    let named = named.into_iter().filter(|(line, _)| !line.is_empty());
    named.map(|(line, area)| Object::new(line, area, line)).collect()
}

/// Every area, as object of its own.
pub fn areas() -> Vec<Object> {
    let named: BTreeSet<_> = UNITS.iter().map(|(_, area, _)| area).collect();
    let named = named.into_iter().filter(|area| !area.is_empty());
    named.map(|area| Object::new(area, area, "")).collect()
}

/// The whole plant as object.
pub fn whole() -> Vec<Object> {
    vec![Object::new(NOWHERE, "", "")]
}

/// The number of a unit's lane.
fn lane(unit: &str) -> usize {
    // Lane 1 is the beginning of lane 10, which a comparison by prefix would confuse.
    UNITS.iter().position(|(name, ..)| *name == unit).map_or(0, |at| 10_usize.pow(at as u32))
}

/// The sensor of a unit.
pub fn sensor(unit: &str) -> String {
    format!("Plant1.{}.{unit}.m", lane(unit))
}

/// The equipment of the plant.
pub fn equipment() -> Equipment {
    let unit = |(name, area, line): &(&str, &str, &str)| Unit {
        name: (*name).into(),
        line: (*line).into(),
        area: (*area).into(),
        stations: vec![format!("{name}-station")],
        lanes: vec![format!("Plant1.{}", lane(name))],
    };
    Equipment { units: UNITS.iter().map(unit).collect(), ..Equipment::default() }
}

/// Every scope of the plant, and one that contains no equipment.
pub fn scopes() -> Vec<String> {
    let areas = areas().into_iter().map(|it| format!("area:{}", it.area));
    let lines = lines().into_iter().filter(|it| !it.area.is_empty());
    let lines = lines.map(|it| format!("line:{}/{}", it.area, it.line));
    let plant = ["plant", "area:gone"].map(str::to_owned);
    plant.into_iter().chain(areas).chain(lines).collect()
}

/// A user with roles.
#[derive(Debug, Clone)]
pub struct Subject {
    pub name: String,
    roles: Vec<(Role, String)>,
}

/// A user for each role in each scope.
pub fn singles() -> Vec<Subject> {
    let in_scopes = |role: Role| {
        scopes().into_iter().enumerate().map(move |(at, scope)| Subject {
            name: format!("{}{at}", role.name()),
            roles: vec![(role, scope)],
        })
    };
    Role::ALL.into_iter().flat_map(in_scopes).collect()
}

/// A user for each two scopes: a viewer in one and a supervisor in the other.
pub fn pairs() -> Vec<Subject> {
    let scopes = scopes();
    let mut subjects = Vec::new();
    for (at, viewer) in scopes.iter().enumerate() {
        for (other, supervisor) in scopes.iter().enumerate() {
            let roles =
                vec![(Role::Viewer, viewer.clone()), (Role::Supervisor, supervisor.clone())];
            subjects.push(Subject { name: format!("pair{at}-{other}"), roles });
        }
    }
    subjects
}

impl Subject {
    /// The scopes in which the subject has the permission.
    pub fn granted(&self, action: Action) -> Vec<&str> {
        let rule = action.rule();
        let held = self.roles.iter().filter(|(role, scope)| {
            rule.roles.contains(role) && (rule.reach != Reach::Plant || scope == "plant")
        });
        held.map(|(_, scope)| scope.as_str()).collect()
    }

    /// Whether the subject has all permissions on an object.
    pub fn sees(&self, actions: &[Action], object: &Object) -> bool {
        let has = |action: &Action| self.granted(*action).iter().any(|it| contains(it, object));
        actions.iter().all(has)
    }

    /// Whether the subject has the permission in the whole plant.
    pub fn has_everywhere(&self, action: Action) -> bool {
        self.granted(action).contains(&"plant")
    }

    /// The names of the objects that the subject has all permissions on.
    pub fn seen(&self, actions: &[Action], objects: &[Object]) -> BTreeSet<String> {
        let seen = objects.iter().filter(|object| self.sees(actions, object));
        seen.map(|object| object.name.clone()).collect()
    }
}

/// Whether a scope, as text, contains an object.
fn contains(scope: &str, object: &Object) -> bool {
    match scope.split([':', '/']).collect::<Vec<_>>()[..] {
        ["plant"] => true,
        ["area", area] => object.area == area,
        ["line", area, line] => object.area == area && object.line == line,
        _ => false,
    }
}

/// A table of the plant: its name, and the objects that its rows are about.
pub struct Table {
    pub schema: &'static str,
    pub name: &'static str,
    /// Whether it has a column that names equipment.
    pub names_equipment: bool,
    pub objects: Vec<Object>,
}

/// Every table of the plant.
pub fn tables() -> Vec<Table> {
    let table =
        |schema, name, names_equipment, objects| Table { schema, name, names_equipment, objects };
    vec![
        table("gold", "by_unit", true, units()),
        table("gold", "by_station", true, units()),
        table("gold", "by_lane", true, units()),
        table("gold", "by_sensor", true, units()),
        table("gold", "by_line", true, lines()),
        table("gold", "by_area", true, areas()),
        table("gold", "by_all", true, units()),
        table("gold", "stock", false, whole()),
        table("silver", "event", true, units()),
        table("silver", "rejected", false, whole()),
        table("bronze", "event", true, units()),
        table("meta", "files", false, whole()),
        table("meta", "other", false, whole()),
        table("meta", "kpis", false, whole()),
    ]
}

/// The columns by which the rows of a table name equipment.
fn columns(table: &Table) -> Vec<(&'static str, ArrayRef)> {
    let text = |value: &dyn Fn(&Object) -> Option<String>| -> ArrayRef {
        Arc::new(table.objects.iter().map(value).collect::<StringArray>())
    };
    let name = |object: &Object| Some(object.name.clone());
    let not_empty = |text: &String| Some(text.clone()).filter(|it| !it.is_empty());
    match table.name {
        "by_unit" | "event" => vec![("unit", text(&name))],
        "by_station" => vec![("station", text(&|it| Some(format!("{}-station", it.name))))],
        "by_lane" => vec![
            ("plant", text(&|_| Some("Plant1".to_owned()))),
            ("lane", text(&|it| Some(lane(&it.name).to_string()))),
        ],
        "by_sensor" => vec![("sensor", text(&|it| Some(sensor(&it.name))))],
        "by_line" => vec![("line", text(&|it| not_empty(&it.line)))],
        "by_area" => vec![("area", text(&|it| not_empty(&it.area)))],
        "by_all" => vec![
            ("area", text(&|it| not_empty(&it.area))),
            ("line", text(&|it| not_empty(&it.line))),
            ("unit", text(&name)),
        ],
        _ => Vec::new(),
    }
}

fn lake() -> Lake {
    let rows = |table: &Table| {
        let names = table.objects.iter().map(|it| Some(it.name.clone()));
        let object: ArrayRef = Arc::new(names.collect::<StringArray>());
        let columns = columns(table).into_iter().chain([("object", object)]);
        (table.schema, table.name, batch(columns.collect()))
    };
    let mut lake = Lake::of(tables().iter().map(rows).collect());
    lake.equipment = equipment();
    lake
}

/// The service of the plant with these users, and a reading of every sensor.
pub fn world(subjects: &[Subject]) -> World {
    let world = World::with_lake(AccessMode::Login, lake());
    for subject in subjects {
        let roles: Vec<_> =
            subject.roles.iter().map(|(role, scope)| (*role, scope.as_str())).collect();
        world.add(&subject.name, &roles);
    }
    record_readings(&world);
    world
}

fn record_readings(world: &World) {
    let registry = world.live.registry();
    let id = |unit: &str| SensorId {
        plant: "Plant1".into(),
        lane: lane(unit).to_string(),
        component: unit.into(),
        manufacturer: "m".into(),
    };
    let mut sensors = registry.write().unwrap();
    let numbers = UNITS.map(|(unit, ..)| sensors.register(id(unit)));
    drop(sensors);
    let at_us = world.now_us();
    world.live.take(&numbers.map(|sensor| Reading { sensor, at_us, temp_c: 21.5 }), at_us);
}
