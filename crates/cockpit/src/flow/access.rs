//! The user database of the service: its path, the access mode, and its maintenance.

use super::binding::Binding;
use super::{Flow, now};
use access::{Access, Database, os_random};
use anyhow::{Context as _, bail};
use config::Config;
use config::settings::{self, AccessMode as Mode};
use serve::http::{AccessControl, AccessMode, Providers};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Name of the database in its folder.
const FILE: &str = "access.db";

/// How often waiting entries are written and ended sessions are removed.
const MAINTAINED_EVERY: Duration = Duration::from_secs(60);

/// How often the metadata of providers is read if it is old, or could not be read.
const PROVIDERS_REFRESHED_EVERY: Duration = Duration::from_secs(30);

/// The user database while the service runs.
pub struct Users {
    pub control: AccessControl,
    /// The secret of the one-time link that creates the first administrator, if there are no users.
    pub setup_secret: Option<String>,
    /// Whether everybody who can reach the service is an administrator until there are users.
    pub is_open: bool,
    access: Option<Arc<Access>>,
    /// The database of alarms, if there are no users.
    database: Option<Arc<Database>>,
}

/// The file of the user database as the program is configured.
///
/// # Errors
/// The lake is not on this machine, and no folder is configured.
pub fn path(config: &Config) -> anyhow::Result<PathBuf> {
    file(&config.plant.access, &config.lake.0)
}

/// The file of the user database: in the configured folder, or beside the folder of a local lake, which
/// need not exist yet.
fn file(access: &settings::Access, lake: &str) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &access.state {
        return Ok(Path::new(folder).join(FILE));
    }
    let beside = local_folder(lake).and_then(|folder| {
        let name = folder.file_name()?.to_string_lossy().into_owned();
        Some(folder.with_file_name(format!("{name}.access")).join(FILE))
    });
    beside.with_context(|| {
        format!(
            "the user database has no default path, because the lake {lake} is not a folder on this \
             machine: configure `state` in [access] of plant.toml, or COCKPIT_ACCESS_STATE"
        )
    })
}

/// The folder of a lake on this machine, with links resolved, so that it has one name.
pub(super) fn local_folder(lake: &str) -> Option<PathBuf> {
    let folder = match Url::parse(lake) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok()?,
        Ok(_) => return None,
        Err(_) => PathBuf::from(lake),
    };
    folder.canonicalize().or_else(|_absent| std::path::absolute(&folder)).ok()
}

/// Opens the user database, or creates it with its folder.
///
/// # Errors
/// The database is corrupt, cannot be written, or belongs to another program.
pub fn open(file: &Path, configured: &settings::Access) -> anyhow::Result<Access> {
    make_folder(file)?;
    let settings = serve::access_settings(configured);
    Ok(Access::open(file, settings, os_random()?, now().timestamp_micros())?)
}

/// Opens the database for alarms alone, or creates it with its folder.
fn open_database(file: &Path, configured: &settings::Access) -> anyhow::Result<Arc<Database>> {
    make_folder(file)?;
    Ok(Arc::new(Database::open(file, &serve::access_settings(configured))?))
}

fn make_folder(file: &Path) -> anyhow::Result<()> {
    let Some(folder) = file.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).with_context(|| {
        format!("the folder {} of the user database cannot be made", folder.display())
    })
}

/// The access mode: the configured one. Without one, the service is open until the first user exists if
/// only this machine can reach it; otherwise it requires a login.
fn mode(access: &settings::Access, binding: &Binding) -> anyhow::Result<AccessMode> {
    let network = &binding.network;
    let is_private = binding.address.ip().to_canonical().is_loopback()
        && network.hosts.is_empty()
        && network.trusted_proxies.is_empty();
    match access.mode {
        Some(Mode::Login) => Ok(AccessMode::Login),
        Some(Mode::Open) if binding.is_open_permitted => Ok(AccessMode::Open),
        Some(Mode::Open) => bail!(
            "{} can be reached by other machines, and `mode = \"open\"` in [access] would make everybody \
             there an administrator: configure `mode = \"login\"`, or permit it with --insecure",
            binding.address
        ),
        None if is_private => Ok(AccessMode::OpenUntilSetup),
        None => Ok(AccessMode::Login),
    }
}

