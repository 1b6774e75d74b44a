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
use plant::sim::dirt::{Kind, Spot};
use plant::sim::dump::Dump;
use plant::sim::press::{Part, Press};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub files: u64,
    pub bytes: u64,
    /// Pieces of dirt by kind and the word for their fate.
    pub dirt: BTreeMap<(Kind, &'static str), u64>,
}

/// Files that are still written to.
type Open = BTreeMap<(Dump, Option<i32>), File>;

/// Writes everything a press prints.
///
/// # Errors
/// Fails if a place cannot be written to; what was finished until then stays there.
pub async fn dumps(out: &Location, press: &mut Press) -> anyhow::Result<Summary> {
    let store = out.store();
    let mut summary = Summary::default();
    let mut open = Open::new();
    while let Some(parts) = press.next() {
        for part in parts {
            write(&store, &mut open, part, press).await?;
        }
        let is_daily = |(_, day): &(Dump, Option<i32>)| day.is_some();
        let done = std::mem::take(&mut open).into_iter().partition(|(key, _)| is_daily(key));
        let (done, rest): (Open, Open) = done;
        open = rest;
        close(done, &mut summary).await?;
    }
    close(open, &mut summary).await?;
    for Spot { kind, fate, .. } in &press.log {
        *summary.dirt.entry((*kind, fate.word())).or_default() += 1;
    }
    Ok(summary)
}

async fn write(
    store: &Arc<dyn ObjectStore>,
    open: &mut Open,
    part: Part,
    press: &Press,
) -> anyhow::Result<()> {
    let key = part.dump.key(part.day);
    let file = match open.entry((part.dump, part.day)) {
        std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(File::new(store.clone(), &key, &part.body)?)
        }
    };
    file.append(&part.body, &press.world).await.with_context(|| format!("writing {key}"))
}

async fn close(files: Open, summary: &mut Summary) -> anyhow::Result<()> {
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
pub async fn truth(place: &Location, press: &Press, as_of: i32) -> anyhow::Result<()> {
    let store = place.store();
    for (table, lines) in press.truth.tables(&press.world.site, as_of) {
        store.put(&Key::from(format!("{table}.jsonl")), lines.into_bytes().into()).await?;
    }
    let books: String = press.books.iter().map(|(dump, book)| book.line(*dump)).collect();
    store.put(&Key::from("books.jsonl"), books.into_bytes().into()).await?;
    let dirt: String = press.log.iter().map(Spot::line).collect();
    store.put(&Key::from("dirt.jsonl"), dirt.into_bytes().into()).await?;
    Ok(())
}
