//! Buckets of Google Cloud Storage.
//!
//! Credentials are those of Google's own programs: `GOOGLE_APPLICATION_CREDENTIALS`, a key in
//! `GOOGLE_SERVICE_ACCOUNT_KEY`, the file of `gcloud auth application-default login`, or the identity of the machine.

use super::credentials::{endpoint, resolved};
use super::skipped::{Connector, SkippedNames};
use super::{Location, bucket_and_prefix, url_of};
use crate::secret::SecretRef;
use anyhow::{Context as _, bail};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use serde_json::Value;
use std::sync::Arc;

/// Variable with the key of a service account, or a reference to it.
const KEY: &str = "GOOGLE_SERVICE_ACCOUNT_KEY";
/// Variable with the address of another service than Google's.
const ENDPOINT: &str = "GOOGLE_BASE_URL";
/// Variable by which Google's libraries name an emulator, which they use without credentials.
const EMULATOR: &str = "STORAGE_EMULATOR_HOST";

/// What a key of a service account consists of.
const ACCOUNT: &[&str] = &["client_email", "private_key", "private_key_id"];
/// What the credentials of a person consist of.
const PERSON: &[&str] = &["client_id", "client_secret", "refresh_token"];

/// Opens `gs://bucket/prefix`.
pub fn open(text: &str) -> anyhow::Result<Location> {
    let (bucket, prefix) = bucket_and_prefix(text, "gs://bucket/prefix")?;
    if !bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        bail!(
            "invalid URL `{text}`: the name of a bucket has letters, digits, `-`, `_` and `.` only"
        );
    }
    let skipped = SkippedNames::default();
    let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(&bucket);
    let builder = with_address(with_credentials(builder)?, crate::env(EMULATOR))?;
    let builder = builder.with_http_connector(Connector::new(skipped.clone()));
    let store = builder.build().with_context(|| format!("cannot open the bucket {bucket}"))?;
    Ok(Location {
        name: text.trim_end_matches('/').to_owned(),
        url: url_of(&format!("gs://{bucket}"), &prefix)?,
        root: Arc::new(store),
        prefix,
        folder: None,
        is_file_server: false,
        signer: None,
        skipped,
    })
}

/// Reads the key if it is a reference, and checks all keys before the library does, whose errors may repeat a part of them.
fn with_credentials(
    mut builder: GoogleCloudStorageBuilder,
) -> anyhow::Result<GoogleCloudStorageBuilder> {
    use GoogleConfigKey::{ApplicationCredentials, ServiceAccount, ServiceAccountKey};
    let file = |path: String| SecretRef::File(path.into()).read();
    if let Some(value) = builder.get_config_value(&ServiceAccountKey) {
        let key = resolved(KEY, value)?;
        check_key(&key, KEY, false)?;
        builder = builder.with_config(ServiceAccountKey, key);
    }
    if let Some(path) = builder.get_config_value(&ServiceAccount) {
        let place = "the file of GOOGLE_SERVICE_ACCOUNT";
        check_key(file(path).context(place)?.expose(), place, false)?;
    }
    if let Some(path) = builder.get_config_value(&ApplicationCredentials) {
        let place = "the file of GOOGLE_APPLICATION_CREDENTIALS";
        check_key(file(path).context(place)?.expose(), place, true)?;
    }
    Ok(builder)
}

/// Checks the text of a key. If it `has_type`, it may also contain the credentials of a person.
fn check_key(text: &str, place: &str, has_type: bool) -> anyhow::Result<()> {
    let key: Value = serde_json::from_str(text).unwrap_or_default();
    let Some(key) = key.as_object() else {
        bail!("{place} is not a JSON object; expected the key file of a service account");
    };
    let fields = match key.get("type").and_then(Value::as_str) {
        _ if !has_type => ACCOUNT,
        Some("service_account") => ACCOUNT,
        Some("authorized_user") => PERSON,
        _ => bail!(
            "{place} has a `type` that is not supported; expected service_account or authorized_user"
        ),
    };
    if let Some(missing) = fields.iter().find(|name| !key.get(**name).is_some_and(Value::is_string))
    {
        bail!("{place} has no text `{missing}`; download the key again");
    }
    Ok(())
}

