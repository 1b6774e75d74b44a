//! Cleaning dumps: the records of one bronze table are typed and checked, and superseded ones left out.
//!
//! With a key the newest record of each key counts (`keyed.rs`), otherwise the newest dump (`whole.rs`).

use crate::bronze;
use crate::context::LakeContext;
use crate::delta::table::{Definition, State};
use crate::plan::Step;
use crate::refine::cleaning::{Cleaning, fingerprint};
use crate::refine::dump_reader::{Bronze, CleanedDumps};
use crate::refine::{Outcome, RefreshMode};
use crate::timing;
use batches::pointer::with_pointers;
use deltalake::kernel::Add;
use plant::contract::Contract;
use std::collections::BTreeMap;
use tracing::Instrument as _;

/// Brings one cleaned table up to date with its bronze table.
pub async fn run(
    context: &LakeContext,
    step: &Step,
    contract: &Contract,
    mode: RefreshMode,
) -> anyhow::Result<Outcome> {
    let untouched = Outcome::untouched(step.name());
    let lake = context.lake.as_ref();
    let source_name = bronze::name(contract);
    let Some(source_state) = lake.state(&source_name).await? else { return Ok(untouched) };
    let source = lake.table(&source_name)?;
    let table = lake.table(step.name())?;
    let state = lake.state(step.name()).await?;
    let fingerprint = fingerprint(step, contract, context);
    let upstream = source_name.to_string();
    let to = i64::try_from(source_state.version())?;
    let current = state.as_ref().filter(|_| mode == RefreshMode::Incremental);
    let current = current.filter(|it| it.fingerprint() == Some(fingerprint.as_str()));
    let since = match current {
        Some(state) => table.checkpoint(state, &upstream).await?,
        None => None,
    };
    if since == Some(to) {
        return Ok(untouched);
    }
    let new = match since {
        Some(since) => source.difference(since, &source_state).await?.map(|it| it.added),
        None => None,
    };
    let is_redefined = new.is_none();
    let cleaning = Cleaning::new(context, step, contract, &table)?;
    let bronze = Bronze { source: &source, state: &source_state, contract };
    let base = state.as_ref().filter(|_| !is_redefined);
    let cleaned = cleaning.clean_dumps(&bronze, new, base).await?;
    let CleanedDumps { mut change, rejects, repairs, is_everything } = cleaned;
    // The rejects are replaced first: if the process dies before the commit below, the same dumps are
    // cleaned again and replace them by the same rows.
    rejects.replace(is_everything).instrument(timing::part("rejected rows")).await?;
    let is_changed = is_redefined || !change.adds.is_empty() || !change.removes.is_empty();
    if is_everything {
        change.removes = state.as_ref().map(State::files).unwrap_or_default();
    }
    if is_redefined {
        change.definition = Some(Definition {
            schema: with_pointers(&step.schema, contract),
            description: step.model.description.clone(),
            fingerprint,
            partition: None,
        });
    }
    change.checkpoints = BTreeMap::from([(upstream, to)]);
    let committing = table.commit(state.as_ref(), change, lake.now_ms());
    let after = committing.instrument(timing::part("commit")).await?;
    lake.remember(step.name(), after).await;
    Ok(Outcome { is_changed, repairs, ..untouched })
}

impl<'a> Cleaning<'a> {
    /// What the bronze files `new` change in the table at `base`; without `new`, the table that all of
    /// bronze gives.
    async fn clean_dumps(
        &self,
        bronze: &Bronze<'_>,
        new: Option<Vec<Add>>,
        base: Option<&State>,
    ) -> anyhow::Result<CleanedDumps<'a>> {
        let lake = self.lake;
        if self.hasher.is_none() {
            let all = lake.all_landed(bronze.source, bronze.state.files()).await?;
            let new = match new {
                Some(files) => lake.landed(bronze.source, files).await?,
                None => all.clone(),
            };
            return self.newest_dump(bronze, all, &new, base).await;
        }
        if let (Some(new), Some(base)) = (new, base) {
            let parts = lake.landed(bronze.source, new).await?;
            if let Some(cleaned) = self.newest_records(bronze, parts, Some(base)).await? {
                return Ok(cleaned);
            }
            tracing::info!(table = %self.model.table, "records removed, reading all dumps again");
        }
        let parts = lake.all_landed(bronze.source, bronze.state.files()).await?;
        let cleaned = self.newest_records(bronze, parts, None).await?;
        cleaned.ok_or_else(|| {
            anyhow::anyhow!("{} cannot be determined from all of its dumps", self.model.table)
        })
    }
}
