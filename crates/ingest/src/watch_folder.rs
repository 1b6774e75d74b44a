//! Watches the folder of a bucket, so that a file that is put into it is read at once and not with the next listing.
//!
//! In: the folder, and which of its files are expected.
//! Out: when a listing is worthwhile, and which files are complete by then.
//! Promise: changes are a hint. A listing decides what is read, so a change that the kernel does not report (of a
//! network drive, or beyond its limits) is found by the listing at an interval.

mod arrivals;
#[cfg_attr(target_os = "linux", path = "watch_folder/kernel.rs")]
#[cfg_attr(not(target_os = "linux"), path = "watch_folder/no_kernel.rs")]
mod kernel;

pub use arrivals::{Arrival, Arrivals, Change};

use crate::Error;
use anyhow::Context as _;
use kernel::{Event, Queue, RawChange};
use plant::contract::Contract;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is watched, and how.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The folder of the bucket.
    pub folder: PathBuf,
    /// A folder that is left out with everything below: the lake may be in the bucket.
    pub without: Option<PathBuf>,
    /// The contracts whose files are expected.
    pub contracts: Vec<Arc<Contract>>,
    /// The most folders to watch; each needs a watch of the kernel.
    pub most_folders: usize,
    /// How long a growing file must not change until it is complete.
    pub settle_ms: i64,
}

/// A watched folder and the folders below it.
#[derive(Debug)]
pub struct FolderWatch {
    options: WatchOptions,
    queue: Queue,
    /// Watches of the kernel, and the keys of their folders: empty, or with a final slash.
    folders: HashMap<i32, String>,
    arrivals: Arrivals,
    is_limited: bool,
}

impl FolderWatch {
    /// Watches a folder. Must be called within the runtime.
    ///
    /// # Errors
    /// [`Error::Storage`] if the folder cannot be watched: it is missing, the system has no inotify, or a limit of
    /// the kernel is reached.
    pub fn open(options: WatchOptions) -> Result<Self, Error> {
        let opened = Queue::open().context("the kernel cannot watch folders");
        let mut watch = Self {
            queue: opened.map_err(Error::Storage)?,
            folders: HashMap::new(),
            arrivals: Arrivals::new(options.settle_ms),
            is_limited: false,
            options,
        };
        let root = watch.options.folder.clone();
        watch.add(&root, String::new(), None, 0).map_err(|error| watch.explained(error))?;
        Ok(watch)
    }

    fn explained(&self, error: io::Error) -> Error {
        let folder = self.options.folder.display();
        let advice = match error.raw_os_error() {
            Some(code) if code == libc::ENOSPC => "; raise fs.inotify.max_user_watches",
            Some(code) if code == libc::EMFILE => "; raise fs.inotify.max_user_instances",
            _ => "",
        };
        let context = format!("the folder {folder} cannot be watched{advice}");
        Error::Storage(anyhow::Error::from(error).context(context))
    }

    /// Whether some folders are not watched because of a limit.
    pub fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// Waits until something may have changed.
    ///
    /// # Errors
    /// [`Error::Storage`] if the kernel fails.
    pub async fn wait(&self) -> Result<(), Error> {
        self.queue.wait().await.map_err(|error| self.explained(error))
    }

    /// Takes note of all changes so far. Does not wait.
    ///
    /// # Errors
    /// [`Error::Storage`] if the kernel fails, or the folder itself was deleted: open it again.
    pub fn take_changes(&mut self, now_ms: i64) -> Result<(), Error> {
        let changes = self.queue.take().map_err(|error| self.explained(error))?;
        for change in changes {
            self.take_change(change, now_ms).map_err(|error| self.explained(error))?;
        }
        Ok(())
    }

    /// Which files are complete, and when the next one is.
    pub fn arrivals(&mut self) -> &mut Arrivals {
        &mut self.arrivals
    }

