//! Guessable passwords, without a network: the commonest ones and their usual variations.

use super::Weakness;

/// The commonest passwords and base words of them, in lower case, several in a line.
const LIST: &str = include_str!("common.txt");

/// Rows in which a sequence of keys, letters or digits is found, in both directions.
const ROWS: [&str; 8] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
];

/// The shortest piece of a row that counts as a sequence.
const RUN_CHARS_MIN: usize = 3;

/// Characters that have to remain of a password without the user name.
const REST_CHARS_MIN: usize = 8;

/// The longest piece whose repetition alone makes a password weak.
const REPEATED_CHARS_MAX: usize = 4;

pub(super) fn weakness(password: &str, name: &str) -> Option<Weakness> {
    let lower = password.to_lowercase();
    if is_of_name(&lower, &name.to_lowercase()) {
        return Some(Weakness::ContainsName);
    }
    let unit = unit_of(&lower);
    if unit.len() < lower.len() && unit.chars().count() <= REPEATED_CHARS_MAX {
        return Some(Weakness::Repetition);
    }
    if is_sequence(&lower) {
        return Some(Weakness::Sequence);
    }
    let is_common = [unit, &lower].into_iter().any(is_variation);
    is_common.then_some(Weakness::Common)
}

/// Whether the password is little more than the user name, forwards or backwards.
fn is_of_name(lower: &str, name: &str) -> bool {
    let local = name.split('@').next().unwrap_or(name);
    let backwards: String = local.chars().rev().collect();
    [name, local, &backwards]
        .into_iter()
        .filter(|it| it.chars().count() >= 3)
        .any(|it| lower.contains(it) && lower.replace(it, "").chars().count() < REST_CHARS_MIN)
}

/// The shortest piece whose repetition is the whole text.
fn unit_of(text: &str) -> &str {
    let ends = text.char_indices().map(|(at, _)| at).skip(1);
    let mut pieces = ends.map(|end| &text[..end]);
    let is_whole = |it: &&str| text.len().is_multiple_of(it.len()) && repeats(text, it);
    pieces.find(is_whole).unwrap_or(text)
}

fn repeats(text: &str, piece: &str) -> bool {
    text.as_bytes().chunks(piece.len()).all(|it| it == piece.as_bytes())
}

/// Whether the text consists of pieces of rows only, such as `qwerty123456`.
fn is_sequence(lower: &str) -> bool {
    let letters: Vec<char> = lower.chars().collect();
    let mut at = 0;
    while at < letters.len() {
        let run = ROWS.iter().map(|row| run_in(row, &letters[at..])).max().unwrap_or(0);
        if run < RUN_CHARS_MIN {
            return false;
        }
        at += run;
    }
    true
}

/// How many of the first letters follow each other in the row, in one direction.
fn run_in(row: &str, letters: &[char]) -> usize {
    let backwards: String = row.chars().rev().collect();
    let longest = |row: &str| {
        let starts = row.char_indices().map(|(at, _)| &row[at..]);
        let lengths = starts.map(|it| it.chars().zip(letters).take_while(|(a, b)| a == *b).count());
        lengths.max().unwrap_or(0)
    };
    longest(row).max(longest(&backwards))
}

/// Whether the text is a common password, or one or two of them with digits and signs around or in
/// place of letters.
fn is_variation(lower: &str) -> bool {
    if is_listed(lower) {
        return true;
    }
    let plain = letters_of(lower);
    let replaced = letters_of(&lower.chars().map(letter_meant).collect::<String>());
    let trimmed = lower.trim_matches(|it: char| !it.is_alphabetic());
    let inner = letters_of(&trimmed.chars().map(letter_meant).collect::<String>());
    [plain, replaced, inner].iter().any(|it| is_one_or_two(it))
}

fn is_one_or_two(word: &str) -> bool {
    if word.is_empty() {
        return false;
    }
    let mut cuts = word.char_indices().map(|(at, _)| word.split_at(at)).skip(1);
    is_listed(word) || cuts.any(|(one, other)| is_listed(one) && is_listed(other))
}

fn letters_of(text: &str) -> String {
    text.chars().filter(|it| it.is_alphabetic()).collect()
}

/// The letter that a digit or sign is written for.
fn letter_meant(sign: char) -> char {
    match sign {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        _ => sign,
    }
}

fn is_listed(word: &str) -> bool {
    LIST.split_ascii_whitespace().any(|it| it == word)
}
