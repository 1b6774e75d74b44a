//! Spans around the parts of a run, so that a subscriber can measure what each costs. Without such a subscriber
//! they cost nothing.

use tracing::Span;

/// The target of the spans, and of the events with the bytes that a part writes (`written_bytes`).
pub const TARGET: &str = "timing";

/// A part of the work on the table of the enclosing span.
pub fn part(part: &'static str) -> Span {
    tracing::debug_span!(target: TARGET, "part", part)
}

/// A part of the work on a table.
pub fn part_of(part: &'static str, table: &dyn std::fmt::Display) -> Span {
    tracing::debug_span!(target: TARGET, "part", part, %table)
}