    fn take_change(&mut self, change: RawChange, now_ms: i64) -> io::Result<()> {
        if change.event == Event::Overflow {
            self.arrivals.note_lost();
            return Ok(());
        }
        if change.event == Event::Ended {
            let ended = self.folders.remove(&change.watch);
            return match ended.as_deref() {
                Some("") => Err(io::Error::new(io::ErrorKind::NotFound, "the folder was deleted")),
                _ => Ok(()),
            };
        }
        let Some(folder) = self.folders.get(&change.watch) else { return Ok(()) };
        let Some(key) = change.name.to_str().map(|name| format!("{folder}{name}")) else {
            return Ok(());
        };
        let path = self.options.folder.join(&key);
        if change.is_folder || change.event == Event::Created && is_folder_link(&path) {
            return self.take_folder(&path, format!("{key}/"), change.event, now_ms);
        }
        let noted = match change.event {
            Event::Created => Change::Created,
            Event::Modified => Change::Modified,
            Event::Closed => Change::Closed,
            Event::MovedIn => Change::MovedIn,
            Event::Removed | Event::Ended | Event::Overflow => Change::Removed,
        };
        self.note(&key, noted, now_ms);
        Ok(())
    }

    /// A folder appeared or disappeared.
    fn take_folder(
        &mut self,
        path: &Path,
        key: String,
        event: Event,
        now_ms: i64,
    ) -> io::Result<()> {
        match event {
            Event::Created => self.add(path, key, Some(Change::Created), now_ms),
            Event::MovedIn => self.add(path, key, Some(Change::MovedIn), now_ms),
            Event::Removed => {
                let below = |(_watch, folder): &(&i32, &String)| folder.starts_with(&key);
                let ended: Vec<i32> = self.folders.iter().filter(below).map(|it| *it.0).collect();
                for watch in ended {
                    self.folders.remove(&watch);
                    self.queue.end(watch);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Watches a folder and those below it. Their files were there before the watch, so `change` is noted for each.
    fn add(
        &mut self,
        path: &Path,
        key: String,
        change: Option<Change>,
        now_ms: i64,
    ) -> io::Result<()> {
        let mut folders = vec![(path.to_owned(), key)];
        while let Some((path, key)) = folders.pop() {
            if self.options.without.as_deref() == Some(&path) || !self.watch_one(&path, &key)? {
                continue;
            }
            for entry in entries(&path)? {
                let name = entry.file_name();
                let Some(name) = name.to_str() else { continue };
                let Ok(metadata) = fs::metadata(entry.path()) else { continue };
                if metadata.is_dir() {
                    folders.push((entry.path(), format!("{key}{name}/")));
                } else if let Some(change) = change {
                    self.note(&format!("{key}{name}"), change, now_ms);
                }
            }
        }
        Ok(())
    }

    /// Watches one folder. Returns whether it is a new one that exists and may be read.
    fn watch_one(&mut self, path: &Path, key: &str) -> io::Result<bool> {
        if self.folders.len() >= self.options.most_folders {
            self.is_limited = true;
            return Ok(false);
        }
        match self.queue.watch(path) {
            // A link that leads to a folder which is watched already.
            Ok(watch) if self.folders.contains_key(&watch) => Ok(false),
            Ok(watch) => {
                self.folders.insert(watch, key.to_owned());
                Ok(true)
            }
            Err(error) if key.is_empty() => Err(error),
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                self.is_limited = true;
                Ok(false)
            }
            // It was deleted in the meantime, or must not be read; the listing reports the latter.
            Err(_) => Ok(false),
        }
    }

    fn note(&mut self, key: &str, change: Change, now_ms: i64) {
        if self.options.contracts.iter().any(|contract| expects(contract, key)) {
            self.arrivals.note(key, change, now_ms);
        }
    }
}

/// Whether a key is a file of a contract, or the marker of one.
fn expects(contract: &Contract, key: &str) -> bool {
    let marked = contract.done_marker.as_deref().and_then(|marker| key.strip_suffix(marker));
    let is_matched = |key: &str| contract.paths.iter().any(|path| path.matches(key).is_some());
    is_matched(key) || marked.is_some_and(is_matched)
}

/// Whether a path is a symbolic link to a folder, which the kernel reports as a file.
fn is_folder_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink()) && path.is_dir()
}

/// The entries of a folder; none if it was deleted in the meantime or must not be read.
fn entries(path: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.collect(),
        Err(error) if is_passing(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotADirectory | NotFound | PermissionDenied)
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
