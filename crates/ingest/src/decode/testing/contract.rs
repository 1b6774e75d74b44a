//! The contract of tests and fuzz targets, which include this file by its path.

use plant::contract::{
    Column, Contract, DumpUnit, Encoding, Format, Framing, Kind, Lines, OnError, Origin,
    RemovedRecords, Supersede,
};

/// A contract of text columns, each as wide as its header. A `*` before a header makes its column required.
pub fn contract(format: Format, headers: &[&str]) -> Contract {
    Contract {
        table: "test".into(),
        description: String::new(),
        source: "test".into(),
        paths: Vec::new(),
        http: None,
        done_marker: None,
        topics: Vec::new(),
        mqtt: None,
        pull: None,
        framing: Framing::default(),
        changes: None,
        format,
        encoding: Encoding::Utf8,
        lines: Lines::default(),
        records: None,
        supersede: Supersede::Key,
        removed_records: RemovedRecords::ByName,
        dump_unit: DumpUnit::ByName,
        nulls: Vec::new(),
        columns: headers.iter().map(|header| column(header)).collect(),
        reject_at_most: None,
        case_sensitive_columns: false,
    }
}

fn column(header: &str) -> Column {
    let name = header.trim_start_matches('*');
    Column {
        name: name.to_lowercase(),
        header: name.into(),
        origin: Origin::Record,
        kind: Kind::Text,
        required: name != header,
        on_error: OnError::Reject,
        nulls: Vec::new(),
        width_chars: name.len(),
        description: String::new(),
    }
}
