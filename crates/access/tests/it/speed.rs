//! What a checked request costs.

use crate::world::{S, T0, World, role, scope};
use access::{Action, Role};
use std::time::Instant;

/// Requests measured.
const REQUESTS: usize = 20_000;
/// The most a check may cost at the 99th percentile.
const P99_US_MAX: u128 = 200;

#[test]
#[expect(clippy::disallowed_methods, reason = "measures how long a check takes")]
fn a_checked_request_costs_less_than_a_fifth_of_a_millisecond() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Operator, "area:SMT")]);
    let place = scope("line:SMT/1");
    let mut took_us = Vec::with_capacity(REQUESTS);
    for number in 0..REQUESTS {
        // A minute passes, so that looking for changes by others is part of it.
        let now_us = T0 + i64::try_from(number).unwrap() * 3 * S / 1_000;
        let begun = Instant::now();
        let by = world.access.authenticate_session(found.cookie.expose(), now_us).unwrap();
        world.access.authorize(&by, Action::ReadTables, &place).unwrap();
        took_us.push(begun.elapsed().as_nanos());
    }
    took_us.sort_unstable();
    let at = |percent: usize| took_us[REQUESTS * percent / 100 - 1];
    println!("checked request: p50 {} ns, p99 {} ns", at(50), at(99));
    assert!(at(99) / 1_000 <= P99_US_MAX, "p99 {} ns", at(99));
}
