//! Authentication and authorization of requests.
//!
//! *In*: a request, its [`Peer`], the user database behind [`AccessControl`].
//! *Out*: the request with a [`Caller`] in its extensions, or a refusal.
//! *Promise*: every route is in the table of [`routes`]; a route or method that is not in it is refused.
//! A request that changes something and is authenticated by a cookie comes from the pages of this service.

mod blocking;
mod caller;
mod control;
mod credentials;
pub mod routes;
mod same_origin;

pub use blocking::{Blocking, Cost};
pub use caller::{Caller, Login};
pub use control::{AccessControl, AccessMode};
pub use credentials::{clear_cookie, openid_cookie, session_cookie, set_openid_cookie};

use super::error::{Error, Problem};
use super::{Peer, Service};
use access::audit::{Event, Kind};
use access::{Action, Granted, Identity, Scope};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cockpit_ui::Asset;
use routes::Requirement;
use std::net::IpAddr;
use std::sync::Arc;
use url::form_urlencoded;

/// The properties of a route that [`authorize`] needs.
#[derive(Clone)]
pub struct Guarded {
    pub service: Arc<Service>,
    /// The pattern of the route in the table.
    pub path: &'static str,
    /// The files of the pages, of which all but the shell are public.
    pub pages: &'static [Asset],
}

/// Passes a request on if its sender has the permission for it.
pub async fn authorize(
    State(guarded): State<Guarded>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match admit(&guarded, &request) {
        Ok(caller) => Arc::new(caller),
        Err(error) => {
            note_refused(&guarded, &request, &error);
            return refusal(&guarded, &request, error);
        }
    };
    request.extensions_mut().insert(Arc::clone(&caller));
    let response = next.run(request).await;
    note_forbidden(&guarded, &caller, &response);
    response
}

/// Writes a refusal before the handler to the audit log: one of a request with an invalid token, or of
/// another site. A missing permission is written where it is checked.
fn note_refused(guarded: &Guarded, request: &Request, error: &Error) {
    let has_token = request.headers().contains_key(header::AUTHORIZATION);
    let is_noted = match error.status {
        StatusCode::UNAUTHORIZED => has_token,
        StatusCode::FORBIDDEN => error.code != "forbidden",
        _ => false,
    };
    if is_noted {
        let address = Peer::from_extensions(request.extensions()).address;
        write_refused(guarded, "-", address, error.code);
    }
}

/// Writes a refusal by a handler to the audit log.
fn note_forbidden(guarded: &Guarded, caller: &Caller, response: &Response) {
    if response.status() != StatusCode::FORBIDDEN {
        return;
    }
    let code = response.extensions().get::<Problem>().map_or("forbidden", |it| it.code);
    let actor = caller.identity().map_or("-", Identity::name);
    write_refused(guarded, actor, caller.peer.address, code);
}

fn write_refused(guarded: &Guarded, actor: &str, address: IpAddr, code: &'static str) {
    let service = &guarded.service;
    let detail = serde_json::json!({ "code": code, "route": guarded.path });
    let event = Event::new(Kind::Denied, actor, detail).from_address(address);
    service.refusals.write(&service.access, code, event, service.now_us());
}

fn admit(guarded: &Guarded, request: &Request) -> Result<Caller, Error> {
    let service = &guarded.service;
    let pattern = pattern(guarded, request);
    let requirement = routes::requirement(pattern, request.method())?;
    let peer = Peer::from_extensions(request.extensions());
    let now_us = service.now_us();
    let found = service.access.authenticate(request.headers(), peer, now_us);
    let caller = match (found, requirement) {
        // A login replaces a session that has ended, so an expired cookie does not cause a refusal.
        (Err(_), Requirement::Public) => Caller::anonymous(request.headers(), peer),
        (found, _) => found?,
    };
    same_origin::check(request, &caller)?;
    check(service, &caller, requirement, now_us)?;
    Ok(caller)
}

/// The row of the table that a request belongs to.
fn pattern(guarded: &Guarded, request: &Request) -> &'static str {
    let is_page = guarded.path == routes::PAGES;
    let is_file = is_page && crate::http::ui::is_static_file(guarded.pages, request.uri().path());
    if is_file { routes::FILES } else { guarded.path }
}

fn check(
    service: &Service,
    caller: &Caller,
    requirement: Requirement,
    now_us: i64,
) -> Result<(), Error> {
    match requirement {
        Requirement::Public => Ok(()),
        Requirement::Authenticated => caller.identity().map(drop),
        Requirement::Permission(action) => {
            let identity = caller.identity()?;
            permit(identity, action).inspect_err(|_| {
                let event = Event::denied(identity.name(), action, &Scope::Plant);
                let event = event.from_address(caller.peer.address);
                service.refusals.write(&service.access, action.name(), event, now_us);
            })
        }
    }
}

/// Whether a caller has a permission in any scope. Where it is valid in some scopes only, the handler
/// leaves out what is outside of them.
fn permit(identity: &Identity, action: Action) -> Result<(), Error> {
    match identity.granted(action) {
        Granted::Nowhere => Ok(identity.authorize(action, &Scope::Plant)?),
        Granted::Everywhere | Granted::Only(_) => Ok(()),
    }
}

/// The answer to a request that is refused: a page redirects to the login, everything else is an error.
fn refusal(guarded: &Guarded, request: &Request, error: Error) -> Response {
    let is_page = guarded.path == routes::PAGES
        && *request.method() == Method::GET
        && !request.uri().path().starts_with("/api/");
    if is_page && error.status == StatusCode::UNAUTHORIZED {
        return redirect_to_login(request);
    }
    let is_unauthenticated = error.status == StatusCode::UNAUTHORIZED;
    let mut response = error.into_response();
    if is_unauthenticated {
        credentials::challenge(request.headers(), response.headers_mut());
    }
    response
}

fn redirect_to_login(request: &Request) -> Response {
    let target = login_address(request.uri().path_and_query().map_or("/", |it| it.as_str()));
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(target) = HeaderValue::try_from(target) {
        headers.insert(header::LOCATION, target);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The address of the login, which returns to `next` if that is a path on this host: browsers interpret
/// `//name` and `/\name` as addresses of another host.
fn login_address(next: &str) -> String {
    let is_ours = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    if !is_ours || next == "/" {
        return "/login".to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("/login?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_leads_back_to_our_own_pages_only() {
        for (next, expected) in [
            ("/now", "/login?next=%2Fnow"),
            ("/make?day=2023-01-12&by=hour", "/login?next=%2Fmake%3Fday%3D2023-01-12%26by%3Dhour"),
            ("/", "/login"),
            ("//evil.example", "/login"),
            ("/\\evil.example", "/login"),
            ("https://evil.example/", "/login"),
        ] {
            assert_eq!(login_address(next), expected, "{next}");
        }
    }
}
