//! The types of the library for this program, and the verification of an ID token.

use super::claims::Claims;
use super::failure::Failure;
use chrono::DateTime;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata,
    ClaimsVerificationError, Client, ClientId, EmptyExtraTokenFields, EndSessionUrl,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenClaims, IdTokenFields,
    IdTokenVerifier, IssuerUrl, Nonce, ProviderMetadata, SignatureVerificationError,
    StandardErrorResponse, StandardTokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The signatures that are accepted: of a key pair only. `none` has no signature; the key of `HS256`
/// and its like would be the client secret, or for a careless program the public key.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 10] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EcdsaP521Sha512,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Claims that the standard does not name, such as groups.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OtherClaims {
    #[serde(flatten)]
    pub values: Claims,
}

impl AdditionalClaims for OtherClaims {}

/// Metadata that the library does not read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OtherMetadata {
    pub end_session_endpoint: Option<EndSessionUrl>,
    /// Whether each response names its issuer (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for OtherMetadata {}

/// Metadata of a provider with its keys.
pub type Metadata = ProviderMetadata<
    OtherMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The ID token of a login.
pub type Token = IdToken<
    OtherClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// The claims of an ID token.
type TokenClaims = IdTokenClaims<OtherClaims, CoreGenderClaim>;

/// The claims of the endpoint for user information.
pub type UserInfo = UserInfoClaims<OtherClaims, CoreGenderClaim>;

type Fields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// This program as a client of a provider.
pub type OpenIdClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What an ID token must match.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    pub client_id: &'a str,
    pub issuer: &'a IssuerUrl,
    pub nonce: &'a str,
    /// When the login began.
    pub begun_us: i64,
    pub now_us: i64,
    /// How far the clocks of both programs may differ.
    pub tolerance_us: i64,
}

/// Verifies an ID token: signature, issuer, audience, authorized party, times, nonce, and the hash of
/// the access token.
///
/// # Errors
/// A check fails.
pub fn verify<'t>(
    token: &'t Token,
    access_token: &AccessToken,
    keys: CoreJsonWebKeySet,
    expected: &Expected<'_>,
) -> Result<&'t TokenClaims, ClaimsVerificationError> {
    let client_id = ClientId::new(expected.client_id.to_owned());
    let shown_us = expected.now_us.saturating_sub(expected.tolerance_us);
    let verifier = IdTokenVerifier::new_public_client(client_id, expected.issuer.clone(), keys)
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || {
            DateTime::from_timestamp_micros(shown_us).unwrap_or(DateTime::UNIX_EPOCH)
        })
        .set_issue_time_verifier_fn(|at| check_issued(at.timestamp_micros(), expected));
    let claims = token.claims(&verifier, &Nonce::new(expected.nonce.to_owned()))?;
    let is_ours = |party: &ClientId| party.as_str() == expected.client_id;
    if !claims.authorized_party().is_none_or(is_ours) {
        let reason = "issued for another authorized party".to_owned();
        return Err(ClaimsVerificationError::InvalidAudience(reason));
    }
    if let Some(hash) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(signature)?;
        let key = token.signing_key(&verifier).map_err(signature)?;
        let found = AccessTokenHash::from_token(access_token, algorithm, key);
        if found.ok().as_ref() != Some(hash) {
            let reason = "the hash of the access token differs".to_owned();
            return Err(ClaimsVerificationError::Other(reason));
        }
    }
    Ok(claims)
}

fn signature(error: SignatureVerificationError) -> ClaimsVerificationError {
    ClaimsVerificationError::SignatureVerification(error)
}

/// An ID token is issued during the login that it is for.
fn check_issued(issued_us: i64, expected: &Expected<'_>) -> Result<(), String> {
    let tolerance_us = expected.tolerance_us;
    if issued_us > expected.now_us.saturating_add(tolerance_us) {
        return Err("the ID token was issued in the future".to_owned());
    }
    if issued_us < expected.begun_us.saturating_sub(tolerance_us) {
        return Err("the ID token was issued before the login began".to_owned());
    }
    Ok(())
}

/// Whether newer keys of the provider may make the token valid: it replaced its keys.
pub fn may_be_rotated(error: &ClaimsVerificationError) -> bool {
    use SignatureVerificationError::{AmbiguousKeyId, CryptoError, NoMatchingKey};
    let ClaimsVerificationError::SignatureVerification(error) = error else { return false };
    matches!(error, NoMatchingKey | AmbiguousKeyId(_) | CryptoError(_))
}

/// The failure of a token that is not valid. The text names the check, not the token.
pub fn refused(error: &ClaimsVerificationError) -> Failure {
    let cause = match error {
        ClaimsVerificationError::SignatureVerification(cause) => format!(": {cause}"),
        _ => String::new(),
    };
    Failure::refused(format!("invalid ID token: {error}{cause}"))
}

/// All claims as JSON.
///
/// # Errors
/// The claims are not an object.
pub fn claims_of(claims: &impl Serialize) -> Result<Claims, Failure> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err(Failure::refused("the claims are not an object")),
    }
}
