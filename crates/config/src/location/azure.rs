//! Containers of Azure Blob Storage.
//!
//! Credentials are those of the variables `AZURE_*`: the key of the account, a shared access signature, a token, a client
//! with its secret, or the identity of the machine.

use super::credentials::{endpoint, is_on, resolved};
use super::skipped::{Connector, SkippedNames};
use super::{Location, bucket_and_prefix, url_of};
use anyhow::{Context as _, bail};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use std::sync::Arc;

/// Variable with the address of another service than that of the account at Microsoft.
const ENDPOINT: &str = "AZURE_STORAGE_ENDPOINT";

/// What may be a reference to a secret, and its variable.
const SECRETS: [(AzureConfigKey, &str); 4] = [
    (AzureConfigKey::AccessKey, "AZURE_STORAGE_ACCOUNT_KEY"),
    (AzureConfigKey::SasKey, "AZURE_STORAGE_SAS_TOKEN"),
    (AzureConfigKey::Token, "AZURE_STORAGE_TOKEN"),
    (AzureConfigKey::ClientSecret, "AZURE_STORAGE_CLIENT_SECRET"),
];

/// Variables of Microsoft's command line that the library does not read.
const ALIASES: [(AzureConfigKey, &str); 2] = [
    (AzureConfigKey::AccountName, "AZURE_STORAGE_ACCOUNT"),
    (AzureConfigKey::AccessKey, "AZURE_STORAGE_KEY"),
];

/// The clouds whose accounts a URL may name.
const CLOUDS: [&str; 4] =
    ["core.windows.net", "core.chinacloudapi.cn", "core.usgovcloudapi.net", "fabric.microsoft.com"];

/// A container, and the account of the URL with its cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    pub container: &'a str,
    account: Option<(&'a str, &'a str)>,
}

/// Splits `CONTAINER` or `CONTAINER@ACCOUNT.dfs.core.windows.net`; `None` if it has another form.
pub fn address(host: &str) -> Option<Address<'_>> {
    let Some((container, server)) = host.split_once('@') else {
        return is_container(host).then_some(Address { container: host, account: None });
    };
    let (account, rest) = server.split_once('.')?;
    let cloud = rest.strip_prefix("dfs.").or_else(|| rest.strip_prefix("blob."))?;
    let is_account = !account.is_empty() && account.bytes().all(|it| it.is_ascii_alphanumeric());
    let is_known = is_account && CLOUDS.contains(&cloud) && is_container(container);
    is_known.then_some(Address { container, account: Some((account, cloud)) })
}

/// Whether a text is a name of a container. Keys of accounts are not: they have capitals or `=`.
fn is_container(name: &str) -> bool {
    let bare = name.strip_prefix('$').unwrap_or(name);
    let is_allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    (1..=63).contains(&bare.len()) && bare.bytes().all(is_allowed)
}

/// Opens `az://container/prefix` or `abfss://container@account.dfs.core.windows.net/prefix`.
pub fn open(text: &str) -> anyhow::Result<Location> {
    let (host, prefix) = bucket_and_prefix(text, "az://container/prefix")?;
    let Some(address) = address(&host) else {
        bail!(
            "invalid URL `{text}`: the name of a container has lower-case letters, digits and `-` only"
        );
    };
    let skipped = SkippedNames::default();
    let builder = MicrosoftAzureBuilder::from_env().with_container_name(address.container);
    let builder = with_account(with_secrets(builder, crate::env)?, address)?;
    let builder = builder.with_http_connector(Connector::new(skipped.clone()));
    let container = address.container;
    let store =
        builder.build().with_context(|| format!("cannot open the container {container}"))?;
    let scheme = text.split_once("://").map_or("az", |(scheme, _rest)| scheme);
    Ok(Location {
        name: text.trim_end_matches('/').to_owned(),
        url: url_of(&format!("{scheme}://{host}"), &prefix)?,
        root: Arc::new(store),
        prefix,
        folder: None,
        is_file_server: false,
        signer: None,
        skipped,
    })
}

