//! Systems without inotify: folders are listed at an interval and not watched.

use std::ffi::OsString;
use std::io;
use std::path::Path;

#[derive(Debug)]
pub(super) struct RawChange {
    pub watch: i32,
    pub event: Event,
    pub is_folder: bool,
    pub name: OsString,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Created,
    Modified,
    Closed,
    MovedIn,
    Removed,
    Ended,
    Overflow,
}

/// No such queue can be opened.
#[derive(Debug)]
pub(super) enum Queue {}

impl Queue {
    pub fn open() -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "folders are watched on Linux only"))
    }

    pub fn watch(&self, _folder: &Path) -> io::Result<i32> {
        match *self {}
    }

    pub fn end(&self, _watch: i32) {
        match *self {}
    }

    pub async fn wait(&self) -> io::Result<()> {
        match *self {}
    }

    pub fn take(&self) -> io::Result<Vec<RawChange>> {
        match *self {}
    }
}
