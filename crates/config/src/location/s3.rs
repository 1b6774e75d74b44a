//! Buckets of S3, with the credentials of the usual AWS variables and profile files.

use super::skipped::{Connector, SkippedNames};
use super::{Location, bucket_and_prefix, url_of};
use anyhow::{Context, bail};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens `s3://bucket/prefix`.
pub fn open(text: &str) -> anyhow::Result<Location> {
    let (bucket, prefix) = bucket_and_prefix(text, "s3://bucket/prefix")?;
    let skipped = SkippedNames::default();
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(&bucket);
    for (key, value) in profile_options(&builder)? {
        builder = builder.with_config(key, value);
    }
    if let Some(endpoint) = builder.get_config_value(&AmazonS3ConfigKey::Endpoint) {
        builder = builder.with_allow_http(endpoint.starts_with("http://"));
    }
    let builder = builder.with_http_connector(Connector::new(skipped.clone()));
    let store = builder.build().with_context(|| format!("cannot open the bucket {bucket}"))?;
    let store = Arc::new(store);
    Ok(Location {
        name: text.trim_end_matches('/').to_owned(),
        url: url_of(&format!("s3://{bucket}"), &prefix)?,
        root: store.clone(),
        prefix,
        folder: None,
        is_file_server: false,
        signer: Some(store),
        skipped,
    })
}

/// The options of the profile files that the variables do not set. Keys are used only if the variables have
/// none, so that the identity and the secret come from the same source.
fn profile_options(explicit: &AmazonS3Builder) -> anyhow::Result<Vec<(AmazonS3ConfigKey, String)>> {
    use AmazonS3ConfigKey as Key;
    let env = crate::env;
    let home = env("HOME").map(PathBuf::from).unwrap_or_default();
    let file = |variable: &str, name: &str| {
        env(variable).map_or_else(|| home.join(".aws").join(name), PathBuf::from)
    };
    let profile = env("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    let config = file("AWS_CONFIG_FILE", "config");
    let mut found = read_profile(&config, &format!("profile {profile}"))?;
    found.extend(read_profile(&config, &profile)?);
    found.extend(read_profile(&credentials, &profile)?);
    if found.is_empty() && env("AWS_PROFILE").is_some() {
        bail!("no profile file contains the profile `{profile}` of AWS_PROFILE");
    }
    let has_keys = explicit.get_config_value(&Key::AccessKeyId).is_some();
    let mut options = Vec::new();
    for (word, key, is_secret) in [
        ("aws_access_key_id", Key::AccessKeyId, true),
        ("aws_secret_access_key", Key::SecretAccessKey, true),
        ("aws_session_token", Key::Token, true),
        ("region", Key::Region, false),
        ("endpoint_url", Key::Endpoint, false),
    ] {
        let is_explicit =
            if is_secret { has_keys } else { explicit.get_config_value(&key).is_some() };
        if let (false, Some(value)) = (is_explicit, found.get(word)) {
            options.push((key, value.clone()));
        }
    }
    Ok(options)
}

/// The values below `[section]` of an AWS profile file; none if the file does not exist.
fn read_profile(path: &Path, section: &str) -> anyhow::Result<HashMap<String, String>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    Ok(profile_section(&text, section))
}

fn profile_section(text: &str, section: &str) -> HashMap<String, String> {
    let mut values = HashMap::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name.trim() == section;
        } else if let (true, Some((key, value))) = (inside, line.split_once('=')) {
            values.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_from_its_section_only() {
        let text = "[default]\nregion = a\n[profile plant]\nregion=b\n# region = c\n";
        assert_eq!(profile_section(text, "profile plant")["region"], "b");
        assert_eq!(profile_section(text, "default")["region"], "a");
        assert!(profile_section(text, "other").is_empty());
    }
}
