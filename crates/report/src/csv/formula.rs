//! Texts that a spreadsheet evaluates as a formula when it opens a CSV file (CSV injection).

/// The prefix of an escaped text: spreadsheets then show the text unchanged (OWASP ASVS v5.0.0-1.2.10).
pub const ESCAPE: char = '\'';

/// The characters that begin a formula, their full-width forms, and white space that is skipped before
/// one.
const STARTS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

/// Whether a spreadsheet may evaluate `text` as a formula. A number with a sign is not a formula.
pub fn is_formula(text: &str) -> bool {
    text.starts_with(STARTS) && !is_number(text)
}

/// Whether `text` is a number in decimal or scientific notation.
fn is_number(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(is_part) && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_recognised_and_numbers_are_not() {
        for text in [
            "=1+1",
            "=cmd|' /C calc'!A0",
            "@SUM(A1)",
            "+1+1",
            "-1+1",
            "-A1",
            "--1",
            "-",
            "+",
            "\t=1",
            "\r=1",
            "\n=1",
            "\0=1",
            "＝1",
            "＠A",
            "-1e",
            "+inf",
            "-nan",
            "-1 ",
            "- 1",
            "+49 170 123",
        ] {
            assert!(is_formula(text), "{text:?}");
        }
        for text in
            ["", "a", "1", "-1", "+1", "-1.5e-3", "-.5", "1=1", " =1", "a-1", "2024-01-01", "'=1"]
        {
            assert!(!is_formula(text), "{text:?}");
        }
    }
}
