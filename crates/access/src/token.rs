//! API tokens: `pck_`, 52 characters of 256 random bits, and 8 characters of a checksum.
//!
//! The prefix lets secret scanners find a token in a place where it does not belong; the checksum
//! rejects other texts without a database query.

use crate::{Action, Error, Random, Scope, Secret, encoding, secret};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

pub const PREFIX: &str = "pck_";

const SECRET_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 5;
const LENGTH: usize = PREFIX.len() + 52 + 8;

/// Properties of a token to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// For its owner to recognize it.
    pub name: String,
    /// At least one, all of which the owner has in `scope`.
    pub actions: BTreeSet<Action>,
    pub scope: Scope,
    /// How long it is valid, at most `token_life_s_max`.
    pub life_s: u32,
}

/// A token as its owner and administrators see it: all but the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenInfo {
    pub id: i64,
    pub user: String,
    pub name: String,
    pub actions: BTreeSet<Action>,
    pub scope: Scope,
    pub created_us: i64,
    pub expires_us: i64,
    /// Within a minute; `None` if it was never used.
    pub last_used_us: Option<i64>,
    pub revoked_us: Option<i64>,
}

/// A token that was just created. The secret is not stored and cannot be shown again.
#[derive(Debug)]
pub struct CreatedToken {
    pub secret: Secret,
    pub info: TokenInfo,
}

pub(crate) fn new_secret(random: &mut Random) -> Secret {
    let body = encoding::base32(&secret::random_bytes::<SECRET_BYTES>(random));
    Secret::new(format!("{PREFIX}{body}{}", checksum(&body)))
}

/// Returns the hash of a token; `None` if the format or the checksum is wrong.
pub(crate) fn hash_of(token: &str) -> Option<secret::Hash> {
    let rest = token.strip_prefix(PREFIX).filter(|_| token.len() == LENGTH)?;
    let (body, sum) = rest.split_at_checked(52)?;
    let is_token = encoding::from_base32(body).is_some() && checksum(body) == sum;
    is_token.then(|| secret::hash_of(token))
}

fn checksum(body: &str) -> String {
    let digest = Sha256::digest(format!("{PREFIX}{body}").as_bytes());
    encoding::base32(&digest[..CHECKSUM_BYTES])
}

impl NewToken {
    /// Refuses a name, a life or a set of actions that no token can have.
    pub(crate) fn check(&self, life_s_max: u32) -> Result<(), Error> {
        let is_named = !self.name.trim().is_empty() && self.name.chars().count() <= 100;
        if !is_named || self.name.chars().any(crate::user::is_invisible) {
            return Err(Error::invalid("token name", &self.name, "1 to 100 printable characters"));
        }
        if !(60..=life_s_max).contains(&self.life_s) {
            let expected = format!("60 to {life_s_max} seconds");
            return Err(Error::invalid("token life", &self.life_s.to_string(), expected));
        }
        let refused = self.actions.iter().find(|it| !it.rule().by_token);
        if let Some(action) = refused {
            return Err(Error::invalid(
                "action",
                action.name(),
                "an action that a token can carry",
            ));
        }
        if self.actions.is_empty() {
            return Err(Error::invalid("actions", "", "at least one"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seeded;
    use proptest::prelude::*;

    #[test]
    fn a_new_token_has_its_form_and_is_recognized() {
        let token = new_secret(&mut *seeded(1));
        let text = token.expose();
        assert!(text.starts_with("pck_") && text.len() == LENGTH, "{text}");
        assert!(text[4..].bytes().all(|it| it.is_ascii_lowercase() || (b'2'..=b'7').contains(&it)));
        assert_eq!(hash_of(text), Some(secret::hash_of(text)));
    }

    #[test]
    fn impossible_tokens_are_not_created() {
        let actions = BTreeSet::from([Action::ReadTables]);
        let name = "Excel".to_owned();
        let good = NewToken { name, actions, scope: Scope::Plant, life_s: 3_600 };
        assert!(good.check(7_200).is_ok());
        let wrong = [
            NewToken { name: " ".into(), ..good.clone() },
            NewToken { name: "a\nb".into(), ..good.clone() },
            NewToken { name: "x".repeat(101), ..good.clone() },
            NewToken { life_s: 59, ..good.clone() },
            NewToken { life_s: 7_201, ..good.clone() },
            NewToken { actions: BTreeSet::new(), ..good.clone() },
            NewToken { actions: BTreeSet::from([Action::ManageUsers]), ..good },
        ];
        for token in wrong {
            assert!(token.check(7_200).is_err(), "{token:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_taken_for_a_token_by_chance(text in "(pck_)?[a-z2-7]{0,70}|.{0,80}") {
            prop_assert!(hash_of(&text).is_none());
        }

        #[test]
        fn a_token_with_a_wrong_character_is_refused(seed: u64, at in 0_usize..LENGTH, letter: char) {
            let token = new_secret(&mut *seeded(seed));
            let mut letters: Vec<char> = token.expose().chars().collect();
            prop_assume!(letters[at] != letter);
            letters[at] = letter;
            let changed: String = letters.into_iter().collect();
            prop_assert!(hash_of(&changed).is_none());
        }

        #[test]
        fn a_token_that_is_cut_or_extended_is_refused(seed: u64, cut in 1_usize..LENGTH, more in ".{1,9}") {
            let token = new_secret(&mut *seeded(seed));
            prop_assert!(hash_of(&token.expose()[..LENGTH - cut]).is_none());
            let longer = format!("{}{more}", token.expose());
            let later = format!("{more}{}", token.expose());
            prop_assert!(hash_of(&longer).is_none() && hash_of(&later).is_none());
        }
    }
}
