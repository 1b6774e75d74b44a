//! The facade of the crate.

mod accounts;
mod audit;
mod cache;
mod clock;
mod external;
mod factors;
mod login;
mod people;
mod scram;
mod sessions;
mod setup;
mod tokens;

use crate::login::Gate;
use crate::permission::{Action, Rights};
use crate::secret::{Random, random_bytes};
use crate::session::Method;
use crate::settings::us;
use crate::store::{Database, sessions as rows, tokens as token_rows, users, values};
use crate::throttle::Policy;
use crate::{Error, Identity, Scope, Settings, audit::Event, password};
use cache::Cache;
use rusqlite::Transaction;
use scram::ScramKeys;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Whose sessions or tokens are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    Own,
    /// Of the person of this name; needs the right to manage users.
    User(&'a str),
    /// Of everybody; needs the right to manage users.
    All,
}

/// What [`Access::maintain`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Sessions that had ended and were removed.
    pub sessions_removed: usize,
    /// Counters of failed logins that were forgotten.
    pub failures_forgotten: usize,
    /// Sessions and tokens whose last use was written.
    pub uses_written: usize,
    /// Waiting audit entries that were written.
    pub entries_written: usize,
}

/// People, roles, sessions, tokens and the audit log of one plant. Usable by many threads at once.
///
/// Times are microseconds since the epoch (UTC), by the clock of the machine. The greatest time
/// ever passed is kept, also over restarts. If a later call passes a time that is behind it by at
/// most `clock_tolerance_s`, the greatest one is used. If it is behind by more, the clock was set
/// back, and once for each such step
/// - all sessions end, since their times mean nothing any more;
/// - tokens and temporary passwords that had expired by the old clock are revoked for good;
/// - the setup secret is withdrawn;
/// - delays of logins become no longer than their maximum, counted from the new time;
/// - the audit log gets an entry with both times.
///
/// Codes of the second factor whose step of time was used, or passed, stay refused.
///
/// The program calls [`Access::maintain`] about once a minute and when it stops.
pub struct Access {
    store: Arc<Database>,
    settings: Settings,
    random: Mutex<Box<Random>>,
    /// A hash to check passwords against for which there is no account.
    dummy: String,
    /// The same for proofs.
    scram: ScramKeys,
    gate: Gate,
    cache: Cache,
    /// Grows with every change of people, roles, sessions and tokens: what the cache holds from an
    /// earlier revision is read again.
    revision: AtomicU64,
    /// The greatest time that was passed.
    clock_us: AtomicI64,
    /// The state of the database that was seen last, and when.
    version_seen: AtomicI64,
    version_seen_at_us: AtomicI64,
    /// Audit entries to be written together, each with its time.
    pending: Mutex<Vec<(Event, i64)>>,
    /// Held while waiting entries are written, so that they are in their order.
    flushing: Mutex<()>,
}

