//! Every role in every scope on every route and every object, from the tables of permissions and of routes.

mod alarms;
mod plant;
mod requests;
mod rows;

use super::world::{World, made};
use crate::http::authorization::routes::{FILES, PAGES, Requirement, Route, TABLE};
use crate::http::openapi::document;
use access::{Action, Role};
use plant::Subject;
use requests::{REQUESTS, Reply};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt as _;

/// A row of the table of routes with its request.
struct Case {
    route: &'static Route,
    address: &'static str,
    reply: Reply,
}

fn cases() -> Vec<Case> {
    let case = |route: &'static Route| {
        let mut found = REQUESTS
            .iter()
            .filter(|(method, path, ..)| (route.method.as_str(), route.path) == (*method, *path));
        let request = found.next();
        let (.., address, reply) = request.unwrap_or_else(|| panic!("no request for {route:?}"));
        Case { route, address, reply: *reply }
    };
    TABLE.iter().map(case).collect()
}

/// Whether a subject, or without one nobody, gets an answer.
fn is_granted(subject: Option<&Subject>, case: &Case) -> bool {
    match (case.route.requirement, subject) {
        (Requirement::Public, _) => true,
        (_, None) => false,
        (Requirement::Authenticated, Some(_)) => true,
        (Requirement::Permission(action), Some(subject)) => match case.reply {
            Reply::InScope => !subject.granted(action).is_empty(),
            Reply::Plant => subject.has_everywhere(action),
            Reply::Files => [action, Action::ReadTables, Action::Download]
                .into_iter()
                .all(|it| subject.has_everywhere(it)),
            Reply::Sql => [action, Action::RunSql].into_iter().all(|it| subject.has_everywhere(it)),
        },
    }
}

/// Sends the request of a case and returns the status of the answer, without the body of a stream.
async fn status(world: &World, headers: &[(&str, &str)], case: &Case) -> u16 {
    let method = case.route.method.as_str();
    let body = (method != "GET" && method != "DELETE").then(|| json!({}));
    let request = made(method, case.address, headers, body);
    world.router().oneshot(request).await.unwrap().status().as_u16()
}

async fn check(world: &World, subject: Option<&Subject>, case: &Case) {
    // A session of its own: a logout would end that of the other routes.
    let cookie = subject.map(|it| world.cookie(&it.name)).unwrap_or_default();
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let status = status(world, &headers, case).await;
    let (method, path) = (case.route.method.as_str(), case.route.path);
    let expected = is_granted(subject, case);
    assert_eq!(
        !matches!(status, 401 | 403 | 303),
        expected,
        "{subject:?} {method} {path}: {status}"
    );
    assert!(status < 500, "{subject:?} {method} {path}: {status}");
    if !expected {
        let without_login = if path == PAGES { 303 } else { 401 };
        let expected = if subject.is_some() { 403 } else { without_login };
        assert_eq!(status, expected, "{subject:?} {method} {path}");
    }
}

/// Every role in every scope of the plant, and nobody, with every method of every route.
#[tokio::test]
async fn each_role_reaches_exactly_the_routes_of_its_permissions() {
    let subjects = plant::singles();
    let world = plant::world(&subjects);
    let mut checked = 0;
    for subject in subjects.iter().map(Some).chain([None]) {
        for case in &cases() {
            check(&world, subject, case).await;
            checked += 1;
        }
    }
    assert_eq!(checked, TABLE.len() * (Role::ALL.len() * plant::scopes().len() + 1));
}

/// A token with one permission reaches the routes of this permission and no other.
#[tokio::test]
async fn a_token_reaches_exactly_the_routes_of_its_permissions() {
    let subjects = plant::singles();
    let world = plant::world(&subjects);
    let owner = subjects.iter().find(|it| it.has_everywhere(Action::ManageUsers)).unwrap();
    for rule in access::permission::TABLE.iter().filter(|rule| rule.by_token) {
        let bearer = format!("Bearer {}", world.token(&owner.name, rule.action));
        for case in &cases() {
            let status = status(&world, &[("authorization", &bearer)], case).await;
            let expected = match case.route.requirement {
                Requirement::Public | Requirement::Authenticated => true,
                // These need a second permission, which the token does not have.
                Requirement::Permission(_) if [Reply::Files, Reply::Sql].contains(&case.reply) => {
                    false
                }
                Requirement::Permission(action) => action == rule.action,
            };
            let is_answered = !matches!(status, 401 | 403 | 303);
            assert_eq!(is_answered, expected, "{} {:?}: {status}", rule.name, case.route);
        }
    }
}

/// A request for a route that is not in the table is not needed any more.
#[test]
fn the_table_and_the_requests_have_the_same_routes() {
    let listed: Vec<_> = TABLE.iter().map(|it| (it.method.as_str(), it.path)).collect();
    let tested: Vec<_> = REQUESTS.iter().map(|(method, path, ..)| (*method, *path)).collect();
    assert_eq!(tested, listed);
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
            let (.., address, _) = REQUESTS.iter().find(|(_, it, ..)| *it == path).unwrap();
            let reply = world.request_as(&cookie, method, address, None).await;
            assert_eq!(reply.refusal(), (405, "wrong_method".into()), "{method} {path}");
        }
    }
}

/// Files and pages of the interface that its description leaves out, and routes of other protocols.
const UNDESCRIBED: [&str; 23] = [
    FILES,
    PAGES,
    "/login",
    "/setup",
    "/api/v1/openapi.json",
    "/api/v1/docs",
    "/api/v1/docs.js",
    "/api/v1/docs.css",
    "/odata/v4",
    "/odata/v4/",
    "/odata/v4/$metadata",
    "/odata/v4/{set}",
    "/odata/v4/{set}/$count",
    "/sharing/shares",
    "/sharing/shares/{share}",
    "/sharing/shares/{share}/schemas",
    "/sharing/shares/{share}/schemas/{schema}/tables",
    "/sharing/shares/{share}/all-tables",
    "/sharing/shares/{share}/schemas/{schema}/tables/{table}/version",
    "/sharing/shares/{share}/schemas/{schema}/tables/{table}/metadata",
    "/sharing/shares/{share}/schemas/{schema}/tables/{table}/query",
    "/sharing/shares/{share}/schemas/{schema}/tables/{table}/changes",
    "/sharing/files/{name}",
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
