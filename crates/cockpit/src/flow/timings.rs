//! What the parts of a run cost: CPU time, time and written bytes, by the spans of the lake.
//!
//! The CPU time of a thread is read whenever a span is entered or left, so tasks that change their thread are
//! measured, too. Statements run in tasks of the query engine; these are attributed to the span that started them.

use datafusion::common::runtime::{JoinSetTracer, set_join_set_tracer};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lake::timing::TARGET;
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Instrument as _, Metadata, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The costs of the parts of a run, by part and table.
#[derive(Debug, Clone, Default)]
pub struct Timings(Arc<Mutex<BTreeMap<PartName, Arc<Counters>>>>);

/// A part, and the table it works on; the table is empty for parts that work on all.
type PartName = (String, String);

#[derive(Debug, Default)]
struct Counters {
    cpu_ns: AtomicU64,
    wall_ns: AtomicU64,
    written_bytes: AtomicU64,
}

/// What a part cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartCost {
    pub part: String,
    pub table: String,
    pub cpu_ns: u64,
    /// Time between its begin and its end; parts can run at the same time.
    pub wall_ns: u64,
    /// Size of the data files that it wrote.
    pub written_bytes: u64,
}

thread_local! {
    /// The parts that the thread has entered, the innermost last, and its CPU time at the last change.
    static ENTERED: RefCell<(Vec<Arc<Counters>>, u64)> = const { RefCell::new((Vec::new(), 0)) };
}

/// What a span carries.
struct Open {
    table: String,
    counters: Arc<Counters>,
    since: Instant,
}

impl Timings {
    /// Measures parts from now on, also in the tasks of the query engine.
    ///
    /// # Errors
    /// Fails if the process has measured before.
    pub fn start() -> anyhow::Result<Self> {
        set_join_set_tracer(&InSpan)?;
        Ok(Self::default())
    }

    /// Whether a span or an event is measured.
    pub fn is_measured(metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    /// The costs so far, the most CPU time first.
    pub fn costs(&self) -> Vec<PartCost> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = |((part, table), counters): (&PartName, &Arc<Counters>)| PartCost {
            part: part.clone(),
            table: table.clone(),
            cpu_ns: counters.cpu_ns.load(Ordering::Relaxed),
            wall_ns: counters.wall_ns.load(Ordering::Relaxed),
            written_bytes: counters.written_bytes.load(Ordering::Relaxed),
        };
        let mut costs: Vec<PartCost> = parts.iter().map(cost).collect();
        costs.sort_by_key(|cost| std::cmp::Reverse(cost.cpu_ns));
        costs
    }

    fn counters(&self, part: &str, table: &str) -> Arc<Counters> {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.entry((part.to_owned(), table.to_owned())).or_default().clone()
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Timings {
    #[expect(clippy::disallowed_methods, reason = "the wiring reads the clock for all layers")]
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let inherited = || {
            let parent = span.parent()?;
            parent.extensions().get::<Open>().map(|open| open.table.clone())
        };
        let table = fields.table.or_else(inherited).unwrap_or_default();
        let counters = self.counters(&fields.part, &table);
        span.extensions_mut().insert(Open { table, counters, since: Instant::now() });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let counters = context
            .span(id)
            .and_then(|span| span.extensions().get::<Open>().map(|open| open.counters.clone()));
        let Some(counters) = counters else { return };
        ENTERED.with_borrow_mut(|(entered, since)| {
            settle(entered, since);
            entered.push(counters);
        });
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let is_measured =
            context.span(id).is_some_and(|span| span.extensions().get::<Open>().is_some());
        if is_measured {
            ENTERED.with_borrow_mut(|(entered, since)| {
                settle(entered, since);
                entered.pop();
            });
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(open) = span.extensions().get::<Open>() {
            let wall_ns = u64::try_from(open.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
            open.counters.wall_ns.fetch_add(wall_ns, Ordering::Relaxed);
        }
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        ENTERED.with_borrow(|(entered, _)| {
            if let Some(innermost) = entered.last() {
                innermost.written_bytes.fetch_add(fields.written_bytes, Ordering::Relaxed);
            }
        });
    }
}

/// Adds the CPU time of the thread since the last change to its innermost part.
fn settle(entered: &[Arc<Counters>], since: &mut u64) {
    let now = cpu_ns(libc::CLOCK_THREAD_CPUTIME_ID);
    if let Some(innermost) = entered.last() {
        innermost.cpu_ns.fetch_add(now.saturating_sub(*since), Ordering::Relaxed);
    }
    *since = now;
}

/// The CPU time of the process, in nanoseconds.
pub fn process_cpu_ns() -> u64 {
    cpu_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn cpu_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the interface of the system; it writes two numbers")]
    // SAFETY: the pointer is to a timespec that lives until the call returns.
    let is_read = unsafe { libc::clock_gettime(clock, &raw mut time) } == 0;
    if !is_read {
        return 0;
    }
    let (seconds, nanos) = (time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned());
    seconds * 1_000_000_000 + nanos
}

/// The fields of spans and events that are measured.
#[derive(Default)]
struct Fields {
    part: String,
    table: Option<String>,
    written_bytes: u64,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "part" {
            value.clone_into(&mut self.part);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "written_bytes" {
            self.written_bytes = u64::try_from(value).unwrap_or(0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "table" {
            self.table = Some(format!("{value:?}"));
        }
    }
}

/// Runs the tasks of the query engine in the span that starts them.
struct InSpan;

type Erased = Box<dyn Any + Send>;

impl JoinSetTracer for InSpan {
    fn trace_future(&self, future: BoxFuture<'static, Erased>) -> BoxFuture<'static, Erased> {
        future.in_current_span().boxed()
    }

    fn trace_block(
        &self,
        work: Box<dyn FnOnce() -> Erased + Send>,
    ) -> Box<dyn FnOnce() -> Erased + Send> {
        let span = Span::current();
        Box::new(move || span.in_scope(work))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::timing::{part, part_of};
    use tracing_subscriber::layer::SubscriberExt as _;

    /// Computes until this thread has used the CPU time, in nanoseconds.
    fn compute_until(end: u64) {
        while cpu_ns(libc::CLOCK_THREAD_CPUTIME_ID) < end {}
    }

    #[test]
    fn cpu_time_and_bytes_belong_to_the_innermost_part() {
        let timings = Timings::default();
        let subscriber = tracing_subscriber::registry().with(timings.clone());
        tracing::subscriber::with_default(subscriber, || {
            part_of("outer", &"silver.board").in_scope(|| {
                part("inner").in_scope(|| {
                    let begin = cpu_ns(libc::CLOCK_THREAD_CPUTIME_ID);
                    compute_until(begin + 2_000_000);
                    tracing::trace!(target: TARGET, written_bytes = 7_i64, "data file written");
                });
            });
        });
        let costs = timings.costs();
        let names: Vec<_> =
            costs.iter().map(|cost| (cost.part.as_str(), cost.table.as_str())).collect();
        assert_eq!(names, [("inner", "silver.board"), ("outer", "silver.board")]);
        assert!(costs[0].cpu_ns >= 2_000_000 && costs[0].wall_ns >= 2_000_000, "{costs:?}");
        assert!(costs[1].cpu_ns < costs[0].cpu_ns && costs[1].wall_ns >= costs[0].wall_ns);
        assert_eq!((costs[0].written_bytes, costs[1].written_bytes), (7, 0));
    }
}