impl Access {
    /// Opens the database, or creates it where there is none. Fails if it is corrupt, cannot be
    /// written, is newer than this program or belongs to another one; the program must then serve
    /// nothing that needs a right.
    pub fn open(
        path: &Path,
        settings: Settings,
        mut random: Box<Random>,
        now_us: i64,
    ) -> Result<Self, Error> {
        settings.check()?;
        let store = Arc::new(Database::open(path, &settings)?);
        let dummy = password::dummy(&settings, &mut *random)?;
        let scram = ScramKeys::open(&store, &mut *random)?;
        let gate = Gate::new(settings.password_checks_at_once, settings.password_checks_waiting);
        let clock_us = AtomicI64::new(store.read(clock::stored_us)?);
        let version_seen = AtomicI64::new(store.version_seen()?);
        let opened = Self {
            cache: Cache::new(settings.cache_entries),
            random: Mutex::new(random),
            revision: AtomicU64::new(1),
            version_seen_at_us: AtomicI64::new(now_us),
            pending: Mutex::default(),
            flushing: Mutex::default(),
            clock_us,
            version_seen,
            store,
            settings,
            dummy,
            scram,
            gate,
        };
        opened.effective_now(now_us)?;
        Ok(opened)
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The database, for the alarms and notifications that it also stores.
    pub fn database(&self) -> Arc<Database> {
        Arc::clone(&self.store)
    }

    /// Refuses unless `action` is allowed on everything in `scope`. Costs no access to the disk.
    pub fn authorize(
        &self,
        identity: &Identity,
        action: Action,
        scope: &Scope,
    ) -> Result<(), Error> {
        identity.authorize(action, scope)
    }

    /// A value that a later part of the program stored. The name begins with the part and a dot,
    /// such as `alarms.shelved`.
    pub fn value(&self, name: &str) -> Result<Option<String>, Error> {
        check_value_name(name)?;
        self.store.read(|tx| values::get(tx, name))
    }

    /// Stores a value, or removes it.
    pub fn set_value(&self, name: &str, value: Option<&str>) -> Result<(), Error> {
        check_value_name(name)?;
        self.store.write(|tx| match value {
            Some(value) => values::set(tx, name, value),
            None => values::remove(tx, name),
        })
    }

    /// Writes what waits in memory, and removes what is over. To be called about once a minute and
    /// before the program stops.
    pub fn maintain(&self, now_us: i64) -> Result<Maintained, Error> {
        let now_us = self.effective_now(now_us)?;
        let entries_written = self.flush_audit()?;
        let used = self.cache.unwritten();
        let done = self.store.write(|tx| {
            for (is_session, id, at_us) in used.iter().map(cache::Used::parts) {
                let touch = if is_session { rows::touch } else { token_rows::touch };
                touch(tx, id, at_us)?;
            }
            values::set(tx, clock::VALUE, &now_us.to_string())?;
            self.sweep(tx, now_us)
        })?;
        used.iter().for_each(cache::Used::written);
        Ok(Maintained { uses_written: used.len(), entries_written, ..done })
    }

    fn sweep(&self, tx: &Transaction<'_>, now_us: i64) -> Result<Maintained, Error> {
        let seen_before_us = now_us.saturating_sub(us(self.settings.session_idle_s));
        let policies = [Policy::of_accounts(&self.settings), Policy::of_addresses(&self.settings)];
        let kept_us = policies.map(|it| it.kept_us()).into_iter().max().unwrap_or_default();
        let before_us = now_us.saturating_sub(kept_us);
        let failures_forgotten = crate::store::attempts::sweep(tx, before_us)?;
        let sessions_removed = rows::sweep(tx, now_us, seen_before_us)?;
        Ok(Maintained { sessions_removed, failures_forgotten, ..Maintained::default() })
    }

    /// Writes a copy of the database into a new file, which must not exist, while it is in use.
    pub fn backup(&self, by: &Identity, to: &Path, now_us: i64) -> Result<(), Error> {
        let by = self.require(by, Action::ManageBackups, now_us)?;
        self.flush_audit()?;
        self.store.backup(to)?;
        let detail = serde_json::json!({ "to": to.display().to_string() });
        self.audit(&Event::new(crate::audit::Kind::BackedUp, by.name(), detail), now_us)
    }

    /// A change of people, roles, sessions or tokens: durable, and effective for the next request.
    fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = self.store.write(work);
        self.revision.fetch_add(1, Ordering::AcqRel);
        done
    }

    /// Appends an entry within the transaction of what it is about.
    fn append_audit(&self, tx: &Transaction<'_>, event: &Event, now_us: i64) -> Result<(), Error> {
        crate::store::audit::append(tx, event, now_us, &self.settings)
    }

    /// The identity as it is now, if it may do this in the whole plant or for itself.
    fn require(&self, by: &Identity, action: Action, now_us: i64) -> Result<Identity, Error> {
        let by = self.recheck(by, now_us)?;
        by.authorize(action, &Scope::Plant)?;
        Ok(by)
    }

    fn with_random<T>(&self, make: impl FnOnce(&mut Random) -> T) -> T {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        make(&mut **random)
    }

    /// Rights of a person as stored, in a session that was opened by `method`.
    fn rights_of(
        &self,
        tx: &Transaction<'_>,
        user: &users::UserRow,
        method: &str,
    ) -> Result<Rights, Error> {
        let assignments = users::assignments(tx, user.id)?;
        let required = &self.settings.require_second_factor;
        let needs_second_factor = user.second_factor().is_none()
            && Method::is_by_password(method)
            && assignments.iter().any(|it| required.contains(&it.role));
        let is_restricted = user.password_until_us.is_some();
        Ok(Rights { assignments, limit: None, is_restricted, needs_second_factor })
    }

    fn random_text(&self) -> String {
        crate::encoding::base32(&self.with_random(random_bytes::<12>))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn check_value_name(name: &str) -> Result<(), Error> {
    let is_named =
        name.split_once('.').is_some_and(|(part, rest)| !part.is_empty() && !rest.is_empty());
    if is_named && name.len() <= 200 {
        return Ok(());
    }
    Err(Error::invalid("value name", name, "PART.NAME of at most 200 bytes"))
}
