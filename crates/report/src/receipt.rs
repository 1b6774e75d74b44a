//! Short ids under which a report and its figures can be found again.

use crate::data::ParameterValue;
use crate::source::Versions;
use config::reports::Definition;
use sha2::{Digest as _, Sha256};

/// Letters of ids: digits and capitals without I, L, O and U, which are easily confused (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters of an id of a report, which is 40 bits: among a million reports, a repetition is improbable.
const REPORT_LETTERS: usize = 8;
/// Letters of an id of a table, which is unique among the tables of a report.
const TABLE_LETTERS: usize = 6;

/// The id of a report: the same for the same definition, parameters and table versions.
pub fn report_id(
    report: &Definition,
    parameters: &[ParameterValue],
    versions: &Versions,
) -> String {
    let mut hash = Sha256::new();
    field(&mut hash, &report.name);
    for (file, text) in &report.sources {
        field(&mut hash, file);
        field(&mut hash, text);
    }
    for query in &report.queries {
        field(&mut hash, &query.name);
        field(&mut hash, &query.statement.sql);
    }
    for parameter in parameters {
        field(&mut hash, &parameter.name);
        field(&mut hash, &parameter.value.to_string());
    }
    for (table, version) in versions {
        field(&mut hash, table);
        field(&mut hash, &version.version.to_string());
        // A lake that is built again has the same numbers.
        field(&mut hash, &version.committed_at_us.to_string());
    }
    letters(hash, REPORT_LETTERS)
}

/// The id of the figures of a query in a report.
pub fn table_id(report_id: &str, query: &str) -> String {
    let mut hash = Sha256::new();
    field(&mut hash, report_id);
    field(&mut hash, query);
    letters(hash, TABLE_LETTERS)
}

/// Adds a text whose end is unambiguous.
fn field(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

fn letters(hash: Sha256, count: usize) -> String {
    let digest = hash.finalize();
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    digest.iter().take(count).map(letter).collect()
}
