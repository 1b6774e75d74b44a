//! The names of encodings.

use plant::contract::Encoding;

/// The names to suggest; every label of the WHATWG Encoding Standard is known.
pub(super) const COMMON: [&str; 17] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "windows-1253",
    "windows-1254",
    "latin-1",
    "iso-8859-2",
    "iso-8859-15",
    "ibm866",
    "shift_jis",
    "gbk",
    "gb18030",
    "big5",
    "euc-kr",
];

/// Common names that are not labels of the standard, and the label of the same encoding.
const ALIASES: [(&str, &str); 8] = [
    ("utf-8-sig", "utf-8"),
    ("utf-16-le", "utf-16le"),
    ("utf-16-be", "utf-16be"),
    ("latin-1", "latin1"),
    ("cp932", "shift_jis"),
    ("cp936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
];

/// The encoding of a name. Latin-1 is windows-1252, as it is for every browser: the bytes that differ
/// are control characters in the one, and euro sign, dashes and curly quotes in the other.
pub(super) fn find(label: &str) -> Option<Encoding> {
    let lower = label.trim().to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
    let lower = alias.map_or(lower.as_str(), |(_, label)| label);
    let found = encoding_rs::Encoding::for_label_no_replacement(lower.as_bytes())?;
    Some(match found.name() {
        "UTF-8" => Encoding::Utf8,
        "UTF-16LE" => Encoding::Utf16Le,
        "UTF-16BE" => Encoding::Utf16Be,
        name => Encoding::Named(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known() {
        let check = |label, expected| assert_eq!(find(label), expected, "{label}");
        check("utf-8", Some(Encoding::Utf8));
        check("UTF8", Some(Encoding::Utf8));
        check("utf-16", Some(Encoding::Utf16Le));
        check("utf-16be", Some(Encoding::Utf16Be));
        check("latin-1", Some(Encoding::Named("windows-1252")));
        check("ISO-8859-1", Some(Encoding::Named("windows-1252")));
        check("cp1250", Some(Encoding::Named("windows-1250")));
        check("Shift-JIS", Some(Encoding::Named("Shift_JIS")));
        check("cp932", Some(Encoding::Named("Shift_JIS")));
        check("gb2312", Some(Encoding::Named("GBK")));
        check("iso-2022-kr", None);
        check("windows-1259", None);
    }

    #[test]
    fn what_is_suggested_is_known() {
        assert_eq!(COMMON.iter().find(|label| find(label).is_none()), None);
    }
}
