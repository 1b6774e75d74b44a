//! The service over HTTP.
//!
//! *In*: requests, and a [`Service`] made once from the lake, the limits and the clock.
//! *Out*: [`router`], a wiring of routes without I/O, and [`serve`], which runs it until it is
//! stopped.
//! *Promise*: every failure is an [`Error`], with a code for programs
//! and advice for people; every request is counted; when `serve` returns, no task of it is running.

mod accounts;
mod alarms;
mod answer;
pub mod authorization;
mod boards;
mod body;
mod compute;
mod concurrency;
mod conditional;
mod depth;
mod encode;
mod error;
mod filter;
mod format;
mod forwarded;
mod guard;
mod health;
mod history;
mod kpis;
mod listen;
mod live;
mod metrics;
mod names;
mod odata;
pub mod openapi;
mod params;
mod peer;
mod plant_file;
mod query;
mod rate;
mod readonly;
mod receipt;
mod refusals;
mod report_source;
mod reports;
mod request_body;
mod sharing;
mod sources;
mod sql;
mod tables;
mod temperatures;
#[cfg(test)]
mod tests;
mod ui;
mod unread_body;
mod visibility;

pub use accounts::openid::Providers;
pub use alarms::RuleFile;
pub use authorization::{AccessControl, AccessMode};
pub use boards::{BoardStore, CHANGED as BOARDS_CHANGED};
pub use compute::Compute;
pub use encode::Encoder;
pub use error::Error;
pub use format::Format;
pub use guard::SECURITY as SECURITY_HEADERS;
pub use listen::{Certificates, Endpoint, Stalling, TlsFiles, serve};
pub use peer::{Network, Peer};
pub use rate::ClientKey;
pub use readonly::plan as plan_reading;
pub use report_source::ReportSource;
pub use sql::{Credentials, Frames, Origin, ProofCredentials, Rows, Running, SqlClient};

use super::{Clock, LakeReader, Limits};
use ::live::Live;
use ::report::Issuer;
use authorization::{Blocking, Guarded, authorize, routes};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{MethodRouter, delete, get, post, put};
use cockpit_ui::Asset;
use concurrency::ConcurrencyLimit;
use metrics::{MeasuredRoute, Metrics};
use rate::RateLimiter;
use refusals::RefusalLog;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use watch::notify::NotificationPlanner;

/// The state that all requests share.
pub struct Service {
    lake: Arc<dyn LakeReader>,
    live: Live,
    limits: Limits,
    clock: Clock,
    network: Network,
    rate: RateLimiter,
    access: AccessControl,
    /// Providers of OpenID Connect.
    openid: Arc<Providers>,
    refusals: RefusalLog,
    blocking: Blocking,
    metrics: Arc<Metrics>,
    queries: ConcurrencyLimit,
    compute: Compute,
    reads: ConcurrencyLimit,
    backtests: ConcurrencyLimit,
    /// Files of Delta Sharing.
    transfers: ConcurrencyLimit,
    signer: sharing::Signer,
    alarms: Option<watch::Alarms>,
    rule_file: Option<Arc<RuleFile>>,
    planner: Option<Receiver<Arc<NotificationPlanner>>>,
    boards: Option<Arc<BoardStore>>,
    reports: Option<Issuer>,
    report_runs: ConcurrencyLimit,
}

