//! The one-time secret by which the first administrator is created. There is no default password.

use crate::{Error, Random, Secret, encoding, secret};
use serde::{Deserialize, Serialize};

/// The value under which it is stored.
pub(crate) const VALUE: &str = "setup";

const SECRET_BYTES: usize = 32;

/// A secret for the first start, to be shown once, such as in a link.
#[derive(Debug)]
pub struct SetupSecret {
    pub secret: Secret,
    pub expires_us: i64,
}

/// Who becomes the first administrator.
#[derive(Debug, Clone)]
pub struct FirstAdministrator<'a> {
    pub secret: &'a Secret,
    pub name: &'a str,
    pub full_name: &'a str,
    pub password: &'a Secret,
}

/// What is stored of the secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    hash: String,
    expires_us: i64,
}

pub(crate) fn new_secret(random: &mut Random) -> Secret {
    Secret::new(encoding::base32(&secret::random_bytes::<SECRET_BYTES>(random)))
}

impl Stored {
    pub fn new(secret: &Secret, expires_us: i64) -> Self {
        Self { hash: encoding::hex(&secret::hash_of(secret.expose())), expires_us }
    }

    pub fn read(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|error| Error::corrupt(format!("the setup secret cannot be read: {error}")))
    }

    pub fn write(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::corrupt(error.to_string()))
    }

    /// Whether this is the secret and still valid.
    pub fn accepts(&self, secret: &Secret, now_us: i64) -> bool {
        let stored = encoding::from_hex(&self.hash).and_then(|it| it.try_into().ok());
        let is_right =
            stored.is_some_and(|it| secret::is_same(&it, &secret::hash_of(secret.expose())));
        is_right && now_us < self.expires_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seeded;

    #[test]
    fn only_the_secret_itself_is_accepted_and_only_in_time() {
        let secret = new_secret(&mut *seeded(1));
        let stored = Stored::read(&Stored::new(&secret, 100).write().unwrap()).unwrap();
        assert!(stored.accepts(&secret, 99));
        assert!(!stored.accepts(&secret, 100));
        assert!(!stored.accepts(&new_secret(&mut *seeded(2)), 99));
        assert!(!stored.accepts(&Secret::new(""), 99));
    }

    #[test]
    fn a_damaged_value_is_an_error() {
        assert!(Stored::read("{}").is_err());
        let broken = Stored { hash: "xyz".into(), expires_us: 100 };
        assert!(!broken.accepts(&Secret::new("xyz"), 1));
    }
}
