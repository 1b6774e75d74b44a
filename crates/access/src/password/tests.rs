use super::*;
use crate::testing::seeded;
use proptest::prelude::*;

fn short() -> Settings {
    Settings { password_chars_min: 8, ..cheap() }
}

/// The least cost argon2 allows, so that tests take milliseconds.
fn cheap() -> Settings {
    Settings { password_memory_kib: 8, password_passes: 1, ..Settings::default() }
}

fn of(password: &str) -> Option<Weakness> {
    weakness(password, "berta", &short())
}

#[test]
fn length_is_counted_in_characters_and_limited_in_bytes() {
    let settings = Settings::default();
    let short = Some(Weakness::TooShort { chars_min: 15 });
    assert_eq!(weakness("vierzehn zeich", "x", &settings), short);
    assert_eq!(weakness("fünfzehn zeiche", "x", &settings), None);
    let long = "vogel ist kalt ".repeat(69);
    assert_eq!(weakness(&long[..1_024], "x", &settings), None);
    assert_eq!(
        weakness(&long[..1_025], "x", &settings),
        Some(Weakness::TooLong { bytes_max: 1_024 })
    );
    assert_eq!(weakness("🦀🦀🦀🦀🦀🦀🦀", "x", &settings), short);
}

#[test]
fn common_passwords_and_their_variations_are_refused() {
    let words = ["password", "P@ssw0rd", "Password123!", "passwordpassword", "iloveyou2024"];
    let more = [
        "!!!Dragon99",
        "letmein-letmein",
        "sunshine1!",
        "CorrectHorseBatteryStaple",
        "dr4g0nm0nkey",
    ];
    let also = ["Football2019", "qwerty2020!", "trustno1trustno1", "adminadmin", "1q2w3e4r5t"];
    for password in words.into_iter().chain(more).chain(also) {
        assert_eq!(of(password), Some(Weakness::Common), "{password}");
    }
}

#[test]
fn repetition_and_rows_of_keys_are_refused() {
    for password in ["aaaaaaaaaaaa", "abababababab", "xyz!xyz!xyz!", "🦀🦀🦀🦀🦀🦀🦀🦀"]
    {
        assert_eq!(of(password), Some(Weakness::Repetition), "{password}");
    }
    for password in ["1234567890", "qwertyuiopasdf", "abcdefg123456", "zyxwvutsrq", "1qaz2wsx3edc"]
    {
        assert_eq!(of(password), Some(Weakness::Sequence), "{password}");
    }
}

#[test]
fn the_own_name_is_no_password() {
    for password in ["bertaberta", "Berta1234", "xx-BERTA-12", "atreb12345"] {
        assert_eq!(of(password), Some(Weakness::ContainsName), "{password}");
    }
    let found = weakness("anna.lind99", "anna.lind@plant.example", &short());
    assert_eq!(found, Some(Weakness::ContainsName));
}

#[test]
fn good_passwords_are_accepted() {
    for password in ["tin roof kayak 41", "bertas Hund frisst Kreide", "Zqk7$wPm", "x7Kd-93mL-qqw2"]
    {
        assert_eq!(of(password), None, "{password}");
    }
}

#[test]
fn a_hash_verifies_its_password_only() {
    let stored = hash(&Secret::new("tin roof kayak"), &cheap(), &[1; 16]).unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
    assert!(is_match(&Secret::new("tin roof kayak"), &stored));
    assert!(!is_match(&Secret::new("tin roof kayaK"), &stored));
    assert!(!is_match(&Secret::new(""), &stored));
    assert!(!is_match(&Secret::new("tin roof kayak"), "no hash"));
    let again = hash(&Secret::new("tin roof kayak"), &cheap(), &[2; 16]).unwrap();
    assert_ne!(stored, again, "the salt is part of it");
}

#[test]
fn a_hash_is_outdated_when_its_cost_is_another() {
    let stored = hash(&Secret::new("tin roof kayak"), &cheap(), &[1; 16]).unwrap();
    assert!(!is_outdated(&stored, &cheap()));
    assert!(is_outdated(&stored, &Settings { password_passes: 2, ..cheap() }));
    assert!(is_outdated(&stored, &Settings { password_memory_kib: 16, ..cheap() }));
    assert!(is_outdated("$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo", &cheap()));
    assert!(is_outdated("no hash", &cheap()));
}

#[test]
fn the_dummy_costs_as_much_as_a_real_hash_and_matches_nothing() {
    let dummy = dummy(&cheap(), &mut *seeded(2)).unwrap();
    assert!(!is_outdated(&dummy, &cheap()));
    let parsed = PasswordHash::new(&dummy).unwrap();
    assert_eq!(parsed.hash.unwrap().as_bytes().len(), 32);
    assert!(!is_match(&Secret::new("tin roof kayak"), &dummy));
}

proptest! {
    #[test]
    fn any_text_is_judged(password in ".{0,80}", name in ".{0,20}") {
        let found = weakness(&password, &name, &short());
        let shown = found.map(|it| it.to_string()).unwrap_or_default();
        let leaks = password.chars().count() > 12 && shown.contains(&password);
        prop_assert!(!leaks, "the reason does not repeat the password");
    }

    #[test]
    fn one_character_alone_is_never_accepted(letter: char, count in 8_usize..60) {
        let password: String = std::iter::repeat_n(letter, count).collect();
        prop_assert!(weakness(&password, "x", &short()).is_some());
    }
}
