//! How many records of a dump may be rejected before the dump is reported as faulty.

use crate::toml_reader::TomlReader;

const REMEDY: &str = "Write a share of the records of a dump, such as \"20 %\" or \"0.5 %\"; \
                      \"100 %\" never reports.";

/// The share of rejected records that is allowed, from 0 to 1; `None` if the contract has none.
pub(super) fn reject_at_most(reader: &mut TomlReader<'_, '_>, is_stream: bool) -> Option<f64> {
    let text = reader.text("reject_at_most")?;
    if is_stream {
        let remedy = "Remove it: only dumps are judged as a whole.";
        reader.note("reject_at_most", "the messages of a topic have no such limit", remedy);
        return None;
    }
    let share = share(&text);
    if share.is_none() {
        let message = format!("invalid reject_at_most `{text}`: expected 0 % to 100 %");
        reader.note("reject_at_most", message, REMEDY);
    }
    share
}

fn share(text: &str) -> Option<f64> {
    let percent: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_is_a_percentage() {
        assert_eq!(share("20 %"), Some(0.2));
        assert_eq!(share("0.5%"), Some(0.005));
        assert_eq!(share("100 %"), Some(1.0));
        for wrong in ["20", "0.2", "101 %", "-1 %", "%", "NaN %"] {
            assert_eq!(share(wrong), None, "{wrong}");
        }
    }
}
