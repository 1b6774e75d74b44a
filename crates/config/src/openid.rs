//! `[[openid]]` of plant.toml: the providers of OpenID Connect that users can log in with.

mod provider_url;

pub use provider_url::issuer;

use crate::diagnostic::did_you_mean;
use crate::network::AddressRange;
use crate::secret::SecretRef;
use crate::toml_reader::TomlReader;
use std::collections::BTreeSet;
use std::path::PathBuf;
use url::Url;

/// The roles that a group can give.
pub const ROLES: [&str; 5] = ["viewer", "operator", "supervisor", "engineer", "administrator"];

/// The claim with the groups of a user, unless another is configured.
const GROUPS_CLAIM: &str = "groups";

/// The claim with the name of a new user, unless another is configured.
const NAME_CLAIM: &str = "preferred_username";

/// The longest name of a provider, which is part of addresses.
const NAME_BYTES_MAX: usize = 32;

/// A provider of OpenID Connect as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdProvider {
    /// Its name in addresses and in the audit log: letters, digits and `-`.
    pub name: String,
    /// Its name on the login page.
    pub title: String,
    /// The issuer exactly as the provider spells it in its tokens.
    pub issuer: String,
    pub client_id: String,
    /// Where the client secret is stored; `None` for a public client, which PKCE alone protects.
    pub client_secret: Option<SecretRef>,
    /// Scopes that are requested in addition to `openid`.
    pub scopes: Vec<String>,
    /// Claim that holds the groups of a user.
    pub groups_claim: String,
    /// Claim that the name of a new user is made of.
    pub name_claim: String,
    /// Whether the first login of a person adds a user.
    pub adds_users: bool,
    /// Whether a logout ends the session at the provider too, if the provider offers it.
    pub logs_out: bool,
    /// Certificates of trusted authorities (PEM) instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Private addresses that the hosts of the provider may have, besides the host of the issuer.
    pub allowed_addresses: Vec<AddressRange>,
    /// The roles that groups give.
    pub roles: Vec<GroupRule>,
}

/// The role that a group gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRule {
    /// The group exactly as the provider spells it.
    pub group: String,
    /// One of [`ROLES`].
    pub role: String,
    /// `plant`, `area:NAME` or `line:AREA/NAME`.
    pub scope: String,
}

impl OpenIdProvider {
    /// The address of the issuer.
    ///
    /// # Errors
    /// The issuer is not an address that [`issuer`] accepts.
    pub fn issuer_url(&self) -> anyhow::Result<Url> {
        issuer(&self.issuer)
    }
}

/// Reads `[[openid]]`. A provider with a mistake is left out.
pub fn read(reader: &mut TomlReader<'_, '_>) -> Vec<OpenIdProvider> {
    let mut providers = Vec::new();
    let mut names = BTreeSet::new();
    for mut table in reader.tables("openid") {
        let provider = read_provider(&mut table);
        if let Some(name) = provider.as_ref().map(|it| it.name.clone())
            && !names.insert(name.clone())
        {
            let message = format!("a second provider has the name `{name}`");
            table.note("name", message, "Give each provider its own name.");
        }
        table.finish();
        providers.extend(provider);
    }
    providers
}

fn read_provider(table: &mut TomlReader<'_, '_>) -> Option<OpenIdProvider> {
    let name = read_name(table);
    let title = table.text("title").filter(|title| !title.trim().is_empty());
    let issuer = read_issuer(table);
    let client_id = table.required("client_id", "Write the client id that the provider issued.");
    let client_secret = read_secret(table);
    let scopes = table.texts("scopes").unwrap_or_else(|| vec!["profile".to_owned()]);
    let groups_claim = table.text("groups_claim").unwrap_or_else(|| GROUPS_CLAIM.to_owned());
    let name_claim = table.text("name_claim").unwrap_or_else(|| NAME_CLAIM.to_owned());
    let adds_users = table.flag("adds_users").unwrap_or(true);
    let logs_out = table.flag("logs_out").unwrap_or(true);
    let ca_file = table.text("ca_file").map(PathBuf::from);
    let allowed_addresses = read_addresses(table);
    let roles = table.tables("role").into_iter().filter_map(read_rule).collect();
    let name = name?;
    Some(OpenIdProvider {
        title: title.unwrap_or_else(|| name.clone()),
        name,
        issuer: issuer?,
        client_id: client_id?,
        client_secret,
        scopes,
        groups_claim,
        name_claim,
        adds_users,
        logs_out,
        ca_file,
        allowed_addresses,
        roles,
    })
}

fn read_name(table: &mut TomlReader<'_, '_>) -> Option<String> {
    let name = table.required("name", "Give the provider a short name, such as \"keycloak\".")?;
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_allowed) {
        return Some(name);
    }
    let remedy = "Write 1 to 32 characters: small letters, digits and `-`.";
    table.note("name", format!("invalid provider name `{name}`"), remedy);
    None
}

fn read_issuer(table: &mut TomlReader<'_, '_>) -> Option<String> {
    let remedy = "Write the issuer as in the provider's /.well-known/openid-configuration.";
    let text = table.required("issuer", remedy)?;
    match issuer(&text) {
        Ok(_) => Some(text),
        Err(error) => {
            table.note("issuer", error.to_string(), remedy);
            None
        }
    }
}

fn read_secret(table: &mut TomlReader<'_, '_>) -> Option<SecretRef> {
    let text = table.text("client_secret")?;
    let parsed = text.parse::<SecretRef>();
    let remedy = "Write such a reference here.";
    parsed.map_err(|error| table.note("client_secret", error.to_string(), remedy)).ok()
}

fn read_addresses(table: &mut TomlReader<'_, '_>) -> Vec<AddressRange> {
    let texts = table.texts("allowed_addresses").unwrap_or_default();
    let mut ranges = Vec::new();
    for text in texts {
        match text.parse::<AddressRange>() {
            Ok(range) => ranges.push(range),
            Err(error) => {
                let remedy = "Write such address ranges here.";
                table.note("allowed_addresses", error.to_string(), remedy);
            }
        }
    }
    ranges
}

fn read_rule(mut table: TomlReader<'_, '_>) -> Option<GroupRule> {
    let group = table.required("group", "Write the group as the provider spells it.");
    let role = table.required("role", "Write the role that the members get.");
    let scope = table.text("scope").unwrap_or_else(|| "plant".to_owned());
    let is_role = role.as_deref().is_none_or(|role| ROLES.contains(&role));
    if !is_role {
        let role = role.as_deref().unwrap_or_default();
        table.note("role", format!("unknown role `{role}`"), did_you_mean(role, &ROLES));
    }
    let is_scope = is_scope(&scope);
    if !is_scope {
        let remedy = "Write plant, area:NAME or line:AREA/NAME.";
        table.note("scope", format!("invalid scope `{scope}`"), remedy);
    }
    table.finish();
    let rule = GroupRule { group: group?, role: role?, scope };
    (is_role && is_scope).then_some(rule)
}

/// Whether a text has the form of a scope of permissions.
fn is_scope(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_plain = |letter: char| !letter.is_control() && letter != '/';
        !name.trim().is_empty() && name.chars().count() <= 128 && name.chars().all(is_plain)
    };
    match text.split_once(':') {
        None => text == "plant",
        Some(("area", area)) => is_name(area),
        Some(("line", path)) => {
            path.split_once('/').is_some_and(|(area, line)| is_name(area) && is_name(line))
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests;
