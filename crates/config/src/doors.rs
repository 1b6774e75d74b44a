//! Where the service listens for SQL of other programs.

use super::serve::{Listen, Serve};
use super::settings::Origin;
use super::{Flags, pick};
use anyhow::Context as _;

/// The port that PostgreSQL clients expect.
pub const POSTGRES_PORT: u16 = 5432;

/// Addresses of the protocols; `None` is a protocol that is off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doors {
    /// The PostgreSQL protocol.
    pub postgres: Option<(Listen, Origin)>,
}

impl Doors {
    /// Reads flags, environment and `[serve]`, in this order.
    pub(super) fn read(flags: &Flags, serve: &Serve) -> anyhow::Result<Self> {
        let (flag, key) = (flags.postgres_listen.clone(), serve.postgres_listen.clone());
        let Some((text, origin)) = pick(flag, "COCKPIT_POSTGRES_LISTEN", key) else {
            return Ok(Self::default());
        };
        let listen = Listen::parse(&text, POSTGRES_PORT)
            .with_context(|| format!("the address for PostgreSQL set by {}", origin.as_str()))?;
        Ok(Self { postgres: Some((listen, origin)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_is_off_unless_an_address_is_configured() {
        assert_eq!(Doors::read(&Flags::default(), &Serve::default()).unwrap(), Doors::default());
        let serve = Serve { postgres_listen: Some("0.0.0.0".into()), ..Serve::default() };
        let flags = Flags { postgres_listen: Some("6000".into()), ..Flags::default() };
        for (flags, expected) in [(Flags::default(), "0.0.0.0:5432"), (flags, "127.0.0.1:6000")] {
            let (listen, _) = Doors::read(&flags, &serve).unwrap().postgres.unwrap();
            assert_eq!(listen.to_string(), expected);
        }
    }

    #[test]
    fn an_invalid_address_is_refused_with_its_protocol() {
        let flags = Flags { postgres_listen: Some("a b".into()), ..Flags::default() };
        let error = format!("{:#}", Doors::read(&flags, &Serve::default()).unwrap_err());
        assert!(error.contains("PostgreSQL") && error.contains("HOST:PORT"), "{error}");
    }
}
