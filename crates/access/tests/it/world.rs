//! A store in a temporary folder, with people in it.

use access::login::{LoggedIn, Login};
use access::setup::FirstAdministrator;
use access::{
    Access, Assignment, Client, Error, Identity, NewPassword, NewUser, Random, Role, Scope, Secret,
    Settings,
};
use rand::{SeedableRng, TryCryptoRng, TryRng};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A second.
pub const S: i64 = 1_000_000;
/// When the tests begin: in January 2027.
pub const T0: i64 = 1_800_000_000 * S;
pub const PASSWORD: &str = "tin roof kayak 41";

pub struct World {
    pub folder: TempDir,
    pub access: Access,
}

/// A generator that is the same in every run. It only claims to be secure.
struct Seeded(rand_pcg::Pcg64);

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Seeded {}

pub fn random(seed: u64) -> Box<Random> {
    Box::new(Seeded(rand_pcg::Pcg64::seed_from_u64(seed)))
}

/// The least cost argon2 allows, so that tests take milliseconds.
pub fn settings() -> Settings {
    Settings {
        password_memory_kib: 8,
        password_passes: 1,
        scram_iterations: 4_096,
        ..Settings::default()
    }
}

pub fn client(address: &str) -> Client {
    Client { address: address.parse().unwrap(), agent: "test".to_owned() }
}

pub fn here() -> Client {
    client("192.0.2.1")
}

pub fn terminal() -> Identity {
    Identity::terminal("root")
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text)
}

pub fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

pub fn role(role: Role, place: &str) -> Assignment {
    Assignment::new(role, scope(place))
}

pub fn open(path: &Path, now_us: i64) -> Result<Access, Error> {
    Access::open(path, settings(), random(9), now_us)
}

impl World {
    pub fn new() -> Self {
        Self::with(settings())
    }

    pub fn with(settings: Settings) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("access.sqlite");
        let access = Access::open(&path, settings, random(1), T0).unwrap();
        Self { folder, access }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("access.sqlite")
    }

    /// The first administrator, `root`, by the setup secret.
    pub fn administrator(&self) -> Identity {
        let offered = self.access.bootstrap(T0).unwrap().unwrap();
        let first = FirstAdministrator {
            secret: &offered.secret,
            name: "root",
            full_name: "Ruth Oot",
            password: &secret(PASSWORD),
        };
        self.access.complete_setup(&first, &here(), T0).unwrap().identity
    }

    /// Adds a person with the usual password.
    pub fn add(&self, name: &str, roles: &[Assignment]) {
        let new = NewUser {
            name: name.to_owned(),
            full_name: String::new(),
            password: NewPassword::Chosen(secret(PASSWORD)),
            roles: roles.to_vec(),
        };
        self.access.add_user(&terminal(), &new, T0).unwrap();
    }

    pub fn login(&self, name: &str, password: &str, now_us: i64) -> Result<LoggedIn, Error> {
        self.login_as(name, password, None, &here(), now_us)
    }

    pub fn login_with(&self, name: &str, code: &str, now_us: i64) -> Result<LoggedIn, Error> {
        self.login_as(name, PASSWORD, Some(code), &here(), now_us)
    }

    pub fn login_as(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
        client: &Client,
        now_us: i64,
    ) -> Result<LoggedIn, Error> {
        let (password, code) = (secret(password), code.map(secret));
        let login =
            Login { name, password: &password, code: code.as_ref(), client, previous: None };
        self.access.login(&login, now_us)
    }

    /// Adds a person and logs them in.
    pub fn person(&self, name: &str, roles: &[Assignment]) -> LoggedIn {
        self.add(name, roles);
        self.login(name, PASSWORD, T0).unwrap()
    }

    /// Kinds of the audit entries, oldest first, each with its actor.
    pub fn entries(&self, now_us: i64) -> Vec<(String, String)> {
        let filter = access::audit::Filter::default();
        let page = self.access.audit_page(&terminal(), &filter, 1_000, now_us).unwrap();
        page.entries.into_iter().rev().map(|it| (it.kind, it.actor)).collect()
    }

    /// The detail of the last entry.
    pub fn last_detail(&self, now_us: i64) -> String {
        let filter = access::audit::Filter::default();
        let page = self.access.audit_page(&terminal(), &filter, 1, now_us).unwrap();
        page.entries[0].detail.clone()
    }
}