impl Flow {
    /// Opens the user database for the service. One that cannot be used is reported, and only what is
    /// public is then served.
    pub(super) async fn open_users(&self, binding: &Binding) -> anyhow::Result<Users> {
        let configured = &self.refinery.plant.access;
        if self.is_simulated {
            let file = file(configured, &self.lake().location().name)?;
            let configured = configured.clone();
            let opened = tokio::task::spawn_blocking(move || open_database(&file, &configured));
            let control = AccessControl::without_users(AccessMode::Demo);
            return Ok(Users {
                database: Some(opened.await??),
                ..Users::without_database(control)
            });
        }
        let mode = mode(configured, binding)?;
        let file = match (file(configured, &self.lake().location().name), mode) {
            (Ok(file), _) => file,
            // Modes without login need no database.
            (Err(_), AccessMode::OpenUntilSetup | AccessMode::Open) => {
                return Ok(Users::without_database(AccessControl::without_users(mode)));
            }
            (Err(error), _) => return Err(error),
        };
        let configured = configured.clone();
        let opened = tokio::task::spawn_blocking(move || Users::open(&file, &configured, mode));
        match opened.await? {
            Ok(users) => Ok(users),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "user_database_unavailable");
                Ok(Users::without_database(AccessControl::unavailable()))
            }
        }
    }
}

impl Users {
    fn without_database(control: AccessControl) -> Self {
        Self { control, setup_secret: None, is_open: false, access: None, database: None }
    }

    fn open(file: &Path, configured: &settings::Access, mode: AccessMode) -> anyhow::Result<Self> {
        let access = Arc::new(open(file, configured)?);
        let setup = access.bootstrap(now().timestamp_micros())?;
        Ok(Self {
            control: AccessControl::new(mode, Arc::clone(&access)),
            is_open: setup.is_some() && mode == AccessMode::OpenUntilSetup,
            setup_secret: setup.map(|it| it.secret.expose().to_owned()),
            access: Some(access),
            database: None,
        })
    }

    /// The database of users and alarms, if it can be used.
    pub fn database(&self) -> Option<Arc<Database>> {
        self.access.as_ref().map(|access| access.database()).or_else(|| self.database.clone())
    }

    /// What keeps the database in order while the control is in use.
    pub fn upkeep(&self) -> Upkeep {
        Upkeep(self.access.clone())
    }
}

/// Writes waiting audit entries and removes ended sessions.
pub struct Upkeep(Option<Arc<Access>>);

impl Upkeep {
    /// Runs until `stop`.
    pub async fn run(&self, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(MAINTAINED_EVERY) => self.once().await,
            }
        }
    }

    /// Runs once; called when all requests have ended, too.
    pub async fn once(&self) {
        let Some(access) = self.0.clone() else { return };
        let done =
            tokio::task::spawn_blocking(move || access.maintain(now().timestamp_micros())).await;
        let failure = match done {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(error = failure, "user_database_upkeep_failed");
    }
}

/// Reads the metadata of the providers of OpenID Connect while the service runs, so that the login page
/// shows whether they are available. A provider that is away delays nothing else.
pub async fn refresh_providers(providers: &Providers, stop: &CancellationToken) {
    while !providers.is_empty() {
        let refresh = async {
            providers.refresh(now().timestamp_micros()).await;
            tokio::time::sleep(PROVIDERS_REFRESHED_EVERY).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = refresh => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn mode_of(configured: Option<Mode>, address: &str, hosts: &[&str]) -> Option<AccessMode> {
        let mut binding = Binding::local(0);
        binding.address = address.parse::<SocketAddr>().unwrap();
        binding.is_open_permitted = binding.address.ip().is_loopback();
        binding.network.hosts = hosts.iter().map(ToString::to_string).collect();
        let mut access = settings::Access::default();
        access.mode = configured;
        mode(&access, &binding).ok()
    }

    #[test]
    fn only_a_private_service_is_open() {
        let (here, there) = ("127.0.0.1:8080", "10.0.0.5:8080");
        for (configured, address, hosts, expected) in [
            (None, here, &[][..], Some(AccessMode::OpenUntilSetup)),
            (None, "[::1]:8080", &[], Some(AccessMode::OpenUntilSetup)),
            (None, here, &["cockpit.example"], Some(AccessMode::Login)),
            (None, there, &[], Some(AccessMode::Login)),
            (Some(Mode::Login), here, &[], Some(AccessMode::Login)),
            (Some(Mode::Open), here, &["cockpit.example"], Some(AccessMode::Open)),
            (Some(Mode::Open), there, &[], None),
        ] {
            assert_eq!(mode_of(configured, address, hosts), expected, "{configured:?} {address}");
        }
    }

    #[test]
    fn the_database_is_beside_a_local_lake() {
        let folder = tempfile::tempdir().unwrap();
        let lake = folder.path().join("lake").to_string_lossy().into_owned();
        let found = file(&settings::Access::default(), &lake).unwrap();
        assert!(found.ends_with("lake.access/access.db"), "{}", found.display());
        let state = Some("/var/lib/cockpit".to_owned());
        let mut access = settings::Access::default();
        access.state = state;
        assert_eq!(
            file(&access, "s3://bucket/lake").unwrap(),
            Path::new("/var/lib/cockpit/access.db")
        );
        assert!(file(&settings::Access::default(), "s3://bucket/lake").is_err());
    }
}
