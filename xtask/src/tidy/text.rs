//! Rules over the text of one file.

/// The most lines of a file.
const LINES: usize = 500;

/// The `lib.rs` and `mod.rs` of every crate document input, output and promise; the program's own folder holds
/// wiring and the command line only.
const CRATES: &str = "crates/";
const PROGRAM: &str = "crates/cockpit/";

pub fn long(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= LINES {
        return Vec::new();
    }
    vec![format!("{path}: has {lines} lines; divide it, {LINES} are the most")]
}

pub fn unpromised(path: &str, text: &str) -> Vec<String> {
    let is_entry = path.ends_with("/mod.rs") || path.ends_with("/src/lib.rs");
    if !is_entry || !path.starts_with(CRATES) || path.starts_with(PROGRAM) {
        return Vec::new();
    }
    let header: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
    let header = header.join("\n").replace('*', "");
    let lacks = ["In:", "Out:", "Promise:"].into_iter().filter(|word| !header.contains(word));
    lacks.map(|word| format!("{path}: its header lacks {word}")).collect()
}

/// What a model's header lacks: a sentence first, then a line for at least one column.
pub fn headless(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("plants/") || !path.ends_with(".sql") {
        return Vec::new();
    }
    let header: Vec<&str> = text.lines().take_while(|line| line.starts_with("--")).collect();
    let mut found = Vec::new();
    let is_sentence = |line: &&str| line.strip_prefix("-- ").is_some_and(|it| it.len() > 1);
    if !header.first().is_some_and(is_sentence) {
        found.push(format!("{path}: does not begin with what the table is"));
    }
    if !header.iter().any(|line| line.starts_with("-- column ")) {
        found.push(format!("{path}: describes no column"));
    }
    if path.contains("/gold/") && !header.iter().any(|line| line.starts_with("-- grain:")) {
        found.push(format!("{path}: names no grain"));
    }
    found
}

/// Words for work not done, and paths of one machine. They are put together here so that this file
/// does not contain them.
pub fn unfinished(path: &str, text: &str) -> Vec<String> {
    let words = [["TO", "DO"], ["FIX", "ME"], ["unimpl", "emented!"], ["to", "do!"]];
    let folders = [["/wo", "rk/"], ["/ro", "ot/"]];
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let words = words.map(|halves| halves.concat()).into_iter();
        let words = words.filter(|word| follows(line, word, "").is_some());
        let folders = folders.map(|halves| halves.concat()).into_iter();
        let folders = folders.filter(|folder| follows(line, folder, "._-/}").is_some());
        found.extend(words.chain(folders).map(|it| format!("{path}:{number}: contains {it}")));
    }
    found
}

/// Where `word` is in a line without a letter, a digit or one of `joined` before it.
fn follows(line: &str, word: &str, joined: &str) -> Option<usize> {
    let is_joined = |it: char| it.is_ascii_alphanumeric() || joined.contains(it);
    line.match_indices(word).map(|(at, _)| at).find(|at| !line[..*at].ends_with(is_joined))
}

/// Names of metrics in an alert rule or a dashboard that `source` does not define. A histogram has names with an
/// ending.
pub fn unknown_metrics(path: &str, text: &str, source: &str) -> Vec<String> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let metrics = words.filter(|word| word.starts_with("cockpit_"));
    let is_known = |name: &str| {
        let base = name.trim_end_matches("_bucket").trim_end_matches("_count");
        source.contains(&format!("\"{base}\""))
    };
    let unknown = metrics.filter(|name| !is_known(name));
    unknown.map(|name| format!("{path}: there is no metric {name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        assert!(long("a.rs", &"x\n".repeat(500)).is_empty());
        assert_eq!(long("a.rs", &"x\n".repeat(501)).len(), 1);
    }

    #[test]
    fn a_layer_without_promise_is_found() {
        let path = "crates/lake/src/lib.rs";
        assert!(
            unpromised(path, "//! L.\n//!\n//! *In*: a.\n//! *Out*: b.\n//! *Promise*: c.\n")
                .is_empty()
        );
        assert_eq!(unpromised(path, "//! In: a.\n//! Out: b.\n\n//! Promise: c.\n").len(), 1);
        assert!(unpromised("crates/cockpit/src/cli/mod.rs", "").is_empty());
    }

    #[test]
    fn a_model_without_header_is_found() {
        let path = "plants/x/gold/y.sql";
        let whole = "-- What it is.\n--\n-- grain: a\n-- column a: A.\nSELECT 1\n";
        assert!(headless(path, whole).is_empty());
        assert_eq!(headless(path, "SELECT 1\n").len(), 3);
        assert_eq!(headless("plants/x/silver/y.sql", "-- What it is.\nSELECT 1\n").len(), 1);
    }

    #[test]
    fn an_unknown_metric_is_found() {
        let source = "page.family(\"cockpit_a_seconds\")";
        let found = unknown_metrics("x", "cockpit_a_seconds_bucket > cockpit_b", source);
        assert_eq!(found, ["x: there is no metric cockpit_b"]);
    }

    #[test]
    fn work_not_done_and_machine_paths_are_found() {
        let undone = ["a // TO", "DO b"].concat();
        assert_eq!(unfinished("a", &undone), ["a:1: contains TO".to_owned() + "DO"]);
        assert_eq!(unfinished("a", &["x\n    to", "do!()"].concat()).len(), 1);
        assert_eq!(unfinished("a", &["cd /wo", "rk/x"].concat()).len(), 1);
        assert!(unfinished("a", &["https://host/wo", "rk/x and a/ro", "ot/b"].concat()).is_empty());
    }
}
