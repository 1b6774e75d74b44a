//! Corrections: a later version of a table changes a figure of an issued report.

use super::error::IssueError;
use super::issuer::{Correction, DATA_FORMAT, Issuer};
use super::record::{Delivery, FileSummary, IssuedReport, NewDelivery};
use super::{queue, store};
use crate::differences::differences;
use crate::source::Versions;
use config::reports::Format;
use config::settings::IssueLimits;
use serde_json::Value;

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;

/// Issues a correction of every report whose figures changed. Returns the numbers of the new reports.
///
/// # Errors
/// The database fails. A report that cannot be made is logged and tried again.
pub(super) async fn correct_all(
    issuer: &Issuer,
    limits: &IssueLimits,
    now_us: i64,
) -> Result<Vec<i64>, IssueError> {
    let days = i64::try_from(limits.report_correctable_days).unwrap_or(i64::MAX);
    let since_us = now_us.saturating_sub(days.saturating_mul(DAY_US));
    let pause_s = i64::try_from(limits.report_correction_pause_s).unwrap_or(i64::MAX);
    let until_us = now_us.saturating_sub(pause_s.saturating_mul(SECOND_US));
    let open = issuer.read(move |tx| store::correctable(tx, since_us)).await?;
    let mut corrected = Vec::new();
    for issued in open.into_iter().filter(|issued| issued.issued_at_us <= until_us) {
        match correct(issuer, &issued, now_us).await {
            Ok(id) => corrected.extend(id),
            Err(error) => {
                let (report, id) = (&issued.report, issued.id);
                tracing::warn!(report, id, %error, "an issued report was not compared");
            }
        }
    }
    Ok(corrected)
}

/// Compares an issued report with the newest versions of its tables, and issues a correction if a figure differs.
async fn correct(
    issuer: &Issuer,
    issued: &IssuedReport,
    now_us: i64,
) -> Result<Option<i64>, IssueError> {
    // A report that was removed from the plant is not corrected.
    let Ok(report) = issuer.report(&issued.report).cloned() else { return Ok(None) };
    let newest = issuer.versions(&report).await?;
    if is_same(&newest, &issued.compared_versions) {
        return Ok(None);
    }
    let data = issuer.read_again(&report, issued, now_us, false).await?;
    let id = issued.id;
    let (stored, deliveries) = issuer
        .read(move |tx| Ok((store::file(tx, id, DATA_FORMAT)?, queue::list(tx, id)?)))
        .await?;
    let before: Value = serde_json::from_slice(&stored.bytes).map_err(anyhow::Error::new)?;
    let after = issuer.engine().json(&report, &data);
    let found = differences(&before["queries"], &after["queries"]);
    if found.is_empty() {
        let versions = data.versions;
        issuer.write(move |tx| store::mark_compared(tx, id, &versions)).await?;
        return Ok(None);
    }
    let correction = Correction {
        corrects: id,
        differences: found,
        formats: issued.files.iter().filter_map(format).collect(),
        deliveries: deliveries.into_iter().map(|it| again(it, now_us)).collect(),
    };
    let count = correction.differences.len();
    let new = issuer.issue_correction(report, data, correction).await?;
    if let Some(new) = new {
        let report = &issued.report;
        tracing::info!(report, corrects = id, id = new, differences = count, "report corrected");
    }
    Ok(new)
}

/// Whether no table has another version than it was compared with.
fn is_same(newest: &Versions, compared: &Versions) -> bool {
    let version = |versions: &Versions, table: &String| versions.get(table).map(|it| it.version);
    newest.len() == compared.len()
        && newest.iter().all(|(table, it)| version(compared, table) == Some(it.version))
}

fn format(file: &FileSummary) -> Option<Format> {
    Format::from_name(&file.format)
}

/// The same delivery of another report.
fn again(delivery: Delivery, now_us: i64) -> NewDelivery {
    NewDelivery { due_at_us: now_us, ..delivery.content }
}
