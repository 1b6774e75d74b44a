//! Creating, listing and revoking API tokens.

use super::{Access, Whose};
use crate::audit::{Event, Kind};
use crate::permission::{Action, Rights, TokenLimit};
use crate::scram::Verifier;
use crate::settings::us;
use crate::store::{scram, tokens, users};
use crate::token::{self, CreatedToken, NewToken, TokenInfo};
use crate::{Error, Identity, Scope};

impl Access {
    /// Creates a token for the caller. It cannot have rights that the caller does not have, and it
    /// requires a session: a token cannot create tokens.
    pub fn create_token(
        &self,
        by: &Identity,
        new: &NewToken,
        now_us: i64,
    ) -> Result<CreatedToken, Error> {
        let by = self.require(by, Action::ManageOwnTokens, now_us)?;
        let user_id = by.user_id().ok_or_else(|| Error::not_found("user", by.name()))?;
        new.check(self.settings.token_life_s_max)?;
        check_rights(by.rights(), new)?;
        let now_us = self.effective_now(now_us)?;
        let expires_us = now_us.saturating_add(us(new.life_s));
        let secret = self.with_random(token::new_secret);
        let hash = crate::secret::hash_of(secret.expose());
        let salt = self.salt_for(Some(user_id))?;
        let verifier = Verifier::of(&secret, &salt);
        let info = self.change(|tx| {
            // The user may have been disabled in the meantime.
            let user = users::by_id(tx, user_id)?.filter(|it| it.disabled_us.is_none());
            user.ok_or(Error::Unauthenticated)?;
            let limit = self.settings.tokens_per_user;
            if tokens::count_valid(tx, user_id, now_us)? >= limit {
                let (what, setting) = ("tokens", "tokens_per_user");
                return Err(Error::LimitReached { what, limit: limit.into(), setting });
            }
            let id = tokens::add(tx, user_id, &hash, new, now_us, expires_us)?;
            scram::set_token(tx, (user_id, id), &salt, &verifier)?;
            let actions: Vec<&str> = new.actions.iter().map(|it| it.name()).collect();
            let detail = serde_json::json!({
                "actions": actions,
                "expires_us": expires_us,
                "scope": new.scope.to_string(),
                "token": id,
            });
            self.append_audit(tx, &Event::new(Kind::TokenCreated, by.name(), detail), now_us)?;
            let row = tokens::by_id(tx, id)?.ok_or_else(|| Error::not_found("token", id))?;
            Ok(row.info)
        })?;
        Ok(CreatedToken { secret, info })
    }

    /// Lists tokens, newest first, including expired and revoked ones.
    pub fn tokens(
        &self,
        by: &Identity,
        whose: Whose<'_>,
        now_us: i64,
    ) -> Result<Vec<TokenInfo>, Error> {
        let user_id = self.whose(by, whose, Action::ManageOwnTokens, now_us)?;
        self.store.read(|tx| tokens::list(tx, user_id))
    }

    /// Revokes an own token, or any token with the permission to manage users.
    pub fn revoke_token(&self, by: &Identity, id: i64, now_us: i64) -> Result<(), Error> {
        let by = self.require(by, Action::ManageOwnTokens, now_us)?;
        let now_us = self.effective_now(now_us)?;
        self.change(|tx| {
            let row = tokens::by_id(tx, id)?;
            let is_own = row.as_ref().is_some_and(|it| Some(it.user_id) == by.user_id());
            if !is_own {
                by.authorize(Action::ManageUsers, &Scope::Plant)?;
            }
            let row = row.ok_or_else(|| Error::not_found("token", id))?;
            if tokens::revoke(tx, id, now_us)? {
                let detail = serde_json::json!({ "token": id, "user": row.info.user });
                self.append_audit(tx, &Event::new(Kind::TokenRevoked, by.name(), detail), now_us)?;
            }
            Ok(())
        })
    }
}

/// Returns an error if the owner lacks one of the actions in the scope of the token.
fn check_rights(owner: &Rights, new: &NewToken) -> Result<(), Error> {
    let limit = TokenLimit { actions: new.actions.clone(), scope: new.scope.clone() };
    let rights = Rights { limit: Some(limit), ..owner.clone() };
    let lacking = new.actions.iter().find(|it| !rights.allows(**it, &new.scope));
    lacking.map_or(Ok(()), |it| {
        Err(Error::Forbidden { action: it.rule().text, scope: new.scope.to_string() })
    })
}
