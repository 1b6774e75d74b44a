//! What a caller can see of the plant: tables, rows, sensors.
//!
//! *In*: the scopes a permission is granted in, the equipment of the plant.
//! *Out*: a [`Visibility`], which filters tables, KPIs and sensors.
//! *Promise*: to a user whose permission is limited to areas or lines, a row is visible only if all its
//! columns of equipment name equipment in these scopes. A table without such a column is hidden, except
//! for the catalogue. The filter is part of the table that a query reads, so no SQL bypasses it.

mod barrier;
mod catalog;
mod columns;
mod places;

pub use columns::Equipped;
pub use places::find_scope;

use super::Service;
use super::authorization::Caller;
use super::error::Error;
use crate::{LakeReader, TableInfo};
use access::{Action, Granted, Identity, Scope};
use arrow::datatypes::Schema;
use axum::http::StatusCode;
use barrier::Barrier;
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{Expr, SessionContext};
use lake::kpi::{Level, Row};
use live::Lanes;
use plant::equipment::{Equipment, Unit};
use plant::reading::SensorId;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Tables that hold sources, received files and rejected records, beside all of bronze: they need
/// [`Action::ReadSources`].
const SOURCES: [(&str, &str); 5] = [
    ("silver", "rejected"),
    ("meta", "files"),
    ("meta", "runs"),
    ("meta", "expired"),
    ("meta", "sources"),
];
const SOURCE_SCHEMA: &str = "bronze";

/// The catalogue: the tables, columns and KPIs. It is not limited to scopes.
const CATALOGUE: [(&str, &str); 4] =
    [("meta", "tables"), ("meta", "columns"), ("meta", "lineage"), ("meta", "kpis")];

/// Schemas whose tables hold rows about equipment.
const ROW_SCHEMAS: [&str; 2] = ["silver", "gold"];

/// What a caller can see.
#[derive(Debug, Clone)]
pub struct Visibility {
    can_read_sources: bool,
    /// `None` if everything in the plant is visible.
    only: Option<Arc<Equipped>>,
}

/// How much of a table is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Nothing,
    /// Rows about visible equipment.
    Rows,
    Everything,
}

impl Visibility {
    /// What all of `actions` are granted on. Fails if one of them is granted nowhere.
    pub fn new(
        identity: &Identity,
        actions: &[Action],
        equipment: &Equipment,
    ) -> Result<Self, Error> {
        let granted: Vec<Granted> = actions.iter().map(|it| identity.granted(*it)).collect();
        let refused = actions.iter().zip(&granted).find(|(_, it)| **it == Granted::Nowhere);
        if let Some((action, _)) = refused {
            identity.authorize(*action, &Scope::Plant)?;
        }
        let is_everywhere = granted.iter().all(|it| *it == Granted::Everywhere);
        let is_visible = |unit: &&Unit| granted.iter().all(|it| covers(it, unit));
        let only = (!is_everywhere).then(|| {
            let units = equipment.units.iter().filter(is_visible);
            let areas = equipment.units.iter().map(|unit| &unit.area);
            let areas = areas.filter(|area| is_area(&granted, area));
            Arc::new(Equipped::new(units, areas))
        });
        let can_read_sources = identity.granted(Action::ReadSources) == Granted::Everywhere;
        Ok(Self { can_read_sources, only })
    }

    /// What a caller can see by all of `actions`.
    pub fn of_caller(
        service: &Service,
        caller: &Caller,
        actions: &[Action],
    ) -> Result<Self, Error> {
        Self::new(caller.identity()?, actions, service.lake.equipment())
    }

    /// Whether every row of every table is visible.
    pub fn is_everything(&self) -> bool {
        self.can_read_sources && self.only.is_none()
    }

    /// Whether the permissions are valid in the whole plant, so that no rows are left out.
    pub fn is_plant(&self) -> bool {
        self.only.is_none()
    }

    /// How much of a table is visible, by its columns.
    pub fn extent<'a>(
        &self,
        schema: &str,
        table: &str,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Extent {
        let is_source = schema == SOURCE_SCHEMA || SOURCES.contains(&(schema, table));
        if is_source && !self.can_read_sources {
            return Extent::Nothing;
        }
        let Some(only) = &self.only else { return Extent::Everything };
        if CATALOGUE.contains(&(schema, table)) {
            return Extent::Everything;
        }
        let is_filterable = ROW_SCHEMAS.contains(&schema) && only.can_filter(columns);
        if is_filterable { Extent::Rows } else { Extent::Nothing }
    }

    /// How much of a table is visible.
    pub fn of_table(&self, info: &TableInfo) -> Extent {
        let columns = info.columns.iter().map(|column| column.name.as_str());
        self.extent(&info.schema, &info.table, columns)
    }

