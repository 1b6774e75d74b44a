//! The boards of a plant folder, which can be read again while the program runs.

use super::{BOARDS, Plant, Texts, read_folder};
use crate::boards::{self, BoardFile, Boards};
use std::path::Path;

impl Plant {
    /// Reads one board for this plant.
    pub fn board_from(&self, name: &str, text: &str) -> BoardFile {
        boards::read_text(name, text, &self.kpis)
    }

    /// Reads the boards of this plant's folder again, or those of the reference plant if there is no folder.
    ///
    /// # Errors
    /// A file cannot be read. A missing folder has no boards.
    pub fn load_boards(&self, folder: Option<&Path>) -> anyhow::Result<Boards> {
        let Some(folder) = folder else {
            return Ok(boards::read(&super::texts(None)?, &self.kpis));
        };
        let mut texts = Texts::new();
        read_folder(folder, BOARDS.0, BOARDS.1, &mut texts)?;
        Ok(boards::read(&texts, &self.kpis))
    }
}
