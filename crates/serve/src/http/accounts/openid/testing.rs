//! A configured provider for tests.

use config::openid::OpenIdProvider;

/// A provider with defaults.
pub fn configured(name: &str, issuer: &str) -> OpenIdProvider {
    OpenIdProvider {
        name: name.into(),
        title: name.into(),
        issuer: issuer.into(),
        client_id: "cockpit".into(),
        client_secret: None,
        scopes: vec!["profile".into()],
        groups_claim: "groups".into(),
        name_claim: "preferred_username".into(),
        adds_users: true,
        logs_out: true,
        ca_file: None,
        allowed_addresses: Vec::new(),
        roles: Vec::new(),
    }
}
