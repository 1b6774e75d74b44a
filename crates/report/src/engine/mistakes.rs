//! Mistakes of templates as diagnostics of the plant folder.

use super::world::Files;
use crate::assets::modules;
use crate::error::Error;
use config::diagnostic::{Diagnostic, line_of};
use config::reports::{Definition, TEMPLATE};
use typst::diag::{SourceDiagnostic, SourceResult, Warned};
use typst::foundations::Output;
use typst::syntax::{DiagSpan, FileId};
use typst::{World as _, WorldExt as _};

/// The result of a compilation, or its mistakes.
pub fn finished<T: Output>(
    compiled: Warned<SourceResult<T>>,
    files: &Files,
    report: &Definition,
) -> Result<T, Error> {
    for warning in &compiled.warnings {
        let place = place(warning, files, report);
        tracing::debug!(file = place.0, line = place.1, message = %warning.message, "warning of a template");
    }
    compiled.output.map_err(|found| Error::Template(diagnostics(&found, files, report)))
}

/// Mistakes with file and line.
pub fn diagnostics(
    found: &[SourceDiagnostic],
    files: &Files,
    report: &Definition,
) -> Vec<Diagnostic> {
    let one = |found: &SourceDiagnostic| {
        let (file, line) = place(found, files, report);
        let hints: Vec<&str> = found.hints.iter().map(|hint| hint.v.as_str()).collect();
        let remedy = match hints.is_empty() {
            true => "Correct the template here.".to_owned(),
            false => hints.join("; "),
        };
        Diagnostic { file, line, message: found.message.to_string(), remedy }
    };
    found.iter().map(one).collect()
}

/// File below the plant folder, and line. A mistake in a shared module is reported where the template calls it.
fn place(found: &SourceDiagnostic, files: &Files, report: &Definition) -> (String, usize) {
    let calls = found.trace.iter().map(|point| DiagSpan::from(point.span));
    let spans = std::iter::once(found.span).chain(calls);
    let mut places = spans.filter_map(|span| line(span, files));
    let is_own = |(file, _): &(String, usize)| !modules().any(|(name, _)| name == file.as_str());
    let (file, line) = places.find(is_own).unwrap_or_else(|| (TEMPLATE.to_owned(), 1));
    (report.path(&file), line)
}

fn line(span: DiagSpan, files: &Files) -> Option<(String, usize)> {
    let id: FileId = span.id()?;
    let range = files.range(span)?;
    let text = files.file(id).ok()?;
    let line = line_of(text.as_str().ok()?, range.start);
    Some((id.get().vpath().get_without_slash().to_owned(), line))
}
