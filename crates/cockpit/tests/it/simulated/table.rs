//! The table of kinds: how often each was injected, and what became of it.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

const FATES: [&str; 5] = ["repaired", "kept", "superseded", "misread", "rejected"];
/// Every kind there is.
const KINDS: &str = "null_spelling padding blank_line excel_serial unreadable_extra duplicate \
    correction late_record late_file new_column repeated_header short_line extra_field broken_quote \
    broken_token broken_json invalid_text truncated_end missing_value not_a_number decimal_comma \
    negative_quantity absurd_quantity impossible_time swapped_day_month clock_change \
    clock_set_back overlapping_states unknown_word";

/// Pieces of dirt by kind and fate.
#[derive(Debug, Default)]
pub struct Kinds(BTreeMap<String, [u64; 5]>);

impl Kinds {
    pub fn add(&mut self, dirt: &[Value]) {
        for spot in dirt {
            let kind = spot["kind"].as_str().unwrap();
            let fate = FATES.iter().position(|fate| spot["fate"] == *fate).unwrap();
            self.0.entry(kind.to_owned()).or_default()[fate] += 1;
        }
    }

    /// Kinds that were never injected.
    pub fn missing(&self) -> Vec<&'static str> {
        KINDS.split_whitespace().filter(|kind| !self.0.contains_key(*kind)).collect()
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<20}{:>10}", "kind", "injected")?;
        FATES.iter().try_for_each(|fate| write!(out, "{fate:>12}"))?;
        for (kind, counts) in &self.0 {
            write!(out, "\n{kind:<20}{:>10}", counts.iter().sum::<u64>())?;
            counts.iter().try_for_each(|count| write!(out, "{count:>12}"))?;
        }
        Ok(())
    }
}
