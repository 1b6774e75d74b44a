//! Which issued reports a caller sees.

use crate::http::visibility::{Extent, Visibility};
use ::report::issue::record::IssuedReport;

/// Whether a caller may read every table that an issued report read, completely.
pub(super) fn is_visible(visibility: &Visibility, issued: &IssuedReport) -> bool {
    let is_complete = |table: &String| {
        let (schema, name) = table.split_once('.').unwrap_or_default();
        visibility.extent(schema, name, []) == Extent::Everything
    };
    issued.versions.keys().all(is_complete)
}
