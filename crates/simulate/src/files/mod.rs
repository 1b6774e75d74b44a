//! The simulated plant's dumps as files.
//!
//! *In*: the parts of dumps that [`plant::sim`] prints, day by day. *Out*: files in a folder or a
//! bucket; beside them, if asked for, the truth. *Promise*: files appear whole; memory holds a day of
//! a plant, however long it works.

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

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpSummary {
    pub files: u64,
    pub bytes: u64,
    /// Pieces of dirt by kind and the word for their fate.
    pub faults: BTreeMap<(FaultKind, &'static str), u64>,
}

/// Files that are still written to.
type Open = BTreeMap<(Dump, Option<i32>), File>;

/// Writes everything a press prints.
///
/// # Errors
/// Fails if a place cannot be written to; what was finished until then stays there.
pub async fn dumps(out: &Location, writer: &mut DumpWriter) -> anyhow::Result<DumpSummary> {
    let store = out.store();
    let mut summary = DumpSummary::default();
    let mut open = Open::new();
    while let Some(parts) = writer.next() {
        for part in parts {
            write(&store, &mut open, part, writer).await?;
        }
        let is_daily = |(_, day): &(Dump, Option<i32>)| day.is_some();
        let done = std::mem::take(&mut open).into_iter().partition(|(key, _)| is_daily(key));
        let (done, rest): (Open, Open) = done;
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
    open: &mut Open,
    part: Part,
    writer: &DumpWriter,
) -> anyhow::Result<()> {
    let key = part.dump.key(part.day);
    let file = match open.entry((part.dump, part.day)) {
        std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(File::new(store.clone(), &key, &part.content)?)
        }
    };
    file.append(&part.content, &writer.world).await.with_context(|| format!("writing {key}"))
}

async fn close(files: Open, summary: &mut DumpSummary) -> anyhow::Result<()> {
    for file in files.into_values() {
        summary.bytes += file.close().await?;
        summary.files += 1;
    }
    Ok(())
}

/// Writes the rows every gold table must hold, a file of JSON lines each; `books.jsonl`, what becomes
/// of the records for each silver table; and `dirt.jsonl`. Ages are counted to the day `as_of`.
///
/// # Errors
/// Fails if the place cannot be written to.
pub async fn truth(place: &Location, writer: &DumpWriter, as_of: i32) -> anyhow::Result<()> {
    let store = place.store();
    for (table, lines) in writer.truth.tables(&writer.world.site, as_of) {
        store.put(&Key::from(format!("{table}.jsonl")), lines.into_bytes().into()).await?;
    }
    let books: String = writer.balances.iter().map(|(dump, balance)| balance.line(*dump)).collect();
    store.put(&Key::from("books.jsonl"), books.into_bytes().into()).await?;
    let dirt: String = writer.injected.iter().map(InjectedFault::line).collect();
    store.put(&Key::from("dirt.jsonl"), dirt.into_bytes().into()).await?;
    Ok(())
}
