//! Requests to the registry and its answers.

use super::kept::KeptSchema;
use crate::Error;
use anyhow::Context as _;
use config::schema_registry::RegistryAddress;
use config::secret::{SecretRef, SecretText};
use config::settings::RegistryLimits;
use reqwest::{Certificate, RequestBuilder, StatusCode, Url, redirect};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

/// Schemas that one schema refers to, directly or not. A schema of a table refers to a handful.
const MOST_REFERENCES: usize = 200;

/// How much of an answer an error shows, in characters.
const SHOWN_CHARS: usize = 200;

/// Types of answers.
const ACCEPTED: &str = "application/vnd.schemaregistry.v1+json, application/json";

/// A client of the registry.
#[derive(Debug)]
pub struct RegistryClient {
    http: reqwest::Client,
    address: RegistryAddress,
    answer_bytes: usize,
}

/// A schema with the ones it refers to by subject and version.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    schema: String,
    /// Registries leave it out for Avro.
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    subject: String,
    version: i64,
}

impl RegistryClient {
    pub fn new(address: &RegistryAddress, limits: &RegistryLimits) -> Result<Self, Error> {
        let client = || {
            let answer = Duration::from_millis(limits.schema_registry_answer_ms);
            let mut builder = reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .connect_timeout(answer)
                .timeout(answer)
                .user_agent(concat!("plant-cockpit/", env!("CARGO_PKG_VERSION")));
            if let Some(file) = &address.ca_file {
                let unreadable =
                    || format!("cannot read the certificates {file} of `schema_registry_ca_file`");
                let pem = std::fs::read(file).with_context(unreadable)?;
                let certificates = Certificate::from_pem_bundle(&pem).with_context(unreadable)?;
                builder = builder.tls_certs_merge(certificates);
            }
            anyhow::Ok(builder.build()?)
        };
        let http = client().map_err(Error::Config)?;
        let answer_bytes = limits.schema_registry_answer_bytes;
        Ok(Self { http, address: address.clone(), answer_bytes })
    }

    /// The schema of an id, with all that it refers to; `None` if the registry does not know it.
    pub async fn schema(&self, id: u32) -> Result<Option<KeptSchema>, Error> {
        let Some(answer) = self.get(&["schemas", "ids", &id.to_string()]).await? else {
            return Ok(None);
        };
        let references = self.references(&answer.references).await?;
        let kind = answer.schema_type.unwrap_or_else(|| "AVRO".to_owned());
        Ok(Some(KeptSchema { kind, schema: answer.schema, references }))
    }

    /// The texts of references, each after those that it refers to itself.
    async fn references(&self, direct: &[Reference]) -> Result<Vec<String>, Error> {
        let name = |it: &Reference| (it.subject.clone(), it.version);
        let mut seen = BTreeSet::new();
        let mut texts = Vec::new();
        // Entered references have their text; the others are still to be requested.
        let mut stack: Vec<(bool, (String, i64), String)> =
            direct.iter().rev().map(|it| (false, name(it), String::new())).collect();
        while let Some((is_entered, (subject, version), text)) = stack.pop() {
            if is_entered {
                texts.push(text);
                continue;
            }
            if !seen.insert((subject.clone(), version)) {
                continue;
            }
            if seen.len() > MOST_REFERENCES {
                return Err(self.odd(&format!("a schema refers to more than {MOST_REFERENCES}")));
            }
            let number = version.to_string();
            let found = self.get(&["subjects", &subject, "versions", &number]).await?;
            let missing =
                || self.odd(&format!("a schema refers to {subject}/{version}, which is missing"));
            let answer = found.ok_or_else(missing)?;
            stack.push((true, (subject, version), answer.schema));
            stack.extend(answer.references.iter().rev().map(|it| (false, name(it), String::new())));
        }
        Ok(texts)
    }

    fn odd(&self, problem: &str) -> Error {
        Error::Unreachable(format!("the schema registry {}: {problem}", self.address.url))
    }

    async fn get(&self, path: &[&str]) -> Result<Option<Answer>, Error> {
        let url = self.url(path)?;
        let (status, bytes) = self.fetch(&url).await?;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Error::Auth(format!(
                "the schema registry refuses {url} ({status}); check `schema_registry_user`, its password or the token, \
                 and the permissions"
            ))),
            // A proxy or a wrong path answers 404 too, with something else than the registry's error.
            StatusCode::NOT_FOUND if is_unknown(&bytes) => Ok(None),
            status if status.is_success() => {
                serde_json::from_slice(&bytes).map(Some).map_err(|_other| {
                    let text = beginning(&bytes);
                    unanswered(
                        &url,
                        &format!("the answer is not that of a schema registry: {text}"),
                    )
                })
            }
            status => Err(unanswered(&url, &format!("{status} {}", beginning(&bytes)))),
        }
    }

    /// Status and bytes of an answer.
    async fn fetch(&self, url: &Url) -> Result<(StatusCode, Vec<u8>), Error> {
        let failed = |error: reqwest::Error| {
            unanswered(url, &format!("{:#}", anyhow::Error::from(error.without_url())))
        };
        let request = self.with_credentials(self.http.get(url.clone()))?;
        let request = request.header("Accept", ACCEPTED);
        let mut response = request.send().await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > self.answer_bytes {
                let reason = format!(
                    "the answer has more than {} bytes; raise `schema_registry_answer_bytes`",
                    self.answer_bytes
                );
                return Err(unanswered(url, &reason));
            }
        }
        Ok((response.status(), bytes))
    }

    fn url(&self, path: &[&str]) -> Result<Url, Error> {
        let mut url = self.address.url.clone();
        let no_path = || Error::Config(anyhow::anyhow!("invalid URL of the schema registry"));
        url.path_segments_mut().map_err(|()| no_path())?.pop_if_empty().extend(path);
        Ok(url)
    }

    fn with_credentials(&self, request: RequestBuilder) -> Result<RequestBuilder, Error> {
        let RegistryAddress { user, password, token, .. } = &self.address;
        Ok(match (token, user, password) {
            (Some(token), _, _) => request.bearer_auth(read(token)?.expose()),
            (None, Some(user), Some(password)) => {
                request.basic_auth(user, Some(read(password)?.expose()))
            }
            _ => request,
        })
    }
}

fn unanswered(url: &Url, reason: &str) -> Error {
    Error::Unreachable(format!(
        "the schema registry does not answer {url}: {reason}; check the registry and the network"
    ))
}

/// The beginning of an answer, on one line.
fn beginning(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(SHOWN_CHARS).collect()
}

/// Whether this is the registry's own answer for an unknown schema, subject or version.
fn is_unknown(bytes: &[u8]) -> bool {
    /// Subject, version and schema not found.
    const CODES: [u64; 3] = [40_401, 40_402, 40_403];
    let answer = serde_json::from_slice::<serde_json::Value>(bytes).unwrap_or_default();
    answer
        .get("error_code")
        .and_then(serde_json::Value::as_u64)
        .is_some_and(|it| CODES.contains(&it))
}

fn read(reference: &str) -> Result<SecretText, Error> {
    let read = reference.parse::<SecretRef>().and_then(|reference| reference.read());
    read.context("no secret for the schema registry").map_err(Error::Config)
}
