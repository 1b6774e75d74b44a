//! Roles, permissions and the scopes of the plant, for choosing from them.

use super::uncached;
use crate::http::Service;
use crate::http::error::Refusals;
use access::permission::{Reach, Rule, TABLE};
use access::{Role, Scope};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plant::equipment::Equipment;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::ToSchema;

/// Roles and their permissions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Roles {
    /// From the fewest permissions to the most.
    pub roles: Vec<String>,
    pub permissions: Vec<Permission>,
    /// The scopes that a role can be assigned in: the plant, its areas, its lines.
    pub scopes: Vec<String>,
}

/// A permission and the roles that include it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Permission {
    pub name: String,
    /// What it allows, to follow "may".
    pub text: String,
    /// `scoped`: in the scope of the role; `plant`: only with the role in the whole plant; `own`: on the
    /// own account.
    pub reach: String,
    /// Whether an API token can have it.
    pub by_token: bool,
    pub roles: Vec<String>,
}

/// Returns the roles, their permissions and the scopes of the plant.
#[utoipa::path(
    get, path = "/api/v1/roles", operation_id = "readRoles", tag = "users",
    responses((status = 200, description = "The roles", body = Roles), Refusals)
)]
pub async fn roles(State(service): State<Arc<Service>>) -> Response {
    let answer = Roles {
        roles: Role::ALL.iter().map(ToString::to_string).collect(),
        permissions: TABLE.iter().map(Permission::new).collect(),
        scopes: scopes(service.lake.equipment()),
    };
    uncached(StatusCode::OK, answer)
}

/// The plant, then each area with its lines.
fn scopes(equipment: &Equipment) -> Vec<String> {
    let units = equipment.units.iter().filter(|unit| !unit.area.is_empty());
    let found = units.flat_map(|unit| {
        let area = unit.area.clone();
        let line = Scope::Line { area: area.clone(), line: unit.line.clone() };
        [Some(Scope::Area(area)), (!unit.line.is_empty()).then_some(line)]
    });
    let found: BTreeSet<Scope> = found.flatten().chain([Scope::Plant]).collect();
    found.iter().map(ToString::to_string).collect()
}

impl Permission {
    fn new(rule: &Rule) -> Self {
        let reach = match rule.reach {
            Reach::Scoped => "scoped",
            Reach::Plant => "plant",
            Reach::Own => "own",
        };
        Self {
            name: rule.name.to_owned(),
            text: rule.text.to_owned(),
            reach: reach.to_owned(),
            by_token: rule.by_token,
            roles: rule.roles.iter().map(ToString::to_string).collect(),
        }
    }
}
