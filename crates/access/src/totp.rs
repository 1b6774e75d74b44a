//! The second factor: codes of an authenticator app (TOTP, RFC 6238) and recovery codes.

use crate::{Error, Random, Secret, encoding, secret};
use totp_rs::{Algorithm, Builder};

/// Recovery codes a person gets, each for one login.
pub const RECOVERY_CODES: usize = 10;

/// SHA-1, six digits and 30 seconds: what every authenticator app supports.
const DIGITS: u8 = 6;
const STEP_S: u64 = 30;
/// Steps a clock of a telephone may be off, as RFC 6238 recommends.
const SKEW_STEPS: u16 = 1;
/// 160 bits, the length of the key of HMAC-SHA-1 that RFC 4226 recommends.
const KEY_BYTES: usize = 20;
/// 120 bits: more than the 112 above which NIST SP 800-63B allows a fast hash.
const RECOVERY_BYTES: usize = 15;

/// What an authenticator app needs, shown to its owner once.
#[derive(Debug)]
pub struct Enrolment {
    /// The key in base32, to type in.
    pub key: Secret,
    /// The `otpauth` address, for a QR code.
    pub address: Secret,
}

pub(crate) fn new_key(random: &mut Random) -> [u8; KEY_BYTES] {
    secret::random_bytes(random)
}

/// The key as its owner gets it.
pub(crate) fn enrolment(key: &[u8], issuer: &str, name: &str) -> Enrolment {
    let text = encoding::base32(key).to_uppercase();
    let (issuer, name) = (percent(issuer), percent(name));
    let address = format!(
        "otpauth://totp/{issuer}:{name}?secret={text}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}\
         &period={STEP_S}"
    );
    Enrolment { key: Secret::new(text), address: Secret::new(address) }
}

/// The step of time a code belongs to, if it is right and of a later step than the last one used.
pub(crate) fn step_of(
    key: &[u8],
    code: &str,
    now_us: i64,
    last_step: i64,
) -> Result<Option<i64>, Error> {
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_skew(SKEW_STEPS)
        .with_step_duration(STEP_S)
        .with_secret(key.to_vec())
        .build()
        .map_err(|error| Error::corrupt(format!("a TOTP key cannot be used: {error}")))?;
    let code: String = code.chars().filter(|it| !it.is_whitespace()).collect();
    let is_code = code.len() == usize::from(DIGITS) && code.bytes().all(|it| it.is_ascii_digit());
    let now_s = u64::try_from(now_us / 1_000_000).unwrap_or_default();
    let step = is_code.then(|| totp.check(&code, now_s)).flatten();
    Ok(step.and_then(|it| i64::try_from(it).ok()).filter(|it| *it > last_step))
}

/// New recovery codes, in groups that are easy to type.
pub(crate) fn recovery_codes(random: &mut Random) -> Vec<Secret> {
    let code = |random: &mut Random| {
        let text = encoding::base32(&secret::random_bytes::<RECOVERY_BYTES>(random));
        let groups: Vec<&str> = [0, 6, 12, 18].map(|at| &text[at..at + 6]).to_vec();
        Secret::new(groups.join("-"))
    };
    (0..RECOVERY_CODES).map(|_| code(random)).collect()
}

/// What is stored of a recovery code, from the text as a person typed it; `None` if it cannot be
/// one.
pub(crate) fn recovery_hash(code: &str) -> Option<secret::Hash> {
    let is_kept = |it: &char| !it.is_whitespace() && *it != '-';
    let plain: String = code.chars().filter(is_kept).take(64).collect();
    let plain = plain.to_ascii_lowercase();
    let bytes = encoding::from_base32(&plain)?;
    (bytes.len() == RECOVERY_BYTES).then(|| secret::hash_of(&plain))
}

/// Percent-encodes everything but unreserved characters (RFC 3986).
fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::seeded;
    use proptest::prelude::*;

    /// The key of the test vectors in RFC 6238, and the last six digits of their codes.
    const KEY: &[u8] = b"12345678901234567890";
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn step(code: &str, now_s: i64, last_step: i64) -> Option<i64> {
        step_of(KEY, code, now_s * 1_000_000, last_step).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (now_s, code) in VECTORS {
            assert_eq!(step(code, now_s, 0), Some(now_s / 30), "{now_s}");
        }
    }

    #[test]
    fn a_code_is_accepted_one_step_early_or_late_and_no_more() {
        for (offset_s, expected) in [(-30, true), (0, true), (30, true), (-60, false), (60, false)]
        {
            let found = step("050471", 1_111_111_111 + offset_s, 0);
            assert_eq!(found.is_some(), expected, "{offset_s}");
            assert!(found.is_none_or(|it| it == 1_111_111_111 / 30));
        }
    }

    #[test]
    fn a_used_step_and_those_before_it_are_refused() {
        let used = 1_111_111_111 / 30;
        assert_eq!(step("050471", 1_111_111_111, used - 1), Some(used));
        assert_eq!(step("050471", 1_111_111_111, used), None);
        assert_eq!(step("050471", 1_111_111_111, used + 9), None);
    }

    #[test]
    fn codes_may_be_typed_in_groups_and_other_texts_are_refused() {
        assert!(step(" 050 471 ", 1_111_111_111, 0).is_some());
        for code in ["", "50471", "0504711", "-50471", "٠٥٠٤٧١", "05047a"] {
            assert_eq!(step(code, 1_111_111_111, 0), None, "{code}");
        }
    }

    #[test]
    fn the_address_is_what_apps_read() {
        let found = enrolment(KEY, "Plant Cockpit", "a+b@plant.example");
        assert_eq!(found.key.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            found.address.expose(),
            "otpauth://totp/Plant%20Cockpit:a%2Bb%40plant.example?secret=\
             GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Plant%20Cockpit&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn recovery_codes_differ_and_may_be_typed_freely() {
        let codes = recovery_codes(&mut *seeded(3));
        let hashes: std::collections::BTreeSet<_> =
            codes.iter().map(|it| recovery_hash(it.expose()).unwrap()).collect();
        assert_eq!(hashes.len(), RECOVERY_CODES);
        let code = codes[0].expose();
        let typed = code.replace('-', " ").to_uppercase();
        assert_eq!(recovery_hash(&typed), recovery_hash(code));
        assert_eq!(recovery_hash("050471"), None);
    }

    proptest! {
        #[test]
        fn any_text_as_a_code_is_judged(code in ".{0,80}", now_us in -1_i64 << 50..1_i64 << 50) {
            let is_digits = code.chars().filter(|it| !it.is_whitespace()).all(|it| it.is_ascii_digit());
            prop_assert!(is_digits || step_of(KEY, &code, now_us, 0).unwrap().is_none());
            prop_assert!(code.len() >= 24 || recovery_hash(&code).is_none());
        }
    }
}
