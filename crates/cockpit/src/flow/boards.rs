//! Boards that are edited while the program runs.

use super::Flow;
use config::boards;
use lake::plan::boards::Checker;
use live::Live;
use serve::http::{BOARDS_CHANGED, BoardStore};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// Name, size and time of the last change of each file.
type Stamps = Vec<(String, u64, Option<SystemTime>)>;

impl Flow {
    /// The boards of the plant. Their mistakes are logged.
    pub(super) fn open_boards(&self) -> anyhow::Result<Arc<BoardStore>> {
        let plant = Arc::clone(&self.refinery.plant);
        for mistake in plant.boards.values().flat_map(|file| &file.problems) {
            tracing::warn!(mistake = mistake.to_string(), "mistake in a board");
        }
        let checker = Checker::new(&self.refinery.steps)?;
        Ok(Arc::new(BoardStore::new(self.plant_folder.clone(), plant, checker)))
    }

    /// Reads the boards again whenever a file changes, until `stop`, and announces that to viewers.
    pub(super) async fn reload_boards(
        &self,
        store: &Arc<BoardStore>,
        live: &Live,
        stop: &CancellationToken,
    ) {
        let Some(folder) = self.plant_folder.as_deref() else { return stop.cancelled().await };
        let every = Duration::from_millis(self.lake().limits().board.board_reload_ms);
        let mut seen = stamps(folder);
        let mut changes = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            let found = stamps(folder);
            if found == seen {
                continue;
            }
            seen = found;
            let kept = Arc::clone(store);
            match tokio::task::spawn_blocking(move || kept.reload()).await {
                Ok(Ok(())) => {
                    changes += 1;
                    live.table_changed(BOARDS_CHANGED, changes);
                    tracing::info!(boards = store.boards().len(), "boards reloaded");
                }
                Ok(Err(error)) => {
                    tracing::warn!(error = format!("{error:#}"), "boards not reloaded");
                }
                Err(_cancelled) => return,
            }
        }
    }
}

fn stamps(folder: &Path) -> Stamps {
    let entries = std::fs::read_dir(folder.join(boards::FOLDER)).into_iter().flatten().flatten();
    let stamp = |entry: std::fs::DirEntry| {
        let found = entry.metadata().ok()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_board = name.ends_with(boards::ENDING);
        is_board.then(|| (name, found.len(), found.modified().ok()))
    };
    let mut stamps: Stamps = entries.filter_map(stamp).collect();
    stamps.sort();
    stamps
}
