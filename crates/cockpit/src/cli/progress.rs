//! The progress bar of an ingest, on standard error, so that the output can be piped.

use super::print::counted;
use crate::flow::{Event, Watcher};
use indicatif::{ProgressBar, ProgressStyle};
use lake::dumps::Status;
use std::sync::Arc;

/// A watcher that draws a progress bar, and the bar, to be cleared at the end.
pub fn bar() -> (Watcher, ProgressBar) {
    let bar = ProgressBar::no_length();
    let style =
        ProgressStyle::with_template("{msg:<40!} [{bar:30}] {bytes}/{total_bytes} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    let drawn = bar.clone();
    let watcher: Watcher = Arc::new(move |event| match event {
        Event::Listed { dumps, bytes } => {
            drawn.set_length(bytes);
            drawn.set_message(format!("reading {}", counted(dumps, "dump")));
        }
        Event::Dump { file, bytes, status } => {
            drawn.inc(bytes);
            if matches!(status, Status::Unreadable | Status::Failed) {
                drawn.println(format!("cannot read {file}"));
            }
            drawn.set_message(file.rsplit('/').next().unwrap_or_default().to_owned());
        }
        Event::Refining => drawn.set_message("refining"),
    });
    (watcher, bar)
}

/// A watcher that draws nothing.
pub fn quiet() -> Watcher {
    Arc::new(|_event| {})
}
