//! How long the rows of a table are kept, such as `90 days`.

/// The longest retention, 100 years; without a retention, rows are kept without limit.
const MOST_DAYS: u32 = 36_500;

/// The remedy for an invalid retention.
pub const REMEDY: &str =
    "Write a whole number of days, such as 90 days; without it, rows are kept without limit.";

/// How long rows are kept, and where it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub days: u32,
    /// Line of its file, from 1.
    pub line: usize,
}

/// The days of a retention such as `90 days`.
///
/// # Errors
/// The text is not a number of days, or out of range.
pub fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("days").or_else(|| text.strip_suffix("day"));
    let number = number.map(str::trim).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|it| it.parse().ok()) {
        Some(0) => Err(format!("invalid retention `{text}`: expected at least 1 day")),
        Some(days) if days <= MOST_DAYS => Ok(days),
        Some(_) => Err(format!("invalid retention `{text}`: expected at most {MOST_DAYS} days")),
        None => Err(format!("invalid retention `{text}`: expected a number of days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<u32, &str>) {
        assert_eq!(days(text), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn a_retention_is_a_number_of_days() {
        check("90 days", Ok(90));
        check("1 day", Ok(1));
        check("400days", Ok(400));
        check("0 days", Err("invalid retention `0 days`: expected at least 1 day"));
        check("36501 days", Err("invalid retention `36501 days`: expected at most 36500 days"));
        for text in ["", "days", "90", "-1 days", "1.5 days", "3 weeks", "99999999999 days"] {
            check(text, Err(&format!("invalid retention `{text}`: expected a number of days")));
        }
    }
}
