use super::*;
use crate::testing::seeded;
use proptest::prelude::*;

/// The exchange of RFC 7677, section 3, whose nonces and salt are in Base64 there.
const EXCHANGE: &[u8] = b"n=user,r=rOprNGfwEbeRWgbNEkqO,\
    r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
    c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SALT: &str = "5b6d99689d12358eeca04b141236fa81";
const PROOF: &str = "747cdb65aa56224e2352137e52d7bdcad6a0f738df30782caa69a2cfb0277554";
const SIGNATURE: &str = "eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e";

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let digits = hex.as_bytes().chunks(2).map(|it| str::from_utf8(it).unwrap());
    let bytes: Vec<u8> = digits.map(|it| u8::from_str_radix(it, 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

fn verifier(secret: &str) -> Verifier {
    let salt = ScramSalt { salt: bytes(SALT), iterations: 4_096 };
    Verifier::of(&Secret::new(secret), &salt)
}

/// What a client with the secret sends.
fn proof(secret: &str, salt: &ScramSalt, exchange: &[u8]) -> ScramKey {
    let client_key = mac(&salted(secret.as_bytes(), salt), b"Client Key");
    xor(&client_key, &mac(&Sha256::digest(client_key), exchange))
}

#[test]
fn the_example_of_the_standard_is_accepted_and_signed() {
    let verifier = verifier("pencil");
    assert!(verifier.is_proved(EXCHANGE, &bytes(PROOF)));
    assert_eq!(verifier.signature(EXCHANGE), Some(bytes(SIGNATURE)));
}

#[test]
fn another_secret_proof_or_exchange_is_refused() {
    assert!(!verifier("pencil2").is_proved(EXCHANGE, &bytes(PROOF)));
    let verifier = verifier("pencil");
    for bit in 0..256 {
        let mut changed: ScramKey = bytes(PROOF);
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!verifier.is_proved(EXCHANGE, &changed), "{bit}");
    }
    let replayed = [&EXCHANGE[..EXCHANGE.len() - 1], b"1"].concat();
    assert!(!verifier.is_proved(&replayed, &bytes(PROOF)));
    assert!(!verifier.is_proved(b"", &[0; 32]));
}

#[test]
fn an_ended_secret_is_recognized_and_not_signed() {
    let ended = Verifier { server_key: None, ..verifier("pencil") };
    assert!(ended.is_proved(EXCHANGE, &bytes(PROOF)));
    assert_eq!(ended.signature(EXCHANGE), None);
}

#[test]
fn secrets_are_compared_in_their_normal_form() {
    let salt = ScramSalt { salt: bytes(SALT), iterations: 1 };
    let key = |text: &str| Verifier::of(&Secret::new(text), &salt).stored_key;
    // Composed and decomposed, a space without break, and a text that SASLprep refuses.
    assert_eq!(key("Schlu\u{308}ssel"), key("Schl\u{fc}ssel"));
    assert_eq!(key("tin\u{a0}roof"), key("tin roof"));
    assert_ne!(key("a\u{7}b"), key("ab"));
    let refused = Verifier::of(&Secret::new("a\u{7}b"), &salt);
    assert!(refused.is_proved(b"x", &proof("a\u{7}b", &salt, b"x")));
}

#[test]
fn a_name_without_account_has_always_the_same_salt() {
    let one = salt_without_account(&[7; 32], "unnamed", 4_096);
    assert_eq!(one, salt_without_account(&[7; 32], "unnamed", 4_096));
    assert_ne!(one.salt, salt_without_account(&[7; 32], "nobodz", 4_096).salt);
    assert_ne!(one.salt, salt_without_account(&[8; 32], "unnamed", 4_096).salt);
}

proptest! {
    #[test]
    fn a_client_with_the_secret_and_no_other_is_accepted(
        secret in "[ -~]{1,80}", other in "[ -~]{1,80}", iterations in 1_u32..20, exchange: Vec<u8>, seed: u64,
    ) {
        let salt = ScramSalt { salt: crate::secret::random_bytes(&mut *seeded(seed)), iterations };
        let verifier = Verifier::of(&Secret::new(&secret), &salt);
        prop_assert!(verifier.is_proved(&exchange, &proof(&secret, &salt, &exchange)));
        let is_other = verifier.is_proved(&exchange, &proof(&other, &salt, &exchange));
        prop_assert_eq!(is_other, secret == other);
        prop_assert!(!Verifier::dummy(&mut *seeded(seed)).is_proved(&exchange, &proof(&secret, &salt, &exchange)));
    }
}
