//! Reading the messages of a stream again, for what the source of new ones needs of them.

use crate::context::LakeContext;
use crate::delta::stats::landing_order;
use crate::stream::bronze_messages::{may_have_after, messages};
use crate::stream::sink::Sink;
use batches::batch::Messages;
use futures::TryStreamExt as _;
use plant::contract::Contract;

/// Passes the messages of a log with offsets after `after` to `take`, in the order in which they landed. Batches may
/// begin with messages up to that offset.
///
/// # Errors
/// Fails if bronze cannot be read.
pub async fn replay(
    context: &LakeContext,
    contract: &Contract,
    (log, after): (&str, i64),
    mut take: impl FnMut(&Messages),
) -> anyhow::Result<()> {
    let lake = context.lake.as_ref();
    let mut bronze = Sink::bronze(lake, contract)?;
    bronze.reload(lake).await?;
    let Some(state) = &bronze.state else { return Ok(()) };
    let mut files = state.files();
    files.retain(|file| may_have_after(file, after));
    files.sort_by_key(landing_order);
    for file in &files {
        let mut stream = bronze.table.read(file, None, lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let found = messages(&batch)?;
            found.iter().filter(|messages| &*messages.topic == log).for_each(&mut take);
        }
    }
    Ok(())
}
