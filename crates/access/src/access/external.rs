//! Logins by an identity provider, and sessions the command line starts.

use super::Access;
use super::people::shown;
use crate::audit::{Event, Kind};
use crate::external::{self, ExternalLogin};
use crate::login::LoggedIn;
use crate::permission::{Action, Source};
use crate::store::users;
use crate::{Client, Error, Identity, Secret, UserInfo, Via, user};
use rusqlite::Transaction;
use serde_json::json;

/// How many numbers are tried behind a name that is taken.
const NAME_TRIES: u32 = 1_000;

impl Access {
    /// Links an identity of a provider with a person, who can then log in by it.
    pub fn link_external(
        &self,
        by: &Identity,
        name: &str,
        issuer: &str,
        subject: &str,
        now_us: i64,
    ) -> Result<(), Error> {
        let by = self.permitted(by, Action::ManageUsers, now_us)?;
        external::check(issuer, subject)?;
        let now_us = self.at(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            users::link(tx, user.id, issuer, subject, now_us)?;
            let detail = json!({ "issuer": issuer, "subject": subject, "user": user.name });
            self.note(tx, &Event::new(Kind::ExternalLinked, by.name(), detail), now_us)
        })
    }

    /// Who has this identity of a provider.
    pub fn find_external(&self, issuer: &str, subject: &str) -> Result<Option<UserInfo>, Error> {
        self.store.read(|tx| {
            let found = users::by_identity(tx, issuer, subject)?;
            found.map(|it| users::info(tx, it)).transpose()
        })
    }

    /// Logs in a person whom a provider has confirmed, with the roles of their groups in place of
    /// those the provider gave before. Somebody without any role is refused, and not added.
    pub fn login_external(
        &self,
        login: &ExternalLogin,
        client: &Client,
        previous: Option<&Secret>,
        now_us: i64,
    ) -> Result<LoggedIn, Error> {
        external::check(&login.issuer, &login.subject)?;
        let now_us = self.at(now_us)?;
        self.change(|tx| {
            let found = users::by_identity(tx, &login.issuer, &login.subject)?;
            let user = match found {
                Some(user) if user.disabled_us.is_some() => return Err(Error::LoginRefused),
                Some(user) => user,
                None if login.may_add => self.add_external(tx, login, now_us)?,
                None => return Err(Error::LoginRefused),
            };
            self.replace_external_roles(tx, &user, login, now_us)?;
            if users::assignments(tx, user.id)?.is_empty() {
                let (action, scope) = ("log in", "plant".to_owned());
                return Err(Error::Forbidden { action, scope });
            }
            self.end_previous(tx, previous)?;
            self.open_session(tx, &user, client, "external", now_us)
        })
    }

    /// Starts a session without a login, for a program that runs for the person at the machine,
    /// such as a demonstration. Only the command line can.
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
        let now_us = self.at(now_us)?;
        self.change(|tx| {
            let user = users::named(tx, name)?;
            if user.disabled_us.is_some() {
                return Err(Error::LoginRefused);
            }
            self.open_session(tx, &user, client, "terminal", now_us)
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
        let full_name = user::full_name_of(&login.full_name).unwrap_or_default();
        let id = users::add(tx, &name, &full_name, now_us)?;
        users::link(tx, id, &login.issuer, &login.subject, now_us)?;
        let detail = json!({
            "issuer": login.issuer,
            "roles": shown(&login.roles),
            "subject": login.subject,
            "user": name,
        });
        self.note(tx, &Event::new(Kind::UserAdded, "program", detail), now_us)?;
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
        let detail = json!({ "after": shown(&after), "before": shown(&before), "user": user.name });
        self.note(tx, &Event::new(Kind::RolesChanged, "program", detail), now_us)
    }
}

/// A name nobody has yet, as close to the suggested one as is allowed.
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
