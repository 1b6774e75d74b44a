//! Every role on every route, from the tables of permissions and of routes.

use super::world::World;
use crate::http::authorization::routes::{FILES, PAGES, Requirement, Route, TABLE};
use crate::http::openapi::document;
use access::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An address of a route.
fn address(path: &str) -> String {
    match path {
        PAGES => "/now".to_owned(),
        FILES => "/assets/now-3f2a.js".to_owned(),
        path => path
            .replace("{schema}/{table}", "gold/by_unit")
            .replace("{name}", "nobody")
            .replace("{provider}", "nobody")
            .replace("{id}", "999999"),
    }
}

/// A body that every route refuses only after it has checked the permission.
fn body(route: &Route) -> Option<Value> {
    (route.method.as_str() != "GET" && route.method.as_str() != "DELETE").then(|| json!({}))
}

fn is_granted(role: Option<Role>, route: &Route) -> bool {
    match (route.requirement, role) {
        (Requirement::Public, _) => true,
        (_, None) => false,
        (Requirement::Authenticated, Some(_)) => true,
        (Requirement::Permission(action), Some(role)) => action.rule().roles.contains(&role),
    }
}

/// The live stream does not end, and a login or a setup with an empty body is invalid for all.
fn is_streamed(route: &Route) -> bool {
    route.path == "/api/v1/live"
}

/// Checks one role, or no login, on one route.
async fn check(world: &World, role: Option<Role>, route: &Route) {
    // A session of its own: a logout would end that of the other routes.
    let cookie = role.map(|role| world.cookie(role.name())).unwrap_or_default();
    let (name, method) = (role.map_or("nobody", Role::name), route.method.as_str());
    let reply = world.request_as(&cookie, method, &address(route.path), body(route)).await;
    let status = reply.status.as_u16();
    let is_refused = matches!(status, 401 | 403 | 303);
    let expected = is_granted(role, route);
    assert_eq!(!is_refused, expected, "{name} {method} {}: {status}", route.path);
    if !expected && role.is_none() {
        let expected = if route.path == PAGES { 303 } else { 401 };
        assert_eq!(status, expected, "{method} {}", route.path);
    }
}

#[tokio::test]
async fn each_role_reaches_exactly_the_routes_of_its_permissions() {
    let world = World::new();
    let mut checked = 0;
    for role in Role::ALL.map(Some).into_iter().chain([None]) {
        for route in TABLE.iter().filter(|it| !is_streamed(it)) {
            check(&world, role, route).await;
            checked += 1;
        }
    }
    assert_eq!(checked, (TABLE.len() - 1) * 6);
}

#[tokio::test]
async fn other_methods_of_a_route_are_refused() {
    let world = World::new();
    let cookie = world.cookie("administrator");
    let paths: BTreeSet<&str> = TABLE.iter().map(|it| it.path).collect();
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let is_listed = TABLE.iter().any(|it| it.path == path && it.method.as_str() == method);
            if is_listed {
                continue;
            }
            let reply = world.request_as(&cookie, method, &address(path), None).await;
            assert_eq!(reply.refusal(), (405, "wrong_method".into()), "{method} {path}");
        }
    }
}

/// Files and pages of the interface that its description leaves out.
const UNDESCRIBED: [&str; 8] = [
    FILES,
    PAGES,
    "/login",
    "/setup",
    "/api/v1/openapi.json",
    "/api/v1/docs",
    "/api/v1/docs.js",
    "/api/v1/docs.css",
];

#[test]
fn the_table_and_the_description_have_the_same_routes() {
    let described: Value = serde_json::from_str(&document().unwrap()).unwrap();
    let mut expected = BTreeSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            expected.insert((path.clone(), method.to_uppercase()));
        }
    }
    let listed = TABLE.iter().filter(|it| !UNDESCRIBED.contains(&it.path));
    let listed: BTreeSet<_> =
        listed.map(|it| (it.path.to_owned(), it.method.to_string())).collect();
    assert_eq!(listed, expected);
}
