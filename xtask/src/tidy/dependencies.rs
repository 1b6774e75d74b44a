//! Every dependency has a sentence in `docs/dependencies.md`, and every sentence a dependency.

use std::collections::BTreeSet;

/// Foreign crates of the workspace's Cargo.toml.
pub fn of_cargo(manifest: &str) -> BTreeSet<String> {
    let lines = manifest.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let foreign = lines.filter(|line| !line.contains("path = "));
    let named = foreign.filter_map(|line| line.split_once(" = "));
    let is_name = |name: &&str| !name.starts_with([' ', '#']);
    named.map(|(name, _)| name).filter(is_name).map(str::to_owned).collect()
}

/// Packages of the pages, for the build and for development.
pub fn of_npm(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with("\"dependencies\"") || line.starts_with("\"devDependencies\"") {
            is_inside = true;
        } else if line.starts_with('}') {
            is_inside = false;
        } else if let (true, Some(name)) = (is_inside, line.split('"').nth(1)) {
            found.insert(name.to_owned());
        }
    }
    found
}

/// Dependencies with a sentence: lines like ``- `name` (licence): sentence.``
pub fn documented(text: &str) -> BTreeSet<String> {
    let named = text.lines().filter_map(|line| line.strip_prefix("- `")?.split_once('`'));
    let is_told = |rest: &str| {
        rest.starts_with(" (") && rest.split_once("): ").is_some_and(|(_, it)| !it.is_empty())
    };
    named.filter(|(_, rest)| is_told(rest)).map(|(name, _)| name.to_owned()).collect()
}

pub fn differences(used: &BTreeSet<String>, documented: &BTreeSet<String>) -> Vec<String> {
    let missing = used.difference(documented).map(|name| format!("{name} has no sentence"));
    let unused =
        documented.difference(used).map(|name| format!("{name} has a sentence and no use"));
    missing.chain(unused).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_read_from_their_section_only() {
        let manifest = "[workspace]\na = 1\n[workspace.dependencies]\nb = \"1\"\nc = { version = \
            \"1\", features = [\n    \"x\",\n] }\nours = { path = \"ui\" }\n\n[profile.dev]\nd = 1\n";
        assert_eq!(of_cargo(manifest), BTreeSet::from(["b".to_owned(), "c".to_owned()]));
    }

    #[test]
    fn packages_are_read_from_both_sections() {
        let manifest = "{\n\"name\": \"x\",\n\"dependencies\": {\n\"a\": \"1\"\n},\n\
            \"devDependencies\": {\n\"@b/c\": \"1\"\n}\n}\n";
        assert_eq!(of_npm(manifest), BTreeSet::from(["a".to_owned(), "@b/c".to_owned()]));
    }

    #[test]
    fn both_differences_are_found() {
        let used = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let documented =
            documented("- `b` (MIT): does it.\n- `c` (MIT): does it.\n- `a` (MIT): \n");
        assert_eq!(
            differences(&used, &documented),
            ["a has no sentence", "c has a sentence and no use"]
        );
    }
}
