//! Files of the plant folder that pages change.

use anyhow::Context as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Replaces a file, whose folder exists: after a crash, it has the old text or the new one.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let temporary = path.with_extension("toml.new");
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        if let Ok(current) = std::fs::metadata(path) {
            file.set_permissions(current.permissions())?;
        }
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        sync_folder(path)
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Removes a file durably.
pub fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = std::fs::remove_file(path).and_then(|()| sync_folder(path));
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
