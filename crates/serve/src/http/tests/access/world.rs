//! A service with users in a user database of its own.

use super::super::lake::{Lake, batch};
use super::super::{Reply, live, request};
use super::{alarm_rules, alarms, boards};
use crate::http::{AccessControl, AccessMode, Peer, Providers, RuleFile, Service, router};
use crate::{LakeReader as _, Limits, OpenIdLimits};
use access::login::Login;
use access::token::NewToken;
use access::{
    Access, Action, Assignment, Client, Identity, NewPassword, NewUser, Role, Scope, Secret,
    Settings, os_random,
};
use arrow::array::{Int64Array, StringArray};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use chrono::DateTime;
use config::openid::OpenIdProvider;
use live::Live;
use plant::equipment::{Equipment, Unit};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt;
use watch::{AlarmLimits, Alarms, Setup};

pub const PASSWORD: &str = "tin roof kayak 41";
/// When the tests begin: in January 2027.
pub const T0_US: i64 = 1_800_000_000_000_000;

pub struct World {
    pub access: Arc<Access>,
    router: Router,
    clock_us: Arc<AtomicI64>,
    pub live: Live,
    pub providers: Arc<Providers>,
    pub alarms: Alarms,
    pub folder: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.alarms.close();
    }
}

/// The lowest cost of argon2, so that tests take milliseconds.
fn settings() -> Settings {
    Settings { password_memory_kib: 8, password_passes: 1, ..Settings::default() }
}

/// Two areas with a line each; the line of SMT has two units.
pub fn equipment() -> Equipment {
    let unit = |name: &str, area: &str, line: &str, lane: &str| Unit {
        name: name.into(),
        line: line.into(),
        area: area.into(),
        stations: vec![format!("{name}-station")],
        lanes: vec![lane.into()],
    };
    let units = vec![
        unit("printer", "SMT", "1", "Plant1.1"),
        unit("oven", "SMT", "1", "Plant1.2"),
        unit("wave", "THT", "2", "Plant1.10"),
    ];
    Equipment { units, ..Equipment::default() }
}

/// Tables with and without columns that name equipment.
pub fn lake() -> Lake {
    let text = |values: [&str; 4]| Arc::new(StringArray::from(values.to_vec()));
    let numbers = || Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let unit = || text(["printer", "oven", "wave", "unlisted"]);
    let secret = text(["10", "20", "secret of THT", "30"]);
    let by_unit = batch(vec![("unit", unit()), ("amount", numbers()), ("note", secret)]);
    let line = batch(vec![("unit", unit()), ("line", text(["1", "2", "2", "1"]))]);
    let station = text(["printer-station", "oven-station", "wave-station", "oven"]);
    let lane = [("plant", text(["Plant1"; 4])), ("lane", text(["1", "2", "10", "11"]))];
    let lane = batch(vec![(lane[0].0, lane[0].1.clone()), (lane[1].0, lane[1].1.clone())]);
    let sensor = text(["Plant1.1.a.m", "Plant1.2.a.m", "Plant1.10.a.m", "Plant1.1"]);
    let mut lake = Lake::of(vec![
        ("gold", "by_unit", by_unit),
        ("gold", "by_line", line),
        ("gold", "by_station", batch(vec![("station", station)])),
        ("gold", "by_lane", lane),
        ("gold", "by_sensor", batch(vec![("sensor", sensor)])),
        ("gold", "stock", batch(vec![("item", text(["a", "b", "c", "d"])), ("amount", numbers())])),
        ("silver", "rejected", batch(vec![("raw", text(["a", "b", "c", "d"]))])),
    ]);
    lake.equipment = equipment();
    lake
}

/// What a service is made of.
struct Parts {
    limits: Limits,
    settings: Settings,
    lake: Lake,
    /// Alarm events in memory.
    ring_events: usize,
    providers: Arc<Providers>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            settings: settings(),
            lake: lake(),
            ring_events: AlarmLimits::default().ring_events,
            providers: Arc::new(Providers::new(&[], None, &OpenIdLimits::default())),
        }
    }
}

impl World {
    /// A service without users.
    pub fn empty(mode: AccessMode) -> Self {
        Self::with_limits(mode, Limits::default())
    }

    /// A service without users over a lake.
    pub fn with_lake(mode: AccessMode, lake: Lake) -> Self {
        Self::with(mode, Parts { lake, ..Parts::default() })
    }

    /// A service that keeps this number of alarm events in memory.
    pub fn with_ring(mode: AccessMode, lake: Lake, ring_events: usize) -> Self {
        let parts = Parts { lake, ring_events, ..Parts::default() };
        Self::with(mode, parts)
    }

    /// A service with providers of OpenID Connect.
    pub fn with_openid(
        mode: AccessMode,
        lake: Lake,
        providers: &[OpenIdProvider],
        limits: OpenIdLimits,
    ) -> Self {
        let providers = Arc::new(Providers::new(providers, None, &limits));
        Self::with(mode, Parts { lake, providers, ..Parts::default() })
    }

