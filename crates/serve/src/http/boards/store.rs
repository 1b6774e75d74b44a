//! The boards of the plant folder: those in use, and their files.

use crate::http::error::Error;
use crate::http::plant_file;
use anyhow::Context as _;
use axum::http::StatusCode;
use config::boards::{self, BoardFile, Boards};
use config::diagnostic::Diagnostic;
use config::folder::Plant;
use lake::plan::boards::Checker;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// The boards of a plant.
pub struct BoardStore {
    /// The plant folder; `None` for a plant that is part of the program.
    folder: Option<PathBuf>,
    plant: Arc<Plant>,
    checker: Checker,
    current: RwLock<Arc<Boards>>,
    /// Held while a file is changed, so that two changes are not based on one version.
    changing: Mutex<()>,
}

impl BoardStore {
    /// The boards of `plant`, whose folder is `folder`.
    pub fn new(folder: Option<PathBuf>, plant: Arc<Plant>, checker: Checker) -> Self {
        let current = RwLock::new(Arc::clone(&plant.boards));
        Self { folder, plant, checker, current, changing: Mutex::default() }
    }

    /// The boards in use.
    pub fn boards(&self) -> Arc<Boards> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The board `name` in its file.
    pub fn file(&self, name: &str) -> Result<Arc<BoardFile>, Error> {
        let boards = self.boards();
        boards.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = boards.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!("unknown board {name}: the plant has {known}");
            Error::new(StatusCode::NOT_FOUND, "unknown_board", message)
        })
    }

    pub fn plant(&self) -> &Plant {
        &self.plant
    }

    /// Reads the folder again. Of a file with a mistake, the board as it was before remains in use.
    ///
    /// # Errors
    /// A file cannot be read; then all boards remain as they were.
    pub fn reload(&self) -> anyhow::Result<()> {
        let mut found = self.plant.load_boards(self.folder.as_deref())?;
        let before = self.boards();
        for (name, file) in &mut found {
            keep_valid(file, before.get(name));
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
        Ok(())
    }

    /// A text as the board `name`, with all its mistakes.
    pub async fn check(&self, name: &str, text: &str) -> (BoardFile, Vec<Diagnostic>) {
        let file = self.plant.board_from(name, text);
        let mistakes = self.checker.mistakes(&file).await;
        (file, mistakes)
    }

    /// Waits until no other change is in progress.
    pub fn lock(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder; an error for a plant that is part of the program.
    pub fn folder(&self) -> Result<&Path, Error> {
        self.folder.as_deref().ok_or_else(|| {
            let message = "the boards of this plant are part of the program: start it with --plant FOLDER \
                           to change them (`cockpit init` makes a folder)";
            Error::new(StatusCode::CONFLICT, "not_editable", message)
        })
    }

    /// The text of a board as it is in its file; empty if there is none.
    pub fn text(&self, name: &str) -> Result<String, Error> {
        let Some(folder) = &self.folder else {
            return Ok(self.boards().get(name).map(|file| file.text.clone()).unwrap_or_default());
        };
        match std::fs::read_to_string(folder.join(boards::path(name))) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(Error::internal(error.into())),
        }
    }

    /// Writes the file of a board, or removes it if `text` is empty, and uses the boards from then on.
    pub fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.folder()?.join(boards::path(name));
        let written = (|| {
            if text.is_empty() {
                plant_file::remove(&path)?;
            } else {
                let folder = path.parent().context("the file has no folder")?;
                std::fs::create_dir_all(folder)?;
                plant_file::replace(&path, text)?;
            }
            self.reload()
        })();
        written.map_err(Error::internal)
    }
}

/// Keeps the board of the version before, if the new one has a mistake.
fn keep_valid(file: &mut Arc<BoardFile>, before: Option<&Arc<BoardFile>>) {
    if file.board.is_none()
        && let Some(board) = before.and_then(|before| before.board.clone())
    {
        *file = Arc::new(BoardFile { board: Some(board), ..BoardFile::clone(file) });
    }
}
