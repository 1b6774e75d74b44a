//! Limits are asked for by name: every name asked for is known, and every known one is asked for.

use std::collections::BTreeSet;

/// A name asked for, and where.
pub type Asked = (String, String);

/// The names in the list of known limits.
pub fn known(settings: &str) -> BTreeSet<String> {
    let named = settings.lines().filter_map(|line| line.trim().strip_prefix("name: \""));
    named.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name.to_owned()).collect()
}

/// The names a file asks of `limits` or `limits()`, over several lines or in one.
pub fn asked(path: &str, text: &str) -> Vec<Asked> {
    let dense: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let mut found = Vec::new();
    for way in ["limits.get(\"", "limits().get(\"", "limits.size(\"", "limits().size(\""] {
        for (at, _) in dense.match_indices(way) {
            if let Some((name, _)) = dense[at + way.len()..].split_once('"') {
                found.push((name.to_owned(), path.to_owned()));
            }
        }
    }
    found
}

pub fn differences(known: &BTreeSet<String>, asked: &[Asked]) -> Vec<String> {
    let strange = asked.iter().filter(|(name, _)| !known.contains(name));
    let strange = strange.map(|(name, path)| format!("{path}: asks for the unknown limit {name}"));
    let is_asked = |name: &String| asked.iter().any(|(asked, _)| asked == name);
    let idle = known.iter().filter(|name| !is_asked(name));
    let idle = idle.map(|name| format!("nobody asks for the limit {name}"));
    strange.chain(idle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_and_an_idle_limit_are_found() {
        let known = known("    Known {\n        name: \"a_s\",\n    },\n    name: \"b_rows\",\n");
        assert_eq!(known.len(), 2);
        let asked = asked(
            "x.rs",
            "self.limits()\n    .get(\"a_s\");\nlimits.size(\"c_bytes\");\nmap.get(\"d\")",
        );
        assert_eq!(asked.len(), 2);
        let found = differences(&known, &asked);
        assert_eq!(
            found,
            ["x.rs: asks for the unknown limit c_bytes", "nobody asks for the limit b_rows"]
        );
    }
}
