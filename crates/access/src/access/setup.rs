//! The first administrator, by a one-time secret.

use super::Access;
use crate::audit::{Event, Kind};
use crate::login::LoggedIn;
use crate::permission::{Assignment, Role, Source};
use crate::session::Method;
use crate::settings::us;
use crate::setup::{FirstAdministrator, SetupSecret, Stored, VALUE, new_secret};
use crate::store::{users, values};
use crate::{Client, Error, Scope, password, user};
use rusqlite::Transaction;

impl Access {
    /// A new setup secret if there are no users yet; an earlier one stops to work. For the start
    /// of the program, which shows it to the person who started it.
    pub fn bootstrap(&self, now_us: i64) -> Result<Option<SetupSecret>, Error> {
        let now_us = self.effective_now(now_us)?;
        if self.store.read(|tx| users::count(tx))? > 0 {
            return Ok(None);
        }
        let secret = self.with_random(new_secret);
        let expires_us = now_us.saturating_add(us(self.settings.setup_life_s));
        let stored = Stored::new(&secret, expires_us).write()?;
        self.change(|tx| {
            if users::count(tx)? > 0 {
                return Ok(None);
            }
            values::set(tx, VALUE, &stored)?;
            let detail = serde_json::json!({ "expires_us": expires_us });
            self.append_audit(tx, &Event::new(Kind::SetupOffered, "program", detail), now_us)?;
            Ok(Some(SetupSecret { secret, expires_us }))
        })
    }

    /// Whether the first administrator has still to be created.
    pub fn needs_setup(&self) -> Result<bool, Error> {
        self.store.read(|tx| Ok(users::count(tx)? == 0))
    }

    /// Creates the first administrator and logs them in. The secret works once; a wrong one counts
    /// as a failed login of the address.
    pub fn complete_setup(
        &self,
        first: &FirstAdministrator<'_>,
        client: &Client,
        now_us: i64,
    ) -> Result<LoggedIn, Error> {
        let now_us = self.effective_now(now_us)?;
        self.check_address(client.address, now_us)?;
        if !self.store.read(|tx| is_offered(tx, first, now_us))? {
            self.store.write(|tx| self.count_address(tx, client.address, now_us))?;
            return Err(Error::SetupRefused);
        }
        let (name, full_name) = (user::name_of(first.name)?, user::full_name_of(first.full_name)?);
        password::check(first.password, &name, &self.settings)?;
        let hashed = self.hash_with_permit(first.password, None)?;
        self.change(|tx| {
            // Another request may have used the secret meanwhile.
            if !is_offered(tx, first, now_us)? {
                return Err(Error::SetupRefused);
            }
            values::remove(tx, VALUE)?;
            let id = users::add(tx, &name, &full_name, now_us)?;
            hashed.set(tx, id, None)?;
            let role = Assignment::new(Role::Administrator, Scope::Plant);
            users::set_assignments(tx, id, Source::Local, &[role])?;
            let detail = serde_json::json!({ "user": name });
            let event = Event::new(Kind::SetupCompleted, &name, detail);
            self.append_audit(tx, &event.from_address(client.address), now_us)?;
            let user = users::named(tx, &name)?;
            self.open_session(tx, &user, client, Method::new("setup"), now_us)
        })
    }
}

fn is_offered(
    tx: &Transaction<'_>,
    first: &FirstAdministrator<'_>,
    now_us: i64,
) -> Result<bool, Error> {
    let Some(stored) = values::get(tx, VALUE)? else {
        return Ok(false);
    };
    Ok(Stored::read(&stored)?.accepts(first.secret, now_us) && users::count(tx)? == 0)
}
