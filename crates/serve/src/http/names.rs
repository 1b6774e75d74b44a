//! Suggestions for misspelt names.

/// The most edits at which a name is still suggested.
const EDITS_MAX: usize = 3;

/// A suggestion for `name_given`, which is not in `all`: the nearest name, or all of them.
pub fn suggest(name_given: &str, all: &[String]) -> String {
    let nearest = all.iter().map(|name| (edits(name_given, name), name)).min();
    match nearest {
        None => "none exist yet".into(),
        Some((count, name)) if count <= EDITS_MAX => format!("did you mean {name}?"),
        Some(_) => format!("expected one of {}", all.join(", ")),
    }
}

/// Levenshtein distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let mut row = (0..=b.chars().count()).collect::<Vec<_>>();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        assert_eq!((edits("kitten", "sitting"), edits("", "abc"), edits("a", "a")), (3, 3, 0));
        let all = ["gold.top".to_owned(), "gold.hourly".to_owned()];
        assert_eq!(suggest("gold.hurly", &all), "did you mean gold.hourly?");
        assert_eq!(suggest("silver.board", &all), "expected one of gold.top, gold.hourly");
        assert_eq!(suggest("x", &[]), "none exist yet");
    }
}
