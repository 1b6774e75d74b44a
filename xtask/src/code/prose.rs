//! Words that technical English does not use for programs, counted in prose.

/// The words, put together from halves so that this file does not contain them.
const IDIOMS: [[&str; 2]; 24] = [
    ["sa", "id"],
    ["sa", "ys"],
    ["to", "ld"],
    ["te", "lls"],
    ["as", "ked"],
    ["as", "ks"],
    ["an", "ew"],
    ["hea", "rd"],
    ["hea", "rs"],
    ["go", "ne"],
    ["nob", "ody"],
    ["some", "body"],
    ["who", "ever"],
    ["me", "nd"],
    ["me", "nds"],
    ["me", "nded"],
    ["li", "es"],
    ["sta", "nds"],
    ["sto", "od"],
    ["le", "t in"],
    ["le", "ts in"],
    ["goe", "s on"],
    ["wen", "t on"],
    ["o", "f old"],
];

/// A verb and a negated noun, between blanks.
const NEGATION: &str = " i\x73 no ";

/// Idioms in a text, each with its line from 1.
pub fn idioms(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let words = normal(line);
        for idiom in IDIOMS.map(|halves| halves.concat()) {
            let count = words.matches(&format!(" {idiom} ")).count();
            found.extend((0..count).map(|_| (number, idiom.clone())));
        }
        found.extend(negated(&words).map(|words| (number, words)));
    }
    found
}

/// A noun that is negated by `no`, where standard English has "X is not a Y" or "invalid Y".
fn negated(words: &str) -> impl Iterator<Item = String> + '_ {
    let is_usual = |before: &str, after: &str| {
        ["there", "it"].contains(&before.rsplit(' ').next().unwrap_or_default())
            || ["longer", "more", "less", "later", "earlier"].iter().any(|it| after.starts_with(it))
    };
    words.match_indices(NEGATION).filter_map(move |(at, phrase)| {
        let (before, after) = (&words[..at], &words[at + phrase.len()..]);
        let next = after.split(' ').next().unwrap_or_default();
        (!is_usual(before, after)).then(|| format!("{}{next}", phrase.trim_start()))
    })
}

/// Lower case, one blank between words and around the line; signs are blanks, and what is quoted as code is left out.
fn normal(line: &str) -> String {
    let prose = line.split('`').step_by(2).collect::<Vec<_>>().join(" x ");
    let lower = prose.to_lowercase();
    let words = lower.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty());
    let words: Vec<&str> = words.collect();
    format!(" {} ", words.join(" "))
}

/// Words of a text.
pub fn count_words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.contains(|it: char| it.is_alphabetic())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idioms_are_found_with_their_lines() {
        let text = ["A file li", "es here.\nIt goes", " on, as the log sa", "ys."].concat();
        let found: Vec<usize> = idioms(&text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(found, [1, 2, 2]);
    }

    #[test]
    fn code_in_prose_and_parts_of_words_are_not_idioms() {
        let text = ["The key `to", "ld` under", "sta", "nds relies on Ma", "id."].concat();
        assert!(idioms(&text).is_empty());
    }

    #[test]
    fn a_negated_noun_is_found() {
        assert_eq!(idioms("x is no number"), [(1, "is no number".to_owned())]);
        assert!(idioms("There is no limit; it is no longer used.").is_empty());
    }
}
