//! The statistics of a data file as its entry in the Delta log has them.

use chrono::DateTime;
use deltalake::kernel::Add;
use plant::time::{MILLISECOND_US, date_from_days, days_since_epoch};
use serde_json::Value;

/// Statistics of one data file. All of them may be unknown: other writers may omit them.
#[derive(Debug, Clone, Default)]
pub struct FileStats(Value);

impl FileStats {
    /// The statistics of a data file; those that cannot be read are unknown.
    pub fn from_add(file: &Add) -> Self {
        let stats = file.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
        Self(stats.unwrap_or_default())
    }

    /// Number of rows.
    pub fn rows(&self) -> Option<usize> {
        usize::try_from(self.0["numRecords"].as_u64()?).ok()
    }

    /// Number of nulls in a column.
    pub fn nulls(&self, column: &str) -> Option<u64> {
        self.0["nullCount"][column].as_u64()
    }

    /// Least value of a column. Timestamps may be truncated to milliseconds.
    pub fn min(&self, column: &str) -> Option<&Value> {
        Some(&self.0["minValues"][column]).filter(|value| !value.is_null())
    }

    /// Greatest value of a column. Timestamps may be truncated to milliseconds.
    pub fn max(&self, column: &str) -> Option<&Value> {
        Some(&self.0["maxValues"][column]).filter(|value| !value.is_null())
    }

    /// Least and greatest value of a column of texts, dates or timestamps.
    pub fn text_bounds(&self, column: &str) -> Option<(&str, &str)> {
        Some((self.min(column)?.as_str()?, self.max(column)?.as_str()?))
    }

    /// Whether all rows have one known value in a column.
    pub fn is_constant(&self, column: &str) -> bool {
        self.min(column).is_some_and(|least| Some(least) == self.max(column))
    }
}

/// Orders data files by the time at which their rows landed, as far as it is known, then by name.
pub fn landing_order(file: &Add) -> (String, String) {
    let stats = FileStats::from_add(file);
    let landed_at = stats.min("_ingested_at").and_then(Value::as_str).unwrap_or_default();
    (landed_at.to_owned(), file.path.clone())
}

/// A date, in days since 1970, as statistics have it. Such texts sort like the dates.
pub fn date_text(days: i32) -> Option<String> {
    Some(date_from_days(days)?.format("%Y-%m-%d").to_string())
}

/// A timestamp, in microseconds since 1970 UTC, as statistics have it. `None` unless it is a whole number
/// of milliseconds: other writers truncate to these, and a bound must never be too narrow.
pub fn timestamp_text(us: i64) -> Option<String> {
    let at = DateTime::from_timestamp_micros(us).filter(|_| us % MILLISECOND_US == 0)?;
    Some(at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// The least and the greatest value that a bound may stand for: days since 1970 for a date, microseconds
/// since 1970 UTC for a timestamp.
pub fn parse_bound(text: &str) -> Option<(i64, i64)> {
    if let Ok(date) = text.parse() {
        let days = days_since_epoch(date).into();
        return Some((days, days));
    }
    let us = DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros();
    Some((us, us + MILLISECOND_US - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(stats: Option<&str>) -> Add {
        let add = serde_json::json!({
            "path": "a.parquet", "partitionValues": {}, "size": 1, "modificationTime": 0,
            "dataChange": true, "stats": stats,
        });
        serde_json::from_value(add).unwrap()
    }

    #[test]
    fn unknown_statistics_are_none() {
        for stats in [None, Some("{"), Some("{}"), Some(r#"{"minValues":{"a":null}}"#)] {
            let stats = FileStats::from_add(&file(stats));
            assert_eq!((stats.rows(), stats.nulls("a"), stats.min("a")), (None, None, None));
            assert!(!stats.is_constant("a"));
        }
    }

    #[test]
    fn known_statistics_are_read() {
        let text = r#"{"numRecords":3,"nullCount":{"a":1},
            "minValues":{"a":"x","b":1},"maxValues":{"a":"x","b":2}}"#;
        let stats = FileStats::from_add(&file(Some(text)));
        assert_eq!((stats.rows(), stats.nulls("a")), (Some(3), Some(1)));
        assert_eq!((stats.text_bounds("a"), stats.text_bounds("b")), (Some(("x", "x")), None));
        assert!(stats.is_constant("a") && !stats.is_constant("b"));
    }

    #[test]
    fn bounds_are_parsed_as_they_are_written() {
        assert_eq!(date_text(-1).as_deref(), Some("1969-12-31"));
        assert_eq!(parse_bound("1970-01-02"), Some((1, 1)));
        assert_eq!(timestamp_text(1_000).as_deref(), Some("1970-01-01T00:00:00.001Z"));
        assert_eq!(timestamp_text(1_001), None);
        assert_eq!(parse_bound("1970-01-01T00:00:00.001Z"), Some((1_000, 1_999)));
        assert_eq!(parse_bound("none"), None);
    }
}
