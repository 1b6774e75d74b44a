//! Times that a clock shows twice, dated by the order of the records in their dump.

use super::clean::{Dump, dumps};
use super::cleaning::{Cleaned, Cleaning};
use crate::lake::table::Table;
use crate::lake::typed::{Nearby, Passes};
use anyhow::Context as _;
use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::hash::{BuildHasher as _, Hasher as _};

/// How many dumps before one are read for the first pass of its times. The two passes of an hour are
/// exported one after the other, by a few hundred machines at most.
const OLDER_DUMPS: usize = 256;

fn first_path(parts: &[Add]) -> Option<&String> {
    parts.first().map(|part| &part.path)
}

impl Cleaning<'_> {
    /// Cleans one bronze batch of the dump that these files hold. If it has times that the clock
    /// shows twice, the whole dump is looked through, once.
    pub(super) async fn clean_of_dump(
        &self,
        batch: &RecordBatch,
        source: &Table,
        parts: &[Add],
        passes: &mut Option<Passes>,
    ) -> anyhow::Result<Cleaned> {
        let cleaned = self.clean_in_order(batch, passes.as_ref())?;
        if !cleaned.needs_passes {
            return Ok(cleaned);
        }
        *passes = Some(self.passes(source, parts).await?);
        self.clean_in_order(batch, passes.as_ref())
    }

    /// What the order of a dump's records shows. Where it shows nothing, the dumps before it may
    /// have the same times already.
    async fn passes(&self, source: &Table, parts: &[Add]) -> anyhow::Result<Passes> {
        let mut passes = self.passes_alone(source, parts).await?;
        let state = self.lake.state(&source.name).await?;
        let Some(state) = state.filter(|_| passes.has_open()) else { return Ok(passes) };
        let dumps = dumps(source, state.files()).await?;
        let is_own = |dump: &Dump| first_path(&dump.parts) == first_path(parts);
        let Some(own) = dumps.iter().position(is_own) else { return Ok(passes) };
        let older = dumps[own + 1..].iter().filter(|dump| dump.file != dumps[own].file);
        for dump in older.take(OLDER_DUMPS) {
            if !passes.has_open() {
                break;
            }
            passes.follow(&self.passes_alone(source, &dump.parts).await?);
        }
        Ok(passes)
    }

    async fn passes_alone(&self, source: &Table, parts: &[Add]) -> anyhow::Result<Passes> {
        let mut nearby = Nearby::default();
        for part in parts {
            let mut stream = self.read_bronze(source, part).await?;
            while let Some(batch) = stream.try_next().await? {
                self.stage.look_around(&batch, &self.groups(&batch)?, &mut nearby)?;
            }
        }
        Ok(nearby.passes(|column| self.key_columns.iter().any(|it| it == column)))
    }

    /// What each row is about, as a hash of the key's texts but for times.
    fn groups(&self, bronze: &RecordBatch) -> anyhow::Result<Vec<u64>> {
        let mut groups = vec![0; bronze.num_rows()];
        let hashing = foldhash::quality::FixedState::with_seed(3);
        for name in self.key_columns.iter().filter(|name| !self.stage.is_time(name)) {
            let column = bronze.column_by_name(name);
            let texts =
                cast(column.with_context(|| format!("no column {name}"))?, &DataType::Utf8)?;
            for (group, text) in groups.iter_mut().zip(texts.as_string::<i32>()) {
                let mut hasher = hashing.build_hasher();
                hasher.write_u64(*group);
                hasher.write(text.unwrap_or_default().as_bytes());
                *group = hasher.finish();
            }
        }
        Ok(groups)
    }
}
