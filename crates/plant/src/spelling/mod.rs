//! How text becomes a value.

/// One way to write a day or a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeSpelling;
