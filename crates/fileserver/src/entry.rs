//! The entries of a folder at a file server.

use crate::failure::{Cause, Failure};
use chrono::{DateTime, Utc};

/// An entry of a folder at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    File {
        name: String,
        version: Version,
    },
    Folder {
        name: String,
    },
    /// A name that cannot be read, as text, and why.
    Unread {
        shown: String,
        reason: &'static str,
    },
}

/// What identifies the content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub size_bytes: u64,
    pub modified_at: DateTime<Utc>,
    pub etag: Option<String>,
}

/// Adds an entry to a listing of at most `most`.
pub fn push(entries: &mut Vec<Found>, entry: Found, most: usize) -> Result<(), Failure> {
    if entries.len() >= most {
        return Err(too_many(most));
    }
    entries.push(entry);
    Ok(())
}

/// The failure of a listing with more than `most` names.
pub fn too_many(most: usize) -> Failure {
    Failure::new(Cause::TooMany, format!("there are more than {most} names"))
}