impl Service {
    /// A service over `lake` and `live`. `hosts` are accepted host names besides localhost, without port.
    pub fn new(
        lake: Arc<dyn LakeReader>,
        live: Live,
        limits: Limits,
        clock: Clock,
        hosts: Vec<String>,
        access: AccessControl,
    ) -> Self {
        let settings = access.database().map(|it| it.settings().clone()).unwrap_or_default();
        let blocking = Blocking::new(limits.account_calls, &settings);
        let queries = ConcurrencyLimit::new("queries", limits.queries);
        let reads = ConcurrencyLimit::new("requests", limits.reads);
        let backtests = ConcurrencyLimit::new("back-tests", limits.backtests);
        let report_runs = ConcurrencyLimit::new("reports", limits.report_runs);
        let transfers = ConcurrencyLimit::new("transfers of files", limits.transfers);
        let network = Network { hosts, ..Network::default() };
        let (per_s, burst) = (limits.requests_per_s, limits.requests_burst);
        let rate = RateLimiter::new(per_s, burst, limits.rate_addresses);
        let refusals = RefusalLog::new(limits.refusal_period_us, limits.rate_addresses);
        let openid = Arc::new(Providers::new(&[], None, &limits.openid));
        Self {
            lake,
            live,
            limits,
            clock,
            network,
            rate,
            access,
            openid,
            refusals,
            blocking,
            metrics: Arc::default(),
            queries,
            compute: Compute::default(),
            reads,
            backtests,
            transfers,
            signer: sharing::Signer::default(),
            alarms: None,
            rule_file: None,
            planner: None,
            boards: None,
            reports: None,
            report_runs,
        }
    }

    /// The same service with the file of the alarm rules.
    #[must_use]
    pub fn with_rule_file(self, file: RuleFile) -> Self {
        Self { rule_file: Some(Arc::new(file)), ..self }
    }

    /// The same service with the configuration of notifications in use, instead of that of the file.
    #[must_use]
    pub fn with_planner(self, planner: Option<Receiver<Arc<NotificationPlanner>>>) -> Self {
        Self { planner, ..self }
    }

    /// The same service, which computes rows on the threads of `compute`.
    #[must_use]
    pub fn with_compute(self, compute: Compute) -> Self {
        Self { compute, ..self }
    }

    /// The same service with the boards of the plant.
    #[must_use]
    pub fn with_boards(self, boards: Arc<BoardStore>) -> Self {
        Self { boards: Some(boards), ..self }
    }

    /// The boards of the plant, if this service has some.
    pub fn boards(&self) -> Option<&Arc<BoardStore>> {
        self.boards.as_ref()
    }

    /// The same service with the reports of the plant.
    #[must_use]
    pub fn with_reports(self, reports: Option<Issuer>) -> Self {
        Self { reports, ..self }
    }

    /// The same service with the alarms of this program.
    #[must_use]
    pub fn with_alarms(self, alarms: Option<watch::Alarms>) -> Self {
        Self { alarms, ..self }
    }

