use super::*;
use crate::login::Login;
use crate::password::COSTS;
use crate::testing::seeded;
use crate::{Assignment, Identity, NewPassword, NewUser, Role, Scope, Settings};
use tempfile::TempDir;

const NOW_US: i64 = 1_800_000_000_000_000;
const PASSWORD: &str = "tin roof kayak 41";

fn opened(folder: &TempDir) -> Access {
    let settings = Settings {
        password_memory_kib: 8,
        password_passes: 1,
        scram_iterations: 4_096,
        ..Settings::default()
    };
    let path = folder.path().join("access.sqlite");
    let access = Access::open(&path, settings, seeded(1), NOW_US).unwrap();
    for (name, password) in [
        ("anna", NewPassword::Chosen(Secret::new(PASSWORD))),
        ("disabled", NewPassword::Chosen(Secret::new(PASSWORD))),
        ("external", NewPassword::None),
    ] {
        let roles = vec![Assignment::new(Role::Viewer, Scope::Plant)];
        let new = NewUser { name: name.to_owned(), full_name: String::new(), password, roles };
        access.add_user(&Identity::terminal("root"), &new, NOW_US).unwrap();
    }
    access.disable_user(&Identity::terminal("root"), "disabled", NOW_US).unwrap();
    access
}

/// Costs of the password verifications of one login.
fn costs(access: &Access, name: &str, password: &str, host: u8) -> (bool, Vec<String>) {
    COSTS.take();
    let client = Client { address: [10, 0, 0, host].into(), agent: String::new() };
    let password = Secret::new(password);
    let login = Login { name, password: &password, code: None, client: &client, previous: None };
    let is_accepted = access.login(&login, NOW_US).is_ok();
    (is_accepted, COSTS.take())
}

#[test]
fn every_login_verifies_one_password_at_the_same_cost() {
    let folder = TempDir::new().unwrap();
    let access = opened(&folder);
    let one = || vec!["$argon2id$v=19$m=8,t=1,p=1".to_owned()];
    assert_eq!(costs(&access, "anna", PASSWORD, 1), (true, one()));
    for (name, password) in [
        ("anna", "wrong"),
        ("nobody", PASSWORD),
        ("no name", PASSWORD),
        ("", PASSWORD),
        ("disabled", PASSWORD),
        ("external", PASSWORD),
    ] {
        assert_eq!(costs(&access, name, password, 2), (false, one()), "{name}");
    }
    for host in 3..=8 {
        costs(&access, "anna", "wrong", host);
    }
    assert_eq!(costs(&access, "anna", PASSWORD, 9), (false, one()), "a blocked account");
    assert_eq!(costs(&access, "anna", "wrong", 9), (false, one()), "a blocked account");
}
