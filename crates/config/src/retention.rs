//! How long the rows of a table are kept, as `90 days` says it.

/// The longest span, 100 years: who means longer leaves it out.
const MOST_DAYS: u32 = 36_500;

/// What to do about a span that cannot be read.
pub const REMEDY: &str =
    "Write a whole number of days, such as 90 days; left out, rows are kept for ever.";

/// How long rows are kept, and where that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub days: u32,
    /// Line of its file, from 1.
    pub line: usize,
}

/// The days of a span such as `90 days`.
///
/// # Errors
/// Says in words what is wrong with it.
pub fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("days").or_else(|| text.strip_suffix("day"));
    let number = number.map(str::trim).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|it| it.parse().ok()) {
        Some(0) => Err(format!("`{text}` would keep nothing")),
        Some(days) if days <= MOST_DAYS => Ok(days),
        Some(_) => Err(format!("`{text}` is longer than {MOST_DAYS} days")),
        None => Err(format!("`{text}` is no span of days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<u32, &str>) {
        assert_eq!(days(text), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn spans_are_whole_days() {
        check("90 days", Ok(90));
        check("1 day", Ok(1));
        check("400days", Ok(400));
        check("0 days", Err("`0 days` would keep nothing"));
        check("36501 days", Err("`36501 days` is longer than 36500 days"));
        for text in ["", "days", "90", "-1 days", "1.5 days", "3 weeks", "99999999999 days"] {
            check(text, Err(&format!("`{text}` is no span of days")));
        }
    }
}
