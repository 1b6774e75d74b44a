//! Sparkplug B: payloads of edge nodes and devices, and the births that define their metrics.
//!
//! *In*: topics and payloads in the order of their receipt. *Out*: one row of text fields for each metric. *Promise*: a
//! payload is read by itself and the [`BirthContext`] that was stored with it, so that it gives the same rows whenever
//! it is read again. Every metric has a row: a good one, or one with its fault. Bytes that are not a payload are an
//! error, never a panic.
//!
//! A birth defines the names, types and aliases of the metrics of an edge node or a device; data may then have the
//! alias alone. [`Births`] is what follows from the messages so far. For each message it returns what the reader of its
//! payload needs: the names and types of its metrics, a gap in the sequence of numbers, or the metrics that a death
//! ends.

mod births;
mod context;
mod payload;
mod rows;
mod types;

pub use births::{Births, ReceivedMessage};
pub use context::{BirthContext, HEADER};
pub use payload::{MetricValue, SparkplugMetric, SparkplugPayload};
pub use rows::{MetricRow, rows};

#[cfg(test)]
pub(crate) mod encoder;
#[cfg(test)]
mod tests;
