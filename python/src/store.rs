//! Files of a lake: read, listed, and created once.
//!
//! A commit of a Delta table and a claim of the lease are files that exactly one process may create. The store
//! promises that on a local disk and on S3, by a conditional request.

use crate::data_error;
use config::location::{self, Location, Purpose};
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// The files below a folder or a prefix of a bucket. Keys are relative to it, with `/` between the parts.
#[pyclass(frozen, module = "plant_cockpit._native")]
pub struct Store {
    location: Location,
    files: Arc<dyn ObjectStore>,
    runtime: Runtime,
}

#[pymethods]
impl Store {
    /// Opens `s3://bucket/prefix`, `file:///path` or a path. Keys of S3 are those of the AWS variables and profiles.
    #[new]
    fn new(location: &str) -> PyResult<Self> {
        let open = || -> anyhow::Result<Self> {
            location::refuse_read_only(location)?;
            let location = location::open(location, Purpose::Read)?;
            let runtime = Builder::new_current_thread().enable_all().build()?;
            Ok(Self { files: location.store(), location, runtime })
        };
        open().map_err(|error| data_error(&error))
    }

    /// Its URL, with a final slash.
    #[getter]
    fn url(&self) -> &str {
        self.location.url.as_str()
    }

    /// The folder, if it is on this machine.
    #[getter]
    fn folder(&self) -> Option<PathBuf> {
        self.location.folder.clone()
    }

    /// The bytes of a file, or `None` if there is none.
    fn get<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let key = Key::from(key);
        let found = py.detach(|| {
            self.runtime.block_on(async {
                match self.files.get(&key).await {
                    Ok(found) => Ok(Some(found.bytes().await?)),
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            })
        });
        let bytes = found.map_err(|error| data_error(&error.into()))?;
        Ok(bytes.map(|bytes| PyBytes::new(py, &bytes)))
    }

    /// Creates a file. Returns whether this call created it; `False` means that it exists already.
    fn create(&self, py: Python<'_>, key: &str, content: Vec<u8>) -> PyResult<bool> {
        let path = Key::from(key);
        let done = py.detach(|| {
            let mode = PutMode::Create.into();
            self.runtime.block_on(self.files.put_opts(&path, content.into(), mode))
        });
        match done {
            Ok(_) => self.sync(py, vec![key.to_owned()]).map(|()| true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(data_error(&error.into())),
        }
    }

    /// Keys and sizes in bytes of the files below `prefix`, in the order of their keys.
    fn list(&self, py: Python<'_>, prefix: &str) -> PyResult<Vec<(String, u64)>> {
        let prefix = Key::from(prefix);
        let found = py.detach(|| {
            let files = self.files.list(Some(&prefix));
            let files = files.map_ok(|it| (it.location.to_string(), it.size));
            self.runtime.block_on(files.try_collect::<Vec<_>>())
        });
        let mut found = found.map_err(|error| data_error(&error.into()))?;
        found.sort();
        Ok(found)
    }

    /// Deletes a file, if it exists.
    fn delete(&self, py: Python<'_>, key: &str) -> PyResult<()> {
        let key = Key::from(key);
        match py.detach(|| self.runtime.block_on(self.files.delete(&key))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(data_error(&error.into())),
        }
    }

    /// Writes files and their folders to the disk, so that they survive a power failure. Does nothing on S3.
    fn sync(&self, py: Python<'_>, keys: Vec<String>) -> PyResult<()> {
        let Some(folder) = &self.location.folder else { return Ok(()) };
        let sync = || -> anyhow::Result<()> {
            for key in &keys {
                let mut path = folder.join(key);
                while path != *folder {
                    File::open(&path)?.sync_all()?;
                    path.pop();
                }
            }
            Ok(())
        };
        py.detach(sync).map_err(|error| data_error(&error))
    }

    fn __repr__(&self) -> String {
        format!("Store({:?})", self.location.name)
    }
}
