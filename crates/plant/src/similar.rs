//! Similarity of names, for hints such as "has `Temp_C` instead" and "nearest path".

/// Longest prefix of a name that is compared, in characters, to bound the cost.
const COMPARED_CHARS: usize = 200;
/// Shortest common prefix or suffix that counts as similar, in characters.
const SHARED_CHARS: usize = 3;
/// Similarity of two names that share a prefix or suffix.
const PART_SIMILARITY: f64 = 0.6;

/// Similarity of two names, from 0 (nothing in common) to 1 (the same letters and digits). Letter
/// case and punctuation are ignored.
pub fn similarity(left: &str, right: &str) -> f64 {
    let (left, right) = (letters(left), letters(right));
    let longest = left.len().max(right.len());
    if longest == 0 {
        return 0.0;
    }
    let by_edits = 1.0 - distance(&left, &right) as f64 / longest as f64;
    let by_part = if shares_part(&left, &right) { PART_SIMILARITY } else { 0.0 };
    by_edits.max(by_part)
}

/// The candidate most similar to `name`; the first of equals; `None` if nothing is similar.
pub fn most_similar<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let score = similarity(name, candidate);
        if score > best.map_or(0.0, |(score, _)| score) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn letters(name: &str) -> Vec<char> {
    let lower = name.chars().flat_map(char::to_lowercase);
    lower.filter(|c| c.is_alphanumeric()).take(COMPARED_CHARS).collect()
}

/// Whether both names begin or end with the same characters, such as `temperature` and `temp_c`.
fn shares_part(left: &[char], right: &[char]) -> bool {
    let begin = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let end = left.iter().rev().zip(right.iter().rev()).take_while(|(l, r)| l == r).count();
    begin.max(end) >= SHARED_CHARS
}

/// Levenshtein distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn variants_of_a_name_are_similar() {
        assert!(similarity("StageName", "stage_name") > 0.99);
        assert!(similarity("Temperature", "Temp_C") > 0.5);
        assert!(similarity("Qty", "Quantity") > 0.3);
        assert!(similarity("Temperature", "Amps") < 0.4);
        assert!(similarity("", "") < 0.01);
    }

    #[test]
    fn the_most_similar_name_is_found() {
        assert_eq!(most_similar("in/dump.csv.GZ", ["x/a.txt", "in/dump.csv"]), Some("in/dump.csv"));
        assert_eq!(most_similar("7", ["abc"]), None);
        assert_eq!(most_similar("a", []), None);
    }

    proptest! {
        #[test]
        fn similarity_is_symmetric_and_bounded(left in ".{0,40}", right in ".{0,40}") {
            let score = similarity(&left, &right);
            prop_assert!((0.0..=1.0).contains(&score));
            prop_assert!((score - similarity(&right, &left)).abs() < 1e-12);
        }
    }
}