    /// A service without users, with these limits but a short interval between checks of live streams.
    pub fn with_limits(mode: AccessMode, limits: Limits) -> Self {
        Self::with(mode, Parts { limits, ..Parts::default() })
    }

    /// A service without users, with these settings of the user database.
    pub fn with_settings(mode: AccessMode, settings: Settings) -> Self {
        Self::with(mode, Parts { settings, ..Parts::default() })
    }

    fn with(
        mode: AccessMode,
        Parts { limits, settings, lake, ring_events, providers }: Parts,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.db");
        let access = Access::open(&path, settings, os_random().unwrap(), T0_US).unwrap();
        let access = Arc::new(access);
        let clock_us = Arc::new(AtomicI64::new(T0_US));
        let shown = Arc::clone(&clock_us);
        let clock = Arc::new(move || {
            DateTime::from_timestamp_micros(shown.load(Ordering::SeqCst)).unwrap()
        });
        let limits = Limits { live_recheck_time: Duration::from_millis(10), ..limits };
        let control = AccessControl::new(mode, Arc::clone(&access));
        let live = live();
        let setup = Setup {
            database: access.database(),
            rules: alarms::rules(),
            equipment: Arc::new(lake.equipment.clone()),
            registry: live.registry(),
            limits: AlarmLimits { ring_events, ..AlarmLimits::default() },
        };
        let alarms = alarms::start(setup, &clock_us);
        let folder_of_plant = folder.path().to_owned();
        let session = futures::executor::block_on(lake.session()).unwrap();
        let boards = boards::store(&folder_of_plant, session);
        let service =
            Service::new(Arc::new(lake), live.clone(), limits, clock, Vec::new(), control);
        std::fs::write(folder_of_plant.join("alarms.toml"), alarm_rules::FILE_TEXT).unwrap();
        let file = RuleFile::new(Some(folder_of_plant), alarm_rules::plant());
        let service = service.with_alarms(Some(alarms.clone())).with_rule_file(file);
        let service = service.with_openid(Arc::clone(&providers)).with_boards(boards);
        let router = router(Arc::new(service), super::super::program::PAGES);
        Self { access, router, clock_us, live, providers, alarms, folder }
    }

    /// One user for each role in the whole plant, by the name of the role.
    pub fn new() -> Self {
        let world = Self::empty(AccessMode::Login);
        for role in Role::ALL {
            world.add(role.name(), &[(role, "plant")]);
        }
        world
    }

    pub fn add(&self, name: &str, roles: &[(Role, &str)]) {
        let role =
            |(role, scope): &(Role, &str)| Assignment::new(*role, scope.parse::<Scope>().unwrap());
        let new = NewUser {
            name: name.into(),
            full_name: format!("{name} of the plant"),
            password: NewPassword::Chosen(Secret::new(PASSWORD)),
            roles: roles.iter().map(role).collect(),
        };
        self.access.add_user(&Identity::terminal("test"), &new, self.now_us()).unwrap();
    }

    pub fn now_us(&self) -> i64 {
        self.clock_us.load(Ordering::SeqCst)
    }

    pub fn advance(&self, seconds: i64) {
        self.clock_us.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// A session of a user, as cookie header.
    pub fn cookie(&self, name: &str) -> String {
        let client = Client { address: Ipv4Addr::LOCALHOST.into(), agent: "test".into() };
        let password = Secret::new(PASSWORD);
        let login =
            Login { name, password: &password, code: None, client: &client, previous: None };
        let logged_in = self.access.login(&login, self.now_us()).unwrap();
        format!("cockpit-session={}", logged_in.cookie.expose())
    }

    /// An API token of a user with one permission in the whole plant.
    pub fn token(&self, name: &str, action: Action) -> String {
        let cookie = self.cookie(name);
        let value = cookie.split_once('=').unwrap().1;
        let by = self.access.authenticate_session(value, self.now_us()).unwrap();
        let new = NewToken {
            name: action.name().into(),
            actions: [action].into(),
            scope: Scope::Plant,
            life_s: 3_600,
        };
        self.access.create_token(&by, &new, self.now_us()).unwrap().secret.expose().to_owned()
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request with these headers and this body, from this machine.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<serde_json::Value>,
    ) -> Reply {
        self.send(made(method, path, headers, body)).await
    }

    /// Sends a request with a session, as a page of the cockpit does.
    pub async fn request_as(
        &self,
        cookie: &str,
        method: &str,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Reply {
        let headers = [("cookie", cookie), ("sec-fetch-site", "same-origin")];
        self.request(method, path, &headers, body).await
    }
}

pub fn made(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<serde_json::Value>,
) -> Request<Body> {
    let method: Method = method.parse().unwrap();
    let mut all = headers.to_vec();
    let text = body.map(|it| it.to_string());
    if text.is_some() {
        all.push(("content-type", "application/json"));
    }
    let mut made = request(method, path, &all, text.unwrap_or_default().into());
    let peer = Peer { address: Ipv4Addr::LOCALHOST.into(), is_secure: false };
    made.extensions_mut().insert(peer);
    made
}