/// Sets the address of another service; an `emulator` is used without credentials.
fn with_address(
    builder: GoogleCloudStorageBuilder,
    emulator: Option<String>,
) -> anyhow::Result<GoogleCloudStorageBuilder> {
    if let Some(address) = builder.get_config_value(&GoogleConfigKey::BaseUrl) {
        return Ok(builder.with_base_url(&endpoint(ENDPOINT, &address)?));
    }
    let Some(host) = emulator else { return Ok(builder) };
    let address = if host.contains("://") { host } else { format!("http://{host}") };
    Ok(builder.with_base_url(&endpoint(EMULATOR, &address)?).with_skip_signature(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::{Purpose, open};

    #[test]
    fn a_location_is_decoded_and_encoded() {
        let check = |text: &str, prefix: &str, url: &str| {
            let place = open(text, Purpose::Read).unwrap();
            assert_eq!((place.prefix.as_ref(), place.url.as_str()), (prefix, url), "{text}");
        };
        check("gs://b", "", "gs://b/");
        check("gs://b.example/my dumps/", "my dumps", "gs://b.example/my%20dumps/");
        check("gs://b/S%C3%BCd", "Süd", "gs://b/S%C3%BCd/");
        for wrong in ["gs://", "gs:///x", "gs://b c/x", "gs://b/a//b", "gs://b/%0A"] {
            assert!(open(wrong, Purpose::Read).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_checked_and_not_repeated() {
        let check = |text: &str, has_type: bool, expected: &str| {
            let checked = check_key(text, "K", has_type).map_err(|error| format!("{error:#}"));
            let found = checked.err().unwrap_or_default();
            assert!(found.contains(expected) && !found.contains("s3cret"), "{found}");
            assert_eq!(found.is_empty(), expected.is_empty(), "{found}");
        };
        let account = r#"{"type":"service_account","client_email":"a","private_key":"s3cret","private_key_id":"1"}"#;
        let person = r#"{"type":"authorized_user","client_id":"a","client_secret":"s3cret","refresh_token":"b"}"#;
        for (text, has_type) in [(account, false), (account, true), (person, true)] {
            check(text, has_type, "");
        }
        check(person, false, "client_email");
        check("\"s3cret\"", false, "not a JSON object");
        check("s3cret", true, "not a JSON object");
        check(r#"{"type":"external_account","a":"s3cret"}"#, true, "`type`");
        check(r#"{"client_email":"a","private_key":{"s3cret":1}}"#, false, "private_key");
    }

    #[test]
    fn an_invalid_private_key_is_not_repeated() {
        let key = r#"{"client_email":"a","private_key":"s3cret","private_key_id":"1"}"#;
        let builder = GoogleCloudStorageBuilder::new().with_bucket_name("b");
        let error = with_credentials(builder.with_service_account_key(key)).unwrap().build();
        let error = format!("{:#}", anyhow::Error::from(error.unwrap_err()));
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn an_emulator_needs_no_credentials() {
        let of = |builder: GoogleCloudStorageBuilder, host: &str| {
            let builder = with_address(builder, Some(host.to_owned())).unwrap();
            let value = |key| builder.get_config_value(&key).unwrap_or_default();
            (value(GoogleConfigKey::BaseUrl), value(GoogleConfigKey::SkipSignature))
        };
        let new = GoogleCloudStorageBuilder::new;
        let expected = ("http://localhost:4443".to_owned(), "true".to_owned());
        assert_eq!(of(new(), "localhost:4443"), expected);
        assert_eq!(of(new(), "http://localhost:4443/"), expected);
        let own = new().with_base_url("https://gcs.example/");
        assert_eq!(of(own, "localhost:4443"), ("https://gcs.example".into(), "false".into()));
    }
}
