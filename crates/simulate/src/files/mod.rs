//! Writes the simulated dumps to files.
//!
//! *In*: the parts of dumps from [`plant::sim`], day by day. *Out*: files in a folder or bucket,
//! and optionally the ground truth. *Promise*: files become visible when they are complete; memory
//! holds one day of the plant, however many days are simulated.

mod columns;
mod file;
mod stages;

use anyhow::Context as _;
use config::location::Location;
use file::File;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use plant::sim::dump::Dump;
use plant::sim::dump_writer::{DumpWriter, Part};
use plant::sim::faults::{FaultKind, InjectedFault};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Counts of what was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpSummary {
    pub files: u64,
    pub bytes: u64,
    /// Injected faults by kind and outcome.
    pub faults: BTreeMap<(FaultKind, &'static str), u64>,
}

/// Files that are not closed yet.
type OpenFiles = BTreeMap<(Dump, Option<i32>), File>;

/// Writes all dumps.
///
/// # Errors
///
/// Fails if the location is not writable; files closed before remain.
pub async fn dumps(out: &Location, writer: &mut DumpWriter) -> anyhow::Result<DumpSummary> {
    let store = out.store();
    let mut summary = DumpSummary::default();
    let mut open = OpenFiles::new();
    while let Some(parts) = writer.next() {
        for part in parts {
            write(&store, &mut open, part, writer).await?;
        }
        let is_daily = |(_, day): &(Dump, Option<i32>)| day.is_some();
        let done = std::mem::take(&mut open).into_iter().partition(|(key, _)| is_daily(key));
        let (done, rest): (OpenFiles, OpenFiles) = done;
        open = rest;
        close(done, &mut summary).await?;
    }
    close(open, &mut summary).await?;
    for InjectedFault { kind, outcome, .. } in &writer.injected {
        *summary.faults.entry((*kind, outcome.as_str())).or_default() += 1;
    }
    Ok(summary)
}

async fn write(
    store: &Arc<dyn ObjectStore>,
    open: &mut OpenFiles,
    part: Part,
    writer: &DumpWriter,
) -> anyhow::Result<()> {
    let key = part.dump.key(part.day);
    let file = match open.entry((part.dump, part.day)) {
        std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
        std::collections::btree_map::Entry::Vacant(location) => {
            location.insert(File::new(store.clone(), &key, &part.content)?)
        }
    };
    file.append(&part.content, &writer.world).await.with_context(|| format!("writing {key}"))
}

async fn close(files: OpenFiles, summary: &mut DumpSummary) -> anyhow::Result<()> {
    for file in files.into_values() {
        summary.bytes += file.close().await?;
        summary.files += 1;
    }
    Ok(())
}

/// Writes the expected rows of each gold table as a file of JSON lines; `books.jsonl`, the expected
/// row balance of each silver table; and `dirt.jsonl`, the injected faults. Ages are computed for
/// the day `as_of`.
///
/// # Errors
///
/// Fails if the location is not writable.
pub async fn truth(location: &Location, writer: &DumpWriter, as_of: i32) -> anyhow::Result<()> {
    let store = location.store();
    for (table, lines) in writer.truth.tables(&writer.world.site, as_of) {
        store.put(&Key::from(format!("{table}.jsonl")), lines.into_bytes().into()).await?;
    }
    let books: String = writer.balances.iter().map(|(dump, balance)| balance.line(*dump)).collect();
    store.put(&Key::from("books.jsonl"), books.into_bytes().into()).await?;
    let dirt: String = writer.injected.iter().map(InjectedFault::line).collect();
    store.put(&Key::from("dirt.jsonl"), dirt.into_bytes().into()).await?;
    Ok(())
}
