use crate::world::{PASSWORD, S, T0, World, client, here, secret, terminal};
use access::setup::FirstAdministrator;
use access::{Action, Client, Error, Scope, Secret};

fn complete(
    world: &World,
    given: &Secret,
    name: &str,
    from: &Client,
    now_us: i64,
) -> Result<access::login::LoggedIn, Error> {
    let password = secret(PASSWORD);
    let first = FirstAdministrator { secret: given, name, full_name: "", password: &password };
    world.access.complete_setup(&first, from, now_us)
}

#[test]
fn the_secret_makes_one_administrator_and_no_second() {
    let world = World::new();
    assert!(world.access.needs_setup().unwrap());
    let offered = world.access.bootstrap(T0).unwrap().unwrap();
    let found = complete(&world, &offered.secret, "root", &here(), T0).unwrap();
    world.access.authorize(&found.identity, Action::ManageUsers, &Scope::Plant).unwrap();
    assert!(world.access.authenticate_session(found.cookie.expose(), T0).is_ok());
    let again = complete(&world, &offered.secret, "eve", &here(), T0);
    assert!(matches!(again, Err(Error::SetupRefused)));
    assert!(!world.access.needs_setup().unwrap());
    assert!(world.access.bootstrap(T0).unwrap().is_none());
}

#[test]
fn a_secret_ends_by_time_and_by_a_newer_one() {
    let world = World::new();
    let first = world.access.bootstrap(T0).unwrap().unwrap();
    let second = world.access.bootstrap(T0).unwrap().unwrap();
    assert!(complete(&world, &first.secret, "root", &here(), T0).is_err());
    assert_eq!(second.expires_us, T0 + 3_600 * S);
    assert!(complete(&world, &second.secret, "root", &here(), second.expires_us).is_err());
    let third = world.access.bootstrap(second.expires_us).unwrap().unwrap();
    assert!(complete(&world, &third.secret, "root", &here(), second.expires_us).is_ok());
}

#[test]
fn a_mistake_does_not_use_the_secret_up() {
    let world = World::new();
    let offered = world.access.bootstrap(T0).unwrap().unwrap();
    let wrong = complete(&world, &offered.secret, "no name", &here(), T0);
    assert!(matches!(wrong, Err(Error::Invalid { .. })));
    let weak = FirstAdministrator {
        secret: &offered.secret,
        name: "root",
        full_name: "",
        password: &secret("rootrootrootroot"),
    };
    let weak = world.access.complete_setup(&weak, &here(), T0);
    assert!(matches!(weak, Err(Error::WeakPassword(_))));
    assert!(complete(&world, &offered.secret, "root", &here(), T0).is_ok());
}

#[test]
fn the_terminal_can_be_quicker_than_the_link() {
    let world = World::new();
    let offered = world.access.bootstrap(T0).unwrap().unwrap();
    world.add("anna", &[]);
    assert!(complete(&world, &offered.secret, "root", &here(), T0).is_err());
    assert_eq!(world.access.users(&terminal(), T0).unwrap().len(), 1);
}

#[test]
fn guesses_delay_the_address() {
    let world = World::new();
    let offered = world.access.bootstrap(T0).unwrap().unwrap();
    for _ in 0..51 {
        assert!(complete(&world, &secret("guess"), "root", &here(), T0).is_err());
    }
    let delayed = complete(&world, &offered.secret, "root", &here(), T0);
    assert!(matches!(delayed, Err(Error::TooManyAttempts { .. })));
    let elsewhere = client("192.0.2.2");
    assert!(complete(&world, &offered.secret, "root", &elsewhere, T0).is_ok());
}
