//! The service that is fuzzed.

use crate::requests::Credentials;
use access::access::Whose;
use access::login::Login;
use access::token::NewToken;
use access::{
    Access, Action, Assignment, Client, Identity, NewPassword, NewUser, Role, Scope, Secret, Settings,
    os_random,
};
use arrow::array::{Int64Array, RecordBatch, StringArray};
use async_trait::async_trait;
use axum::Router;
use chrono::{DateTime, Utc};
use config::kpi::Kpi;
use datafusion::catalog::{MemTable, MemorySchemaProvider};
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{SessionConfig, SessionContext};
use lake::kpi::{KpiQuery, Row};
use live::{Live, LiveLimits};
use plant::equipment::Equipment;
use plant::reading::Registry;
use serve::http::{AccessControl, AccessMode, Service, router};
use serve::{BuildInfo, ColumnInfo, Health, LakeReader, Limits, State, TableInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PASSWORD: &str = "tin roof kayak 41";
/// In January 2027.
const NOW_US: i64 = 1_800_000_000_000_000;

pub struct Target {
    pub runtime: Runtime,
    pub router: Router,
    pub credentials: Credentials,
    /// The state before any request.
    pub before: String,
    access: Arc<Access>,
    _folder: TempDir,
}

impl Target {
    pub fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let settings = Settings { password_memory_kib: 8, password_passes: 1, ..Settings::default() };
        let path = folder.path().join("access.db");
        let access = Arc::new(Access::open(&path, settings, os_random()?, NOW_US)?);
        let cookies = ["viewer", "administrator"].map(|name| add(&access, name)).into_iter();
        let cookies = cookies.collect::<Result<Vec<_>, _>>()?;
        let reader = token(&access, &cookies[1])?;
        let ended = vec![("cookie", "cockpit-session=ended".to_owned())];
        let control = AccessControl::new(AccessMode::Login, Arc::clone(&access));
        let limits = LiveLimits { limit_c: 50.0, silent_us: 60_000_000, viewers: 100, streams: 4, frames_per_s: 20_000 };
        let live = Live::new(Registry::default(), limits, "boot".to_owned());
        let clock = Arc::new(|| DateTime::from_timestamp_micros(NOW_US).unwrap_or_default());
        let lake = Arc::new(Tables { equipment: Equipment::default() });
        let service = Service::new(lake, live, Limits::default(), clock, Vec::new(), control);
        let credentials = Credentials { cookies, tokens: vec![reader], ended };
        let router = router(Arc::new(service), &[]);
        let runtime = Runtime::new()?;
        let mut made = Self { runtime, router, credentials, before: String::new(), access, _folder: folder };
        made.before = made.state()?;
        Ok(made)
    }

    /// Users, sessions and tokens.
    pub fn state(&self) -> anyhow::Result<String> {
        let by = Identity::terminal("fuzz");
        let users = self.access.users(&by, NOW_US)?;
        let sessions = self.access.sessions(&by, Whose::All, NOW_US)?;
        let tokens = self.access.tokens(&by, Whose::All, NOW_US)?;
        let sessions: Vec<_> = sessions.iter().map(|it| it.id).collect();
        let tokens: Vec<_> = tokens.iter().map(|it| (it.id, it.revoked_us)).collect();
        Ok(format!("{users:?} {sessions:?} {tokens:?}"))
    }
}

/// Adds a user with the role of this name, and returns the header of a session.
fn add(access: &Access, name: &str) -> anyhow::Result<String> {
    let role = if name == "viewer" { Role::Viewer } else { Role::Administrator };
    let new = NewUser {
        name: name.into(),
        full_name: name.into(),
        password: NewPassword::Chosen(Secret::new(PASSWORD)),
        roles: vec![Assignment::new(role, Scope::Plant)],
    };
    access.add_user(&Identity::terminal("fuzz"), &new, NOW_US)?;
    let client = Client { address: Ipv4Addr::LOCALHOST.into(), agent: "fuzz".into() };
    let password = Secret::new(PASSWORD);
    let login = Login { name, password: &password, code: None, client: &client, previous: None };
    Ok(format!("cockpit-session={}", access.login(&login, NOW_US)?.cookie.expose()))
}

/// The header of a token that permits reading only.
fn token(access: &Access, cookie: &str) -> anyhow::Result<String> {
    let value = cookie.trim_start_matches("cockpit-session=");
    let identity = access.authenticate_session(value, NOW_US)?;
    let new = NewToken {
        name: "reader".into(),
        actions: BTreeSet::from([Action::ReadTables]),
        scope: Scope::Plant,
        life_s: 3_600,
    };
    Ok(format!("Bearer {}", access.create_token(&identity, &new, NOW_US)?.secret.expose()))
}

/// One table in memory.
struct Tables {
    equipment: Equipment,
}

fn rows() -> anyhow::Result<RecordBatch> {
    let unit = Arc::new(StringArray::from(vec![Some("printer"), Some("oven"), None]));
    let amount = Arc::new(Int64Array::from(vec![1, 2, 3]));
    Ok(RecordBatch::try_from_iter([("unit", unit as _), ("amount", amount as _)])?)
}

#[async_trait]
impl LakeReader for Tables {
    fn equipment(&self) -> &Equipment {
        &self.equipment
    }

    fn kpis(&self) -> &[Kpi] {
        &[]
    }

    async fn kpi_rows(&self, _kpis: &[Kpi], _query: &KpiQuery) -> anyhow::Result<Vec<Row>> {
        Ok(Vec::new())
    }

    async fn session(&self) -> anyhow::Result<SessionContext> {
        let config = SessionConfig::new().with_information_schema(true);
        let session = SessionContext::new_with_config(config);
        if let Some(catalog) = session.catalog("datafusion") {
            catalog.register_schema("gold", Arc::new(MemorySchemaProvider::new()))?;
        }
        let rows = rows()?;
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]])?;
        session.register_table("gold.by_unit", Arc::new(table))?;
        Ok(session)
    }

    async fn tables(&self) -> anyhow::Result<Vec<TableInfo>> {
        let column = |name: &str, type_name: &str| ColumnInfo {
            name: name.into(),
            type_name: type_name.into(),
            unit: None,
            description: None,
        };
        Ok(vec![TableInfo {
            schema: "gold".into(),
            table: "by_unit".into(),
            description: "Amounts.".into(),
            columns: vec![column("unit", "text"), column("amount", "bigint")],
            key: vec!["unit".into()],
            parameters: Vec::new(),
            rows: Some(3),
            version: Some(1),
            updated_at: None,
        }])
    }

    async fn version(&self, _schema: &str, _table: &str) -> anyhow::Result<Option<u64>> {
        Ok(Some(1))
    }

    async fn with_parameters(
        &self,
        schema: &str,
        table: &str,
        _parameters: &BTreeMap<String, String>,
    ) -> anyhow::Result<DataFrame> {
        Ok(self.session().await?.table(format!("{schema}.{table}")).await?)
    }

    fn health(&self) -> Health {
        Health {
            state: State::Running,
            reason: None,
            plant: "Plant".into(),
            zone: "UTC".into(),
            is_simulated: false,
            build: BuildInfo { version: "0.1.0".into(), commit: "fuzz".into() },
            lake: "memory".into(),
            last_run: None,
            next_run_at: None::<DateTime<Utc>>,
        }
    }
}