    /// The same service, reachable through `network`, which replaces the hosts.
    #[must_use]
    pub fn with_network(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// The same service, with logins at `providers`.
    #[must_use]
    pub fn with_openid(self, openid: Arc<Providers>) -> Self {
        Self { openid, ..self }
    }

    /// The time in microseconds since 1970 UTC.
    fn now_us(&self) -> i64 {
        (self.clock)().timestamp_micros()
    }

    /// Time for an answer in `format`.
    fn time(&self, format: Format) -> Duration {
        match format {
            Format::Json => self.limits.answer_time,
            Format::Csv | Format::Arrow | Format::Parquet | Format::Xlsx => self.limits.file_time,
        }
    }
}

/// Every route of the interface, and `pages` for everything else. Each is behind the guard, counted,
/// and authorized by its row in the table of routes.
pub fn router(service: Arc<Service>, pages: &'static [Asset]) -> Router {
    let mut routes = Router::new();
    let shell = || ui::pages(pages);
    let own = [("/login", shell()), ("/setup", shell())];
    for (path, methods) in interface()
        .into_iter()
        .chain(sharing_routes())
        .chain(account_routes())
        .chain(alarm_routes())
        .chain(report_routes())
        .chain(board_routes())
        .chain(own)
    {
        routes = routes.route(path, wrap(&service, path, pages, methods));
    }
    for (path, methods) in odata_routes() {
        let methods = wrap(&service, path, pages, methods);
        routes = routes.route(path, methods.layer(map_response(odata::with_version)));
    }
    let pages = wrap(&service, routes::PAGES, pages, shell());
    routes
        .fallback_service(pages.with_state(Arc::clone(&service)))
        .method_not_allowed_fallback(async || routes::wrong_method())
        .with_state(Arc::clone(&service))
        .layer(DefaultBodyLimit::max(service.limits.body_bytes))
        .layer(from_fn_with_state(service, guard::guard))
}

type Methods = MethodRouter<Arc<Service>>;

/// `methods` as the route `path`: counted, then authorized.
fn wrap(
    service: &Arc<Service>,
    path: &'static str,
    pages: &'static [Asset],
    methods: Methods,
) -> Methods {
    let (metrics, clock) = (Arc::clone(&service.metrics), Arc::clone(&service.clock));
    let guarded = Guarded { service: Arc::clone(service), path, pages };
    let route = MeasuredRoute { metrics, clock, route: path };
    methods
        .layer(from_fn_with_state(guarded, authorize))
        .layer(from_fn_with_state(route, metrics::measure))
}

fn interface() -> Vec<(&'static str, Methods)> {
    vec![
        ("/api/v1/tables", get(tables::list)),
        ("/api/v1/tables/{schema}/{table}", get(tables::read)),
        ("/api/v1/query", post(query::post).get(query::get)),
        ("/api/v1/kpis", get(kpis::kpis)),
        ("/api/v1/sources", get(sources::sources)),
        ("/api/v1/live", get(live::live)),
        ("/api/v1/temperatures", get(history::history)),
        ("/api/v1/temperatures/now", get(temperatures::now)),
        ("/api/v1/health", get(health::health)),
        ("/metrics", get(metrics::metrics)),
        ("/api/v1/openapi.json", get(openapi::json)),
        ("/api/v1/docs", get(openapi::page)),
        ("/api/v1/docs.js", get(openapi::script)),
        ("/api/v1/docs.css", get(openapi::style)),
    ]
}

fn odata_routes() -> Vec<(&'static str, Methods)> {
    vec![
        ("/odata/v4", get(odata::service_document)),
        ("/odata/v4/", get(odata::service_document)),
        ("/odata/v4/$metadata", get(odata::metadata)),
        ("/odata/v4/{set}", get(odata::entities)),
        ("/odata/v4/{set}/$count", get(odata::count)),
    ]
}

fn sharing_routes() -> Vec<(&'static str, Methods)> {
    use sharing::files;
    vec![
        ("/sharing/shares", get(sharing::shares)),
        ("/sharing/shares/{share}", get(sharing::share)),
        ("/sharing/shares/{share}/schemas", get(sharing::schemas)),
        ("/sharing/shares/{share}/schemas/{schema}/tables", get(sharing::tables)),
        ("/sharing/shares/{share}/all-tables", get(sharing::all_tables)),
        ("/sharing/shares/{share}/schemas/{schema}/tables/{table}/version", get(sharing::version)),
        (
            "/sharing/shares/{share}/schemas/{schema}/tables/{table}/metadata",
            get(sharing::metadata),
        ),
        ("/sharing/shares/{share}/schemas/{schema}/tables/{table}/query", post(sharing::query)),
        ("/sharing/shares/{share}/schemas/{schema}/tables/{table}/changes", get(sharing::changes)),
        ("/sharing/files/{name}", get(files::file)),
    ]
}

fn alarm_routes() -> Vec<(&'static str, Methods)> {
    use alarms::{backtest, commands, detail, list, notifications, performance, rules};
    vec![
        ("/api/v1/alarms", get(list::list)),
        ("/api/v1/alarms/journal", get(detail::journal)),
        ("/api/v1/alarms/performance", get(performance::performance)),
        ("/api/v1/alarms/backtest", post(backtest::backtest)),
        ("/api/v1/alarms/rules", get(rules::list)),
        ("/api/v1/alarms/rules/check", post(rules::check)),
        ("/api/v1/alarms/rules/{name}", put(rules::change)),
        ("/api/v1/alarms/acknowledge", post(commands::acknowledge_many)),
        ("/api/v1/alarms/{id}", get(detail::detail)),
        ("/api/v1/alarms/{id}/acknowledge", post(commands::acknowledge)),
        ("/api/v1/alarms/{id}/shelve", post(commands::shelve)),
        ("/api/v1/alarms/{id}/unshelve", post(commands::unshelve)),
        ("/api/v1/alarms/{id}/comment", post(commands::comment)),
        ("/api/v1/alarms/{id}/assign", post(commands::assign)),
        ("/api/v1/alarms/{id}/out-of-service", post(commands::take_out_of_service)),
        ("/api/v1/alarms/{id}/in-service", post(commands::return_to_service)),
        ("/api/v1/notifications", get(notifications::list)),
        ("/api/v1/notifications/test", post(notifications::test)),
        ("/api/v1/notifications/{id}/retry", post(notifications::retry)),
    ]
}

fn report_routes() -> Vec<(&'static str, Methods)> {
    use reports::{catalogue, issued, run};
    vec![
        ("/api/v1/reports", get(catalogue::list)),
        ("/api/v1/reports/{name}", get(catalogue::detail)),
        ("/api/v1/reports/{name}/preview", get(run::preview)),
        ("/api/v1/reports/{name}/file", get(run::download)),
        ("/api/v1/reports/{name}/issue", post(issued::issue)),
        ("/api/v1/issued-reports", get(issued::list)),
        ("/api/v1/issued-reports/{id}", get(issued::detail)),
        ("/api/v1/issued-reports/{id}/files/{format}", get(issued::download)),
        ("/api/v1/report-deliveries/{id}/retry", post(issued::retry)),
    ]
}

fn board_routes() -> Vec<(&'static str, Methods)> {
    use boards::{catalogue, data, edit};
    vec![
        ("/api/v1/boards", get(catalogue::list)),
        ("/api/v1/boards/{name}", get(catalogue::detail).put(edit::change)),
        ("/api/v1/boards/{name}/data", get(data::data)),
        ("/api/v1/boards/{name}/source", get(edit::source)),
        ("/api/v1/boards/{name}/check", post(edit::check)),
    ]
}

fn account_routes() -> Vec<(&'static str, Methods)> {
    use accounts::{audit, openid, own, own_tokens, roles, session, users};
    vec![
        ("/api/v1/session", get(session::read).post(session::create).delete(session::delete)),
        ("/api/v1/openid", get(openid::list)),
        ("/api/v1/openid/{provider}/start", get(openid::start)),
        ("/api/v1/openid/{provider}/callback", get(openid::callback)),
        ("/api/v1/setup", get(session::setup_state).post(session::setup)),
        ("/api/v1/account", get(own::account)),
        ("/api/v1/account/password", put(own::change_password)),
        ("/api/v1/account/second-factor", post(own::begin_second_factor)),
        ("/api/v1/account/second-factor/confirm", post(own::confirm_second_factor)),
        ("/api/v1/account/second-factor/remove", post(own::remove_second_factor)),
        ("/api/v1/account/recovery-codes", post(own::replace_recovery_codes)),
        ("/api/v1/account/sessions", get(own::sessions)),
        ("/api/v1/account/sessions/{id}", delete(own::end_session)),
        ("/api/v1/account/tokens", get(own_tokens::tokens).post(own_tokens::create_token)),
        ("/api/v1/account/tokens/{id}", delete(own_tokens::revoke_token)),
        ("/api/v1/users", get(users::list).post(users::add)),
        ("/api/v1/users/{name}/roles", put(users::set_roles)),
        ("/api/v1/users/{name}/disable", post(users::disable)),
        ("/api/v1/users/{name}/enable", post(users::enable)),
        ("/api/v1/users/{name}/revoke", post(users::revoke)),
        ("/api/v1/users/{name}/reset-password", post(users::reset_password)),
        ("/api/v1/users/{name}/reset-second-factor", post(users::reset_second_factor)),
        ("/api/v1/users/{name}/sessions", get(users::sessions_of_user)),
        ("/api/v1/users/{name}/tokens", get(users::tokens_of_user)),
        ("/api/v1/sessions", get(users::sessions)),
        ("/api/v1/sessions/{id}", delete(users::end_session)),
        ("/api/v1/tokens", get(users::tokens)),
        ("/api/v1/tokens/{id}", delete(users::revoke_token)),
        ("/api/v1/roles", get(roles::roles)),
        ("/api/v1/audit", get(audit::page)),
        ("/api/v1/audit/verify", get(audit::verify)),
        ("/api/v1/audit/export", get(audit::export)),
    ]
}
