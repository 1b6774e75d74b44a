//! Licences and sources of all crates in the lock file, held to `deny.toml`.

use std::collections::BTreeSet;

/// The only registry.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The strings of a list of `deny.toml`: those in quotes between `NAME = [` and the closing bracket.
fn list(deny: &str, name: &str) -> BTreeSet<String> {
    let lines = deny.lines().skip_while(|line| *line != format!("{name} = ["));
    let lines = lines.skip(1).take_while(|line| !line.starts_with(']'));
    lines.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}

/// Crates without an allowed licence, and without an exception in `deny.toml`. `crates` has lines
/// `NAME VERSION|LICENCE`.
pub fn unlicensed(crates: &str, deny: &str) -> Vec<String> {
    let allowed = list(deny, "allow");
    let is_exception = |crate_name: &str, licence: &str| {
        deny.contains(&format!("{{ crate = \"{crate_name}\", allow = [\"{licence}\"] }}"))
    };
    let lines = crates.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|'));
    let foreign = lines.filter(|(name, _)| !name.contains(" (/"));
    let refused = foreign.filter(|(name, licence)| {
        let name = name.split(' ').next().unwrap_or_default();
        !is_allowed(licence, &allowed) && !is_exception(name, licence)
    });
    let found: BTreeSet<String> =
        refused.map(|(name, licence)| format!("{name}: the licence `{licence}`")).collect();
    found.into_iter().collect()
}

/// Whether each part of `A AND (B OR C)` has an allowed alternative. `/` is an old form of `OR`.
fn is_allowed(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = licence.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" AND ").all(|part| part.split(" OR ").any(|it| allowed.contains(it.trim())))
}

/// Crates of the lock file from elsewhere than the registry, and those that `deny.toml` bans.
pub fn foreign(lock: &str, deny: &str) -> Vec<String> {
    let sources = lock.lines().filter_map(|line| line.strip_prefix("source = "));
    let elsewhere = sources.map(|it| it.trim_matches('"')).filter(|it| *it != REGISTRY);
    let elsewhere = elsewhere.map(|source| format!("a crate from {source}"));
    let banned =
        deny.lines().filter_map(|line| line.trim().strip_prefix("{ name = \"")?.split('"').next());
    let banned = banned.filter(|name| lock.contains(&format!("\nname = \"{name}\"\n")));
    elsewhere.chain(banned.map(|name| format!("the banned crate {name}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str =
        "allow = [\n    \"MIT\",\n    \"ISC\",\n]\ndeny = [\n    { name = \"bad\" },\n]\n";

    #[test]
    fn each_part_of_a_licence_needs_an_allowed_alternative() {
        let crates = "a v1|MIT\nb v1|GPL-3.0 OR MIT (*)\nc v1|MIT AND GPL-3.0\nd v1|ISC/X\ne v1|\nf v1 (/src)|X\n";
        let found = unlicensed(crates, DENY);
        assert_eq!(found, ["c v1: the licence `MIT AND GPL-3.0`", "e v1: the licence ``"]);
    }

    #[test]
    fn crates_from_elsewhere_and_banned_ones_are_found() {
        let lock = format!(
            "[[package]]\nname = \"bad\"\nsource = \"{REGISTRY}\"\n\nsource = \"git+https://x\"\n"
        );
        assert_eq!(foreign(&lock, DENY), ["a crate from git+https://x", "the banned crate bad"]);
    }
}
