//! Where the service listens for SQL of other programs.

use super::serve::{Listen, Serve};
use super::settings::Origin;
use super::{Flags, pick};
use anyhow::Context as _;

/// The port that PostgreSQL clients expect.
pub const POSTGRES_PORT: u16 = 5432;
/// The port that examples of Arrow Flight SQL use.
pub const FLIGHT_PORT: u16 = 31_337;

/// Addresses of the protocols; `None` is a protocol that is off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doors {
    /// The PostgreSQL protocol.
    pub postgres: Option<(Listen, Origin)>,
    /// Arrow Flight SQL.
    pub flight: Option<(Listen, Origin)>,
}

impl Doors {
    /// Reads flags, environment and `[serve]`, in this order.
    pub(super) fn read(flags: &Flags, serve: &Serve) -> anyhow::Result<Self> {
        let postgres = pick(
            flags.postgres_listen.clone(),
            "COCKPIT_POSTGRES_LISTEN",
            serve.postgres_listen.clone(),
        );
        let flight =
            pick(flags.flight_listen.clone(), "COCKPIT_FLIGHT_LISTEN", serve.flight_listen.clone());
        Ok(Self {
            postgres: listen("PostgreSQL", postgres, POSTGRES_PORT)?,
            flight: listen("Flight SQL", flight, FLIGHT_PORT)?,
        })
    }
}

fn listen(
    protocol: &str,
    picked: Option<(String, Origin)>,
    default_port: u16,
) -> anyhow::Result<Option<(Listen, Origin)>> {
    let Some((text, origin)) = picked else { return Ok(None) };
    let listen = Listen::parse(&text, default_port)
        .with_context(|| format!("the address for {protocol} set by {}", origin.as_str()))?;
    Ok(Some((listen, origin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_off_unless_an_address_is_configured() {
        assert_eq!(Doors::read(&Flags::default(), &Serve::default()).unwrap(), Doors::default());
        let serve = Serve {
            postgres_listen: Some("0.0.0.0".into()),
            flight_listen: Some("9000".into()),
            ..Serve::default()
        };
        let flags = Flags { flight_listen: Some("localhost".into()), ..Flags::default() };
        let doors = Doors::read(&flags, &serve).unwrap();
        let text = |it: Option<(Listen, Origin)>| it.map(|(listen, _)| listen.to_string());
        assert_eq!(text(doors.postgres).as_deref(), Some("0.0.0.0:5432"));
        assert_eq!(text(doors.flight).as_deref(), Some("localhost:31337"));
    }

    #[test]
    fn an_invalid_address_is_refused_with_its_protocol() {
        let flags = Flags { postgres_listen: Some("a b".into()), ..Flags::default() };
        let error = format!("{:#}", Doors::read(&flags, &Serve::default()).unwrap_err());
        assert!(error.contains("PostgreSQL") && error.contains("HOST:PORT"), "{error}");
    }
}
