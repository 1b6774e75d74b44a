//! Which keys of a bucket are dumps of a table.

/// A key pattern; see the helper's specification.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern;
