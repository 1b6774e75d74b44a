//! The files of a database: their mode, locks, and moving them into place durably.

use crate::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Readable and writable for the account of the program only.
const MODE: u32 = 0o600;

/// The lock that every process holds which has the database open.
pub(super) fn lock_shared(path: &Path) -> Result<File, Error> {
    let lock = open_lock(path)?;
    match lock.try_lock_shared() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { place: place(path) }),
        Err(TryLockError::Error(error)) => Err(Error::file("lock", &beside(path, ".lock"), error)),
    }
}

/// The lock of who replaces the database: nobody else has it open.
pub(super) fn lock_alone(path: &Path) -> Result<File, Error> {
    let lock = open_lock(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { place: place(path) }),
        Err(TryLockError::Error(error)) => Err(Error::file("lock", &beside(path, ".lock"), error)),
    }
}

fn open_lock(path: &Path) -> Result<File, Error> {
    let at = beside(path, ".lock");
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(MODE);
    options.open(&at).map_err(|error| Error::file("open", &at, error))
}

/// The path with something added to its name, such as `-wal`.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

pub(super) fn place(path: &Path) -> String {
    path.display().to_string()
}

/// Takes rights of other accounts away, and refuses a file that its owner may not write.
pub(super) fn claim(path: &Path) -> Result<(), Error> {
    let found = fs::metadata(path).map_err(|error| Error::file("read", path, error))?;
    let mode = found.permissions().mode();
    if mode & 0o200 == 0 {
        return Err(Error::ReadOnly { place: place(path) });
    }
    if mode & 0o077 != 0 {
        let narrow = fs::Permissions::from_mode(MODE);
        fs::set_permissions(path, narrow).map_err(|error| Error::file("protect", path, error))?;
    }
    Ok(())
}

/// A new file beside `path`, with mode 0600, that vanishes unless it is moved into place.
pub(super) fn temporary(path: &Path) -> Result<NamedTempFile, Error> {
    let folder = folder_of(path);
    tempfile::Builder::new()
        .prefix(".access-")
        .permissions(fs::Permissions::from_mode(MODE))
        .tempfile_in(&folder)
        .map_err(|error| Error::file("write into", &folder, error))
}

/// Moves a finished file to `path`; false if there is one already.
pub(super) fn place_new(made: NamedTempFile, path: &Path) -> Result<bool, Error> {
    sync(made.path())?;
    match made.persist_noclobber(path) {
        Ok(_) => sync(&folder_of(path)).map(|()| true),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::file("create", path, error.error)),
    }
}

/// Moves a finished file to `path`, in place of what is there.
pub(super) fn place_over(made: NamedTempFile, path: &Path) -> Result<(), Error> {
    sync(made.path())?;
    made.persist(path).map_err(|error| Error::file("replace", path, error.error))?;
    sync(&folder_of(path))
}

pub(super) fn sync(path: &Path) -> Result<(), Error> {
    let opened = File::open(path).and_then(|it| it.sync_all());
    opened.map_err(|error| Error::file("sync", path, error))
}

pub(super) fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", path, error))
        }
        _ => Ok(()),
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}
