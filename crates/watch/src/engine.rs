//! The engine: evaluates what arrives, writes the transitions to the journal, and then publishes them.
//!
//! One thread does the three in turn. What arrives during a write gathers, and is written together by the
//! next: so the number of transactions does not grow with the number of events, and a transition is in the
//! journal some milliseconds after its reading arrived.

use crate::alarms::{AlarmLimits, Alarms, Counters, Shared};
use crate::error::Error;
use crate::evaluate::{Change, Evaluator};
use crate::inbox::{Inbox, NowUs, Request, Work};
use crate::journal::{self, Saved};
use crate::view::View;
use access::Database;
use plant::alarm::{AlarmKey, Rule};
use plant::equipment::Equipment;
use plant::reading::Registry;
use rusqlite::Transaction;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// The longest time between two evaluations of delays.
const TICK: Duration = Duration::from_millis(100);

/// Pause after a write that failed.
const RETRY: Duration = Duration::from_millis(500);

/// Queues the notifications of transitions, in the transaction that writes them. The last argument is the time
/// in microseconds since 1970 UTC.
pub type Planner =
    Box<dyn FnMut(&Transaction<'_>, &[Change], i64) -> Result<(), access::Error> + Send>;

/// What an engine needs to start.
pub struct Setup {
    pub database: Arc<Database>,
    pub rules: Vec<Arc<Rule>>,
    pub equipment: Arc<Equipment>,
    pub registry: Registry,
    pub limits: AlarmLimits,
}

/// Evaluates rules and writes the journal. There is at most one for a database.
pub struct Engine {
    evaluator: Evaluator,
    shared: Arc<Shared>,
    planner: Option<Planner>,
    last_hash: String,
    /// Transitions that are not in the journal yet.
    unwritten: Vec<Change>,
    replies: Vec<Reply>,
    objects: usize,
}

/// The response to a command, to be sent when it is in the journal.
struct Reply {
    to: SyncSender<Result<crate::Alarm, Error>>,
    with: Result<crate::Alarm, Error>,
}

impl Engine {
    /// Reads the journal and the saved states.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn open(setup: Setup) -> Result<(Self, Alarms), Error> {
        let Setup { database, rules, equipment, registry, limits } = setup;
        let (newest, last_hash) = database.read(journal::last)?;
        let saved = journal::saved(&database)?;
        let known = saved.iter().map(|it| described(it, &rules)).collect::<Vec<_>>();
        let evaluator = Evaluator::new(&rules, Arc::clone(&equipment), registry, saved, newest + 1);
        let shared = Arc::new(Shared {
            database,
            equipment,
            inbox: Inbox::new(limits.inbox_readings),
            view: RwLock::new(View::new(known.into_iter(), newest, limits.ring_events)),
            rules: RwLock::new(rules.into()),
            newest: watch::Sender::new(newest),
            counters: Counters::default(),
            problem: Mutex::default(),
            history: OnceLock::new(),
            limits,
        });
        let alarms = Alarms { shared: Arc::clone(&shared) };
        let engine = Self {
            evaluator,
            shared,
            planner: None,
            last_hash,
            unwritten: Vec::new(),
            replies: Vec::new(),
            objects: 0,
        };
        Ok((engine, alarms))
    }

    /// Queues notifications with `planner` for every transition.
    #[must_use]
    pub fn with_planner(mut self, planner: Planner) -> Self {
        self.planner = Some(planner);
        self
    }

    /// Works until [`Alarms::close`], on the current thread.
    pub fn run(mut self, now_us: &NowUs) {
        let mut patience = TICK;
        loop {
            let work = self.shared.inbox.take(patience, now_us);
            let is_closed = work.is_closed;
            let is_written = self.work(work, now_us);
            if is_closed {
                break;
            }
            patience = if is_written { TICK } else { RETRY };
        }
        if !self.unwritten.is_empty() {
            tracing::error!(events = self.unwritten.len(), "alarm events not written at the end");
        }
    }

    /// Evaluates and writes what waits; returns whether everything is in the journal. For tests and for
    /// [`Engine::run`].
    pub(crate) fn work(&mut self, work: Work, now_us: &NowUs) -> bool {
        let arrived_us = work.readings.front().map(|it| it.now_us);
        let is_paused = self.unwritten.len() >= self.shared.limits.unwritten_events;
        for arrived in work.readings {
            let count = arrived.readings.len() as u64;
            if is_paused {
                self.shared.counters.skipped_readings.fetch_add(count, Ordering::Relaxed);
                continue;
            }
            match arrived.is_live {
                true => self.evaluator.take(&arrived.readings, arrived.now_us),
                false => self.evaluator.restore(&arrived.readings, arrived.now_us),
            }
            self.shared.counters.readings.fetch_add(count, Ordering::Relaxed);
        }
        for request in work.requests {
            self.execute(request, work.now_us);
        }
        if !is_paused {
            self.evaluator.tick(work.now_us);
        }
        let engine_us = self.evaluator.engine_us(work.now_us);
        self.shared.counters.engine_us.store(engine_us, Ordering::Relaxed);
        self.unwritten.append(&mut self.evaluator.take_changes());
        self.write(now_us, arrived_us)
    }

    fn execute(&mut self, request: Request, now_us: i64) {
        match request {
            Request::Command { key, command, actor, reply } => {
                let with = self.evaluator.command(&key, &command, &actor, now_us);
                self.replies.push(Reply { to: reply, with });
            }
            Request::Observe(observation) => self.evaluator.observe(&observation, now_us),
            Request::Suppress { rule, places } => self.evaluator.suppress(&rule, places, now_us),
            Request::Observing(is_observing) => {
                self.evaluator.set_observing(is_observing, now_us);
            }
            Request::Reload { rules, actor, comment } => {
                let origin = (actor.as_deref(), comment.as_deref());
                self.evaluator.reload(&rules, origin, now_us);
                self.objects = 0;
            }
        }
    }

    /// Writes transitions, publishes them, and responds to their commands.
    fn write(&mut self, now_us: &NowUs, arrived_us: Option<i64>) -> bool {
        let counters = &self.shared.counters;
        counters.unwritten_events.store(self.unwritten.len() as u64, Ordering::Relaxed);
        if !self.unwritten.is_empty() {
            if let Err(error) = self.commit(now_us()) {
                return self.write_failed(&error);
            }
            let changes = std::mem::take(&mut self.unwritten);
            let counters = &self.shared.counters;
            counters.events.fetch_add(changes.len() as u64, Ordering::Relaxed);
            counters.unwritten_events.store(0, Ordering::Relaxed);
            if let Some(arrived_us) = arrived_us {
                counters.journal_lag_us.store(now_us() - arrived_us, Ordering::Relaxed);
            }
            self.publish(changes);
        }
        self.publish_objects();
        for Reply { to, with } in self.replies.drain(..) {
            // The caller may have given up.
            to.send(with).ok();
        }
        true
    }

    fn commit(&mut self, now_us: i64) -> Result<(), access::Error> {
        let events: Vec<_> = self.unwritten.iter().map(|change| change.event.clone()).collect();
        let states = last_states(&self.unwritten);
        let (changes, planner) = (&self.unwritten, &mut self.planner);
        let prev = self.last_hash.clone();
        self.last_hash = self.shared.database.write(|tx| {
            let hash = journal::append(tx, &events, prev, now_us)?;
            journal::save(tx, &states)?;
            if let Some(planner) = planner {
                planner(tx, changes, now_us)?;
            }
            Ok(hash)
        })?;
        Ok(())
    }

    fn write_failed(&self, error: &access::Error) -> bool {
        let text = format!("the alarm journal cannot be written: {error}");
        if self.shared.counters.failed_writes.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!(error = error.to_string(), "alarm journal not written");
        }
        self.shared.set_problem(Some(text));
        false
    }

    fn publish(&self, changes: Vec<Change>) {
        let mut view = self.shared.view.write().unwrap_or_else(PoisonError::into_inner);
        view.publish(changes);
        let newest = view.newest();
        drop(view);
        self.shared.set_problem(None);
        self.shared.newest.send_replace(newest);
    }

    /// Publishes the number of alarms of each rule when there are new ones.
    fn publish_objects(&mut self) {
        let count = self.evaluator.len();
        if count != self.objects {
            self.objects = count;
            let objects = self.evaluator.objects();
            self.shared.view.write().unwrap_or_else(PoisonError::into_inner).objects = objects;
        }
    }
}

/// The alarm with the texts of its rule.
fn described(saved: &Saved, rules: &[Arc<Rule>]) -> crate::Alarm {
    let mut alarm = saved.alarm.clone();
    if let Some(rule) = rules.iter().find(|rule| rule.name == alarm.key.rule) {
        alarm.describe(rule);
    }
    alarm
}

/// The last state of each alarm.
fn last_states(changes: &[Change]) -> Vec<Saved> {
    let mut last: HashMap<&AlarmKey, &Saved> = HashMap::new();
    for change in changes {
        last.insert(&change.event.key, &change.saved);
    }
    last.into_values().cloned().collect()
}