/// Takes the values of further variables, and reads secrets that are references.
fn with_secrets(
    mut builder: MicrosoftAzureBuilder,
    env: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<MicrosoftAzureBuilder> {
    for (key, variable) in ALIASES {
        if let (None, Some(value)) = (builder.get_config_value(&key), env(variable)) {
            builder = builder.with_config(key, value);
        }
    }
    for (key, variable) in SECRETS {
        if let Some(value) = builder.get_config_value(&key) {
            builder = builder.with_config(key, resolved(variable, value)?);
        }
    }
    // The library's own error repeats the first byte that is wrong.
    let key = builder.get_config_value(&AzureConfigKey::AccessKey);
    if key.is_some_and(|key| !is_base64(&key)) {
        bail!("AZURE_STORAGE_ACCOUNT_KEY is not Base64; copy the key of the account again");
    }
    Ok(builder)
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let is_digit = |it: u8| it.is_ascii_alphanumeric() || it == b'+' || it == b'/';
    !digits.is_empty() && text.len().is_multiple_of(4) && digits.bytes().all(is_digit)
}

/// Sets the account, and the address of its service.
fn with_account(
    mut builder: MicrosoftAzureBuilder,
    address: Address<'_>,
) -> anyhow::Result<MicrosoftAzureBuilder> {
    use AzureConfigKey::{AccountName, Endpoint, UseEmulator};
    let own = builder.get_config_value(&Endpoint);
    if let Some((account, cloud)) = address.account {
        builder = builder.with_account(account);
        if own.is_none() {
            builder = builder.with_endpoint(format!("https://{account}.blob.{cloud}"));
        }
    }
    if let Some(own) = own {
        let own = endpoint(ENDPOINT, &own)?;
        builder = builder.with_allow_http(own.starts_with("http://")).with_endpoint(own);
    }
    let has_account = builder.get_config_value(&AccountName).is_some_and(|it| !it.is_empty());
    if !has_account && !is_on(builder.get_config_value(&UseEmulator)) {
        bail!(
            "no storage account is named: set AZURE_STORAGE_ACCOUNT_NAME, or write \
             abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX"
        );
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::{Purpose, open, refuse_keys};

    fn value(builder: &MicrosoftAzureBuilder, key: AzureConfigKey) -> String {
        builder.get_config_value(&key).unwrap_or_default()
    }

    #[test]
    fn a_url_may_name_the_account() {
        let place = open("abfss://dumps@plant1.dfs.core.windows.net/my dumps/", Purpose::Read);
        let place = place.unwrap();
        let url = "abfss://dumps@plant1.dfs.core.windows.net/my%20dumps/";
        assert_eq!((place.prefix.as_ref(), place.url.as_str()), ("my dumps", url));
        let given = address("dumps@plant1.blob.core.chinacloudapi.cn").unwrap();
        let builder = with_account(MicrosoftAzureBuilder::new(), given).unwrap();
        assert_eq!(value(&builder, AzureConfigKey::AccountName), "plant1");
        let url = "https://plant1.blob.core.chinacloudapi.cn";
        assert_eq!(value(&builder, AzureConfigKey::Endpoint), url);
    }

    #[test]
    fn a_container_needs_an_account() {
        let bare = address("dumps").unwrap();
        let error = with_account(MicrosoftAzureBuilder::new(), bare).unwrap_err();
        assert!(error.to_string().contains("AZURE_STORAGE_ACCOUNT_NAME"));
        let builder = MicrosoftAzureBuilder::new().with_account("plant1");
        let builder = builder.with_endpoint("http://127.0.0.1:10000/plant1/".to_owned());
        let builder = with_account(builder, bare).unwrap();
        assert_eq!(value(&builder, AzureConfigKey::Endpoint), "http://127.0.0.1:10000/plant1");
    }

    #[test]
    fn keys_in_a_url_are_refused_and_not_repeated() {
        for wrong in [
            "abfss://dumps:s3cret@plant1.dfs.core.windows.net/x",
            "abfss://S3CRET==@plant1.dfs.core.windows.net/x",
            "abfss://dumps@s3cret/x",
            "abfss://dumps@plant1.dfs.s3cret.example/x",
            "az://dumps:s3cret@x/y",
            "az://dumps/x?sv=1&sig=s3cret",
            "gs://s3cret@dumps/x",
        ] {
            let error = format!("{:#}", refuse_keys(wrong).unwrap_err());
            let is_repeated = error.to_lowercase().contains("s3cret");
            assert!(!is_repeated && error.contains("variables"), "{error}");
            assert!(open(wrong, Purpose::Read).is_err(), "{wrong}");
        }
        for good in ["az://dumps/x", "abfs://dumps/x", "abfss://a@b1.dfs.fabric.microsoft.com/x"] {
            assert!(refuse_keys(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn secrets_are_read_where_they_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "a2V5\n").unwrap();
        let reference = format!("file:{}/key", folder.path().display());
        let env = |name: &str| match name {
            "AZURE_STORAGE_KEY" => Some(reference.clone()),
            "AZURE_STORAGE_ACCOUNT" => Some("plant1".to_owned()),
            _ => None,
        };
        let builder = with_secrets(MicrosoftAzureBuilder::new(), env).unwrap();
        assert_eq!(value(&builder, AzureConfigKey::AccessKey), "a2V5");
        assert_eq!(value(&builder, AzureConfigKey::AccountName), "plant1");
        let wrong = MicrosoftAzureBuilder::new().with_access_key("s3-ret");
        let error = with_secrets(wrong, |_| None).unwrap_err().to_string();
        assert!(error.contains("Base64") && !error.contains("s3-ret"), "{error}");
    }

    #[test]
    fn an_account_key_is_base64() {
        for (text, expected) in [("a2V5", true), ("YQ==", true), ("a2V", false), ("====", false)] {
            assert_eq!(is_base64(text), expected, "{text}");
        }
    }
}
