//! A digest of the contents of a record, by which a record that was read again is recognized.

use sha2::{Digest as _, Sha256};

/// The digest of the fields of a record, in the order of the contract, and of what the contract has no column
/// for.
pub fn digest<'a>(fields: impl Iterator<Item = Option<&'a str>>, rest: Option<&'a str>) -> u128 {
    let mut hash = Sha256::new();
    for field in fields.chain([rest]) {
        let length = field.map_or(u64::MAX, |text| text.len() as u64);
        hash.update(length.to_le_bytes());
        hash.update(field.unwrap_or_default());
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    u128::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn different_records_have_different_digests() {
        let records: [(&[Option<&str>], Option<&str>); 6] = [
            (&[Some("a"), Some("b")], None),
            (&[Some("ab"), Some("")], None),
            (&[Some("ab"), None], None),
            (&[None, Some("ab")], None),
            (&[Some("a"), Some("b")], Some("")),
            (&[Some("a")], Some("b")),
        ];
        let digests: std::collections::HashSet<u128> =
            records.iter().map(|(fields, rest)| digest(fields.iter().copied(), *rest)).collect();
        assert_eq!(digests.len(), records.len());
    }
}
