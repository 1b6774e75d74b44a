//! The files, fonts and time that a template can read. There is no file system, no network and no package.

use super::Assets;
use crate::data::Data;
use anyhow::Context as _;
use chrono::{DateTime, Datelike as _};
use config::reports::TEMPLATE;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, World};

/// The files of one compilation, in memory.
pub struct Files {
    assets: Arc<Assets>,
    main: FileId,
    files: HashMap<FileId, File>,
    /// Plant day of the report's date.
    today: Option<Datetime>,
}

struct File {
    bytes: Bytes,
    /// Of Typst files.
    source: Option<Source>,
}

impl Files {
    /// The files by their paths below the folder of the template. Paths are the same for every report, because
    /// the compiler never forgets a path.
    pub fn new(
        assets: Arc<Assets>,
        texts: Vec<(String, String)>,
        data: &Data,
    ) -> anyhow::Result<Self> {
        let mut files = HashMap::with_capacity(texts.len());
        for (path, text) in texts {
            let id = file_id(&path)?;
            let is_source = path.ends_with(".typ");
            let source = is_source.then(|| Source::new(id, text.clone()));
            files.insert(id, File { bytes: Bytes::from_string(text), source });
        }
        let at = data.dated_at_us().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
        let day = at.with_timezone(&data.zone).date_naive();
        let (month, day_of_month) = (u8::try_from(day.month())?, u8::try_from(day.day())?);
        let today = Datetime::from_ymd(day.year(), month, day_of_month);
        Ok(Self { assets, main: file_id(TEMPLATE)?, files, today })
    }

    fn file_at(&self, id: FileId) -> FileResult<&File> {
        let path = || PathBuf::from(id.get().vpath().get_without_slash());
        self.files.get(&id).ok_or_else(|| FileError::NotFound(path()))
    }
}

fn file_id(path: &str) -> anyhow::Result<FileId> {
    let path = VirtualPath::new(path).ok().with_context(|| format!("invalid path `{path}`"))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for Files {
    fn library(&self) -> &LazyHash<Library> {
        &self.assets.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.assets.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.file_at(id)?.source.clone().ok_or(FileError::NotSource)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        Ok(self.file_at(id)?.bytes.clone())
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.assets.fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        self.today
    }
}