    /// The condition on the rows of a table that are visible; `None` if all are.
    pub fn condition(&self, schema: &Schema) -> Option<Expr> {
        self.only.as_ref().map(|only| only.condition(schema))
    }

    /// The visible rows of a frame.
    pub fn rows(&self, frame: DataFrame) -> Result<DataFrame, Error> {
        match self.condition(frame.schema().as_arrow()) {
            Some(condition) => Ok(frame.filter(condition)?),
            None => Ok(frame),
        }
    }

    /// The visible rows of a table; `None` if it is hidden.
    pub fn table(
        &self,
        schema: &str,
        table: &str,
        provider: Arc<dyn TableProvider>,
    ) -> Option<Arc<dyn TableProvider>> {
        let columns = provider.schema();
        let names = columns.fields().iter().map(|field| field.name().as_str());
        match (self.extent(schema, table, names), self.condition(&columns)) {
            (Extent::Everything, _) => Some(provider),
            (Extent::Rows, Some(condition)) => Some(Arc::new(Barrier::new(provider, condition))),
            (Extent::Rows, None) | (Extent::Nothing, _) => None,
        }
    }

    /// A session in which only visible tables exist, with their visible rows.
    pub async fn session(&self, service: &Service) -> Result<SessionContext, Error> {
        let session = service.lake.session().await.map_err(Error::from_lower_layer)?;
        self.restricted(service.lake.as_ref(), session).await
    }

    /// A session over the lake in which only visible tables exist, with their visible rows.
    pub async fn restricted(
        &self,
        lake: &dyn LakeReader,
        session: SessionContext,
    ) -> Result<SessionContext, Error> {
        if !self.is_everything() {
            let tables = lake.tables().await.map_err(Error::from_lower_layer)?;
            catalog::restrict(&session, self, &tables);
        }
        Ok(session)
    }

    /// The rows of KPIs that are visible. Fails for a level that sums over all lines.
    pub fn kpis(&self, level: Level, mut rows: Vec<Row>) -> Result<Vec<Row>, Error> {
        let Some(only) = &self.only else { return Ok(rows) };
        if level == Level::Plant {
            let message = "no permission for the level `plant`, which sums over all lines: request the \
                           level `line` or `unit`";
            return Err(Error::new(StatusCode::FORBIDDEN, "forbidden", message));
        }
        rows.retain(|row| {
            only.has_place(row.dimensions.unit.as_deref(), row.dimensions.line.as_deref())
        });
        Ok(rows)
    }

    /// Whether a sensor is visible.
    pub fn has_sensor(&self, sensor: &SensorId) -> bool {
        self.only.as_ref().is_none_or(|only| only.has_sensor(sensor))
    }

    /// Refuses a sensor that is not visible, by its name: plant, lane, component and manufacturer with
    /// dots between them.
    pub fn check_sensor(&self, sensor: &str) -> Result<(), Error> {
        let is_visible = self.only.as_ref().is_none_or(|only| only.has_sensor_name(sensor));
        let message = "no permission to read this sensor: it is outside the scopes of your roles";
        is_visible
            .then_some(())
            .ok_or_else(|| Error::new(StatusCode::FORBIDDEN, "forbidden", message))
    }

    /// The lanes whose sensors are visible; `None` for all.
    pub fn lanes(&self) -> Option<Lanes> {
        self.only.as_ref().map(|only| only.lanes())
    }

    /// A text that differs between visibilities, for validators of caches.
    pub fn fingerprint(&self) -> String {
        let only = self.only.as_ref().map(|only| only.fingerprint()).unwrap_or_default();
        format!("{}{only}", self.can_read_sources)
    }
}

fn covers(granted: &Granted, unit: &Unit) -> bool {
    covers_scope(granted, &unit_scope(unit))
}

/// The narrowest scope that contains a unit.
fn unit_scope(unit: &Unit) -> Scope {
    match (unit.area.is_empty(), unit.line.is_empty()) {
        (true, _) => Scope::Plant,
        (false, true) => Scope::Area(unit.area.clone()),
        (false, false) => Scope::Line { area: unit.area.clone(), line: unit.line.clone() },
    }
}

fn is_area(granted: &[Granted], area: &str) -> bool {
    let scope = Scope::Area(area.to_owned());
    !area.is_empty() && granted.iter().all(|it| covers_scope(it, &scope))
}

fn covers_scope(granted: &Granted, scope: &Scope) -> bool {
    match granted {
        Granted::Nowhere => false,
        Granted::Everywhere => true,
        Granted::Only(scopes) => scopes.iter().any(|it| it.covers(scope)),
    }
}

/// Names of visible equipment.
type Names = BTreeSet<String>;
