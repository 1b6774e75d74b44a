//! Logins by an identity provider, and sessions started by the command line.

use super::Access;
use super::people::role_texts;
use crate::audit::{Event, Kind};
use crate::external::{self, ExternalLogin};
use crate::login::LoggedIn;
use crate::permission::{Action, Assignment, Role, Source};
use crate::session::{Method, TERMINAL};
use crate::store::users;
use crate::{Client, Error, Identity, Scope, Secret, UserInfo, Via, user};
use rusqlite::Transaction;
use serde_json::json;

/// Number of suffixes tried for a name that is taken.
const NAME_TRIES: u32 = 1_000;

/// Reason why an authenticated person of a provider is refused.
#[derive(Debug, Clone, Copy)]
enum ExternalRefusal {
    Unknown,
    Disabled,
    NoRole,
    /// There is no user yet, and the first one has to be an administrator.
    NotFirst,
}

impl ExternalRefusal {
    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown identity",
            Self::Disabled => "account is disabled",
            Self::NoRole => "no role",
            Self::NotFirst => "the first user has to be an administrator",
        }
    }

    fn error(self) -> Error {
        match self {
            Self::Unknown | Self::Disabled => Error::LoginRefused,
            Self::NoRole | Self::NotFirst => {
                Error::Forbidden { action: "log in", scope: "plant".to_owned() }
            }
        }
    }
}

impl Access {
    /// Links an identity of a provider to a user, who can then log in with it.
    pub fn link_external(
        &self,
        by: &Identity,
        name: &str,
        issuer: &str,
        subject: &str,
        now_us: i64,
    ) -> Result<(), Error> {
        let by = self.require(by, Action::ManageUsers, now_us)?;
        external::check(issuer, subject)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            users::link(tx, user.id, issuer, subject, now_us)?;
            let detail = json!({ "issuer": issuer, "subject": subject, "user": user.name });
            self.append_audit(tx, &Event::new(Kind::ExternalLinked, by.name(), detail), now_us)
        })
    }

    /// Returns the user of an identity of a provider.
    pub fn find_external(&self, issuer: &str, subject: &str) -> Result<Option<UserInfo>, Error> {
        self.store.read(|tx| {
            let found = users::by_identity(tx, issuer, subject)?;
            found.map(|it| users::info(tx, it)).transpose()
        })
    }

    /// Logs in a user whom a provider has authenticated. The roles of the provider's groups replace
    /// the external roles of earlier logins. A person without any role is refused and not added.
    pub fn login_external(
        &self,
        login: &ExternalLogin,
        client: &Client,
        previous: Option<&Secret>,
        now_us: i64,
    ) -> Result<LoggedIn, Error> {
        external::check(&login.issuer, &login.subject)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let done = self.open_external_session(tx, login, client, previous, now_us)?;
            if let Err(refusal) = &done {
                let (issuer, subject) = (&login.issuer, &login.subject);
                let detail =
                    json!({ "issuer": issuer, "reason": refusal.name(), "subject": subject });
                let event = Event::new(Kind::LoginFailed, "-", detail);
                self.append_audit(tx, &event.from_address(client.address), now_us)?;
            }
            Ok(done)
        })?
        .map_err(ExternalRefusal::error)
    }

    /// Opens a session or returns the reason of the refusal. The roles are replaced in both cases:
    /// a user who has left all groups loses the rights of earlier sessions and tokens too.
    fn open_external_session(
        &self,
        tx: &Transaction<'_>,
        login: &ExternalLogin,
        client: &Client,
        previous: Option<&Secret>,
        now_us: i64,
    ) -> Result<Result<LoggedIn, ExternalRefusal>, Error> {
        let user = match users::by_identity(tx, &login.issuer, &login.subject)? {
            Some(user) => user,
            None if !login.may_add => return Ok(Err(ExternalRefusal::Unknown)),
            None if login.roles.is_empty() => return Ok(Err(ExternalRefusal::NoRole)),
            None if users::count(tx)? == 0 && !is_administrator(&login.roles) => {
                return Ok(Err(ExternalRefusal::NotFirst));
            }
            None => self.add_external(tx, login, now_us)?,
        };
        self.replace_external_roles(tx, &user, login, now_us)?;
        if user.disabled_us.is_some() {
            return Ok(Err(ExternalRefusal::Disabled));
        }
        if users::assignments(tx, user.id)?.is_empty() {
            return Ok(Err(ExternalRefusal::NoRole));
        }
        self.end_previous(tx, previous)?;
        self.open_session(tx, &user, client, Method::external(&login.issuer), now_us).map(Ok)
    }

    /// Starts a session without a login, for a program that the person at the machine started, such
    /// as a demonstration. Only the command line may do this.
    pub fn start_session(
        &self,
        by: &Identity,
        name: &str,
        client: &Client,
        now_us: i64,
    ) -> Result<LoggedIn, Error> {
        if by.via() != Via::Terminal {
            let (action, scope) = ("start sessions without a login", "plant".to_owned());
            return Err(Error::Forbidden { action, scope });
        }
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            if user.disabled_us.is_some() {
                return Err(Error::LoginRefused);
            }
            self.open_session(tx, &user, client, Method::new(TERMINAL), now_us)
        })
    }

    fn add_external(
        &self,
        tx: &Transaction<'_>,
        login: &ExternalLogin,
        now_us: i64,
    ) -> Result<users::UserRow, Error> {
        self.check_room(tx)?;
        let name = free_name(tx, &login.suggested_name)?;
        let full_name = user::shown_name(&login.full_name);
        let id = users::add(tx, &name, &full_name, now_us)?;
        users::link(tx, id, &login.issuer, &login.subject, now_us)?;
        let detail = json!({
            "issuer": login.issuer,
            "roles": role_texts(&login.roles),
            "subject": login.subject,
            "user": name,
        });
        self.append_audit(tx, &Event::new(Kind::UserAdded, "program", detail), now_us)?;
        users::named(tx, &name)
    }

    fn replace_external_roles(
        &self,
        tx: &Transaction<'_>,
        user: &users::UserRow,
        login: &ExternalLogin,
        now_us: i64,
    ) -> Result<(), Error> {
        let before = users::assignments(tx, user.id)?;
        users::set_assignments(tx, user.id, Source::External, &login.roles)?;
        let after = users::assignments(tx, user.id)?;
        if before == after {
            return Ok(());
        }
        let detail = json!({ "after": role_texts(&after), "before": role_texts(&before), "user": user.name });
        self.append_audit(tx, &Event::new(Kind::RolesChanged, "program", detail), now_us)
    }
}

/// Whether the roles include the administration of the whole plant.
fn is_administrator(roles: &[Assignment]) -> bool {
    roles.iter().any(|it| it.role == Role::Administrator && it.scope == Scope::Plant)
}

/// Returns an unused name that is as close to the suggested one as allowed.
fn free_name(tx: &Transaction<'_>, suggested: &str) -> Result<String, Error> {
    let is_allowed = |it: &char| it.is_ascii_alphanumeric() || "._-@+".contains(*it);
    let plain: String = suggested.chars().filter(is_allowed).take(100).collect();
    let plain = user::name_of(&plain).unwrap_or_else(|_| "user".to_owned());
    for number in 1..=NAME_TRIES {
        let name = if number == 1 { plain.clone() } else { format!("{plain}-{number}") };
        if users::by_name(tx, &name)?.is_none() {
            return Ok(name);
        }
    }
    Err(Error::Exists { what: "user", name: plain })
}
