//! The description of the interface, and a page to read it and try it.

mod complete;

use super::accounts::{audit, openid, own, own_tokens, roles, session, users};
use super::alarms::{backtest, commands, detail, list, notifications, performance, rules};
use super::boards::{catalogue as board_catalogue, data, edit};
use super::reports::{catalogue, issued, run};
use super::{health, history, kpis, live, metrics, query, sources, tables, temperatures};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use complete::Examples;
use std::sync::OnceLock;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plant Cockpit",
        description = include_str!("openapi/description.md"),
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        tables::list,
        tables::read,
        query::post,
        query::get,
        kpis::kpis,
        sources::sources,
        temperatures::now,
        history::history,
        live::live,
        list::list,
        detail::detail,
        detail::journal,
        commands::acknowledge,
        commands::acknowledge_many,
        commands::shelve,
        commands::unshelve,
        commands::comment,
        commands::assign,
        commands::take_out_of_service,
        commands::return_to_service,
        performance::performance,
        backtest::backtest,
        rules::list,
        rules::check,
        rules::change,
        notifications::list,
        notifications::retry,
        notifications::test,
        catalogue::list,
        catalogue::detail,
        run::preview,
        run::download,
        issued::issue,
        issued::list,
        issued::detail,
        issued::download,
        issued::retry,
        board_catalogue::list,
        board_catalogue::detail,
        data::data,
        edit::source,
        edit::check,
        edit::change,
        health::health,
        metrics::metrics,
        session::read,
        session::create,
        session::delete,
        session::setup_state,
        session::setup,
        openid::list,
        openid::start,
        openid::callback,
        own::account,
        own::change_password,
        own::begin_second_factor,
        own::confirm_second_factor,
        own::remove_second_factor,
        own::replace_recovery_codes,
        own::sessions,
        own::end_session,
        own_tokens::tokens,
        own_tokens::create_token,
        own_tokens::revoke_token,
        users::list,
        users::add,
        users::set_roles,
        users::disable,
        users::enable,
        users::revoke,
        users::reset_second_factor,
        users::reset_password,
        users::sessions_of_user,
        users::sessions,
        users::end_session,
        users::tokens_of_user,
        users::tokens,
        users::revoke_token,
        roles::roles,
        audit::page,
        audit::verify,
        audit::export
    ),
    components(schemas(super::error::ErrorBody)),
    tags(
        (name = "tables", description = "Tables of the lake"),
        (name = "query", description = "Read-only SQL"),
        (name = "kpis", description = "Availability, OEE and other KPIs, with their bounds"),
        (name = "temperatures", description = "Current and past temperatures of the sensors"),
        (name = "alarms", description = "Alarms, their journal, rules and notifications"),
        (name = "boards", description = "Boards of the plant folder: their layout, rows and files"),
        (name = "reports", description = "Reports: run, issued, and their deliveries"),
        (name = "account", description = "Login, logout, the own account and its API tokens"),
        (name = "users", description = "Users, roles, sessions and tokens, for administrators"),
        (name = "audit", description = "The audit log"),
        (name = "program", description = "State of the program"),
    )
)]
struct Interface;

/// The description as indented JSON, with a line end. Pure: the same text for the same program.
pub fn document() -> anyhow::Result<String> {
    let mut document = serde_json::to_value(Interface::openapi())?;
    complete::complete(&mut document, &Examples::embedded()?)?;
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// `GET /api/v1/openapi.json`
pub async fn json() -> Response {
    // Made once and shared: it takes tens of milliseconds, and half a megabyte for each client that does not read.
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    if let Some(text) = TEXT.get() {
        return file("application/json", text.clone());
    }
    match document() {
        Ok(text) => file("application/json", TEXT.get_or_init(|| text.into()).clone()),
        Err(error) => super::Error::internal(error).into_response(),
    }
}

/// `GET /api/v1/docs`
pub async fn page() -> Response {
    file("text/html; charset=utf-8", include_str!("docs/index.html"))
}

/// `GET /api/v1/docs.js`
pub async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("docs/docs.js"))
}

/// `GET /api/v1/docs.css`
pub async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("docs/docs.css"))
}

fn file(media_type: &'static str, text: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_interface_is_as_agreed() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../cockpit/tests/it/cases/openapi/expect/openapi.json");
        let actual = document().unwrap();
        #[expect(clippy::disallowed_methods, reason = "UPDATE=1 rewrites goldens")]
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
            std::fs::write(&golden, &actual).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert!(actual == expected, "the interface differs from {golden:?}; UPDATE=1 rewrites it");
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for text in [
            include_str!("docs/index.html"),
            include_str!("docs/docs.js"),
            include_str!("docs/docs.css"),
        ] {
            assert!(!text.contains("://"), "an address of elsewhere: {text}");
        }
        assert!(!include_str!("docs/index.html").contains("<script>"), "an inline script");
    }
}
