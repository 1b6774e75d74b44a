//! Addresses of data files that are valid for a short time without other credentials.
//!
//! The signature is an HMAC over everything that the address grants: table, version, file, end of its
//! validity, and the user it was issued to. Its key is random and exists only while the program runs.

use crate::http::error::Error;
use access::{os_random, random_bytes};
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::sync::OnceLock;

/// The parameter with the signature. The Delta kernel reads an address by plain requests, as it must be read,
/// only if it has a parameter of a known store; other addresses it lists like a folder.
pub const SIGNATURE: &str = "X-Amz-Signature";

const KEY_BYTES: usize = 32;

/// What an address grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub schema: String,
    pub table: String,
    pub version: u64,
    /// Path of the file below the folder of the table.
    pub path: String,
    /// End of the validity, in microseconds since 1970 UTC.
    pub until_us: i64,
    /// The user it was issued to.
    pub user: String,
}

/// Signs and verifies addresses.
#[derive(Default)]
pub struct Signer {
    key: OnceLock<[u8; KEY_BYTES]>,
}

impl Signer {
    fn mac(&self, payload: &str) -> Result<Hmac<Sha256>, Error> {
        let key = match self.key.get() {
            Some(key) => key,
            None => {
                let key = random_bytes(&mut *os_random()?);
                self.key.get_or_init(|| key)
            }
        };
        let mac = Hmac::<Sha256>::new_from_slice(key);
        let mac = mac.map_err(|error| Error::internal(anyhow::anyhow!("{error}")))?;
        Ok(mac.chain_update(payload))
    }

    /// The query of the address of a file: the grant and its signature.
    pub fn sign(&self, grant: &Grant) -> Result<String, Error> {
        let grant = serde_json::to_vec(grant).map_err(|error| Error::internal(error.into()))?;
        let payload = URL_SAFE_NO_PAD.encode(grant);
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&payload)?.finalize().into_bytes());
        Ok(format!("grant={payload}&{SIGNATURE}={signature}"))
    }

    /// The grant of an address, if its signature is ours and it is still valid.
    pub fn verify(&self, payload: &str, signature: &str, now_us: i64) -> Result<Grant, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(signature).ok().ok_or_else(invalid)?;
        self.mac(payload)?.verify_slice(&bytes).ok().ok_or_else(invalid)?;
        let grant = URL_SAFE_NO_PAD.decode(payload).ok();
        let grant: Option<Grant> = grant.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let grant = grant.ok_or_else(invalid)?;
        if grant.until_us <= now_us {
            let message = "this address of a file is no longer valid: query the table again";
            return Err(Error::new(StatusCode::GONE, "url_expired", message));
        }
        Ok(grant)
    }
}

fn invalid() -> Error {
    let message = "invalid address of a file: query the table for its addresses; those from before a restart \
                   of the program are not valid";
    Error::bad("bad_signature", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            schema: "gold".into(),
            table: "daily".into(),
            version: 3,
            path: "part-1.parquet".into(),
            until_us: 1_000,
            user: "viewer".into(),
        }
    }

    #[test]
    fn an_address_is_valid_as_it_was_signed_until_its_end() {
        let signer = Signer::default();
        let query = signer.sign(&grant()).unwrap();
        let (payload, signature) = query.split_once("&X-Amz-Signature=").unwrap();
        let payload = payload.strip_prefix("grant=").unwrap();
        assert_eq!(signer.verify(payload, signature, 999).unwrap(), grant());
        let code = |payload: &str, signature: &str, now_us| {
            signer.verify(payload, signature, now_us).unwrap_err().code
        };
        assert_eq!(code(payload, signature, 1_000), "url_expired");
        let other = Grant { path: "part-2.parquet".into(), ..grant() };
        let other = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&other).unwrap());
        assert_eq!(code(&other, signature, 0), "bad_signature");
        assert_eq!(code(payload, "", 0), "bad_signature");
        assert_eq!(code(payload, &signature[..20], 0), "bad_signature");
        let another = Signer::default();
        assert!(another.verify(payload, signature, 0).is_err(), "another key");
    }
}
