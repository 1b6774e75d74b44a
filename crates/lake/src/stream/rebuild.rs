//! Rebuilding the silver table of a stream from bronze.

use crate::context::LakeContext;
use crate::delta::stats::landing_order;
use crate::delta::table::State;
use crate::offsets::{Offsets, advance, last_offsets};
use crate::plan::Step;
use crate::rejected;
use crate::stream::bronze_messages::messages;
use crate::stream::interpret::Interpreter;
use crate::stream::retained::RetainedRows;
use crate::stream::sink::Sink;
use futures::TryStreamExt as _;
use plant::contract::Contract;

/// Rebuilds the silver table of a stream from bronze, together with its rejected rows. Rows whose messages
/// have expired stay, and rows that have expired are not restored.
pub async fn rebuild(
    context: &LakeContext,
    step: &Step,
    contract: &Contract,
) -> anyhow::Result<()> {
    let lake = context.lake.as_ref();
    let mut bronze = Sink::bronze(lake, contract)?;
    bronze.reload(lake).await?;
    let Some(state) = bronze.state.clone() else { return Ok(()) };
    let mut silver = Sink::silver(context, step, contract)?;
    silver.reload(lake).await?;
    let replaced = silver.state.as_ref().map(State::files).unwrap_or_default();
    let table = lake.table(step.name())?;
    let mut interpreter = Interpreter::new(context, step, contract, &table)?;
    let (source, existing) = ((&bronze.table, &state), (&table, silver.state.as_ref()));
    let mut retained = RetainedRows::load(lake, source, existing, silver.time.clone()).await?;
    retained.copy(lake, &mut silver, replaced.clone(), &mut interpreter).await?;
    let (mut offsets, mut rejected) = (Offsets::new(), Vec::new());
    let mut files = state.files();
    // Duplicates are detected in the order in which the messages landed.
    files.sort_by_key(landing_order);
    for file in &files {
        let mut stream = bronze.table.read(file, None, lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            for messages in messages(&batch)? {
                let pointers = interpreter.pointers(&messages);
                let fields = (context.read)(contract, &messages).await?;
                let interpreted = interpreter.interpret(&messages, &pointers, fields)?;
                let interpreted = retained.select_rewritten(&messages, interpreted)?;
                silver.write(lake, &interpreted.rows).await?;
                rejected.push(interpreted.rejected);
                for (partition, offset) in last_offsets(&messages) {
                    advance(&mut offsets, partition, offset);
                }
            }
        }
    }
    rejected.retain(|rows| rows.num_rows() > 0);
    let rewritten = retained.into_rewritten();
    let name = step.name();
    rejected::replace_messages(lake, name, rejected, &offsets, rewritten.as_ref()).await?;
    silver.commit_rebuilt(lake, &offsets, replaced).await
}
