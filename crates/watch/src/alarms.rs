//! The alarms of the plant as other parts of the program use them.

use crate::alarm::{Alarm, Counts, Filter};
use crate::backtest::{self, BacktestReport, BacktestRequest, History};
use crate::command::{Actor, Command};
use crate::error::Error;
use crate::evaluate::{Observation, SuppressedPlace, place_of};
use crate::inbox::{Inbox, Request};
use crate::journal::{self, JournalQuery};
use crate::view::View;
use access::Database;
use plant::alarm::{AlarmEvent, AlarmKey, Priority, Rule};
use plant::equipment::Equipment;
use plant::reading::Reading;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// Time a command may take until it is in the journal. Longer means that the disk does not respond.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// Limits of the alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlarmLimits {
    /// Readings that wait for their evaluation before the reading of the stream waits.
    pub inbox_readings: usize,
    /// Events in memory for viewers; older ones are read from the journal.
    pub ring_events: usize,
    /// Transitions that wait while the journal cannot be written, before evaluation pauses.
    pub unwritten_events: usize,
}

impl Default for AlarmLimits {
    fn default() -> Self {
        Self { inbox_readings: 1_000_000, ring_events: 10_000, unwritten_events: 100_000 }
    }
}

/// Counters since the start, and the state of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlarmHealth {
    /// Whether conditions are evaluated in this process.
    pub is_running: bool,
    /// Why alarms are not managed, or the journal cannot be written.
    pub problem: Option<String>,
    /// Transitions written to the journal.
    pub events: u64,
    /// Readings evaluated.
    pub readings: u64,
    /// Readings that were not evaluated because the journal could not be written.
    pub skipped_readings: u64,
    /// Readings that wait for their evaluation.
    pub waiting_readings: usize,
    /// Transitions that are not in the journal yet.
    pub unwritten_events: u64,
    /// Time from the arrival of a reading to its transition in the journal, of the last one.
    pub journal_lag_us: i64,
    /// Transactions of the journal that failed.
    pub failed_writes: u64,
}

/// Counters that the engine updates.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub events: AtomicU64,
    pub readings: AtomicU64,
    pub skipped_readings: AtomicU64,
    pub unwritten_events: AtomicU64,
    pub journal_lag_us: AtomicI64,
    pub failed_writes: AtomicU64,
    /// Engine time of the last evaluation; 0 before the first one.
    pub engine_us: AtomicI64,
}

/// What the engine and its users share.
pub(crate) struct Shared {
    pub database: Arc<Database>,
    pub equipment: Arc<Equipment>,
    pub inbox: Inbox,
    pub view: RwLock<View>,
    pub rules: RwLock<Arc<[Arc<Rule>]>>,
    pub newest: watch::Sender<i64>,
    pub counters: Counters,
    pub problem: Mutex<Option<String>>,
    pub history: OnceLock<History>,
    pub limits: AlarmLimits,
}

impl Shared {
    pub fn view(&self) -> std::sync::RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub fn rule(&self, name: &str) -> Option<Arc<Rule>> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        rules.iter().find(|rule| &*rule.name == name).cloned()
    }
}

/// The alarms of the plant. Cheap to clone; all clones share the same state.
///
/// Calls that write, and those that read the journal, wait for the disk: an async caller makes them on a
/// thread for blocking work. Exceptions are [`Alarms::list`], [`Alarms::counts`], [`Alarms::take`] and the
/// calls that return at once.
#[derive(Clone)]
pub struct Alarms {
    pub(crate) shared: Arc<Shared>,
}

impl Alarms {
    /// Passes readings that arrived at `now_us` to the evaluation. Does not wait for the disk; waits for room
    /// while `inbox_readings` readings wait.
    pub fn take(&self, readings: &[Reading], now_us: i64) {
        self.shared.inbox.add_readings(readings, now_us, true);
    }

    /// Passes readings of the lake to the evaluation, in any order, before the first reading of the stream.
    pub fn restore(&self, readings: &[Reading], now_us: i64) {
        let mut sorted = readings.to_vec();
        sorted.sort_by_key(|reading| (reading.at_us, reading.sensor));
        self.shared.inbox.add_readings(&sorted, now_us, false);
    }

    /// Passes the result of a condition on the lake or the flow of data to the evaluation.
    pub fn observe(&self, observation: Observation) {
        self.shared.inbox.add_request(Request::Observe(observation));
    }

    /// Passes the result of the statement that suppresses a rule to the evaluation.
    pub fn suppress(&self, rule: &Arc<str>, places: Vec<SuppressedPlace>) {
        self.shared.inbox.add_request(Request::Suppress { rule: Arc::clone(rule), places });
    }

    /// Whether readings are received; without, no sensor is judged as silent.
    pub fn set_observing(&self, is_observing: bool) {
        self.shared.inbox.add_request(Request::Observing(is_observing));
    }

    /// Current alarms that pass the filter, the most urgent first, then the newest.
    pub fn list(&self, filter: &Filter) -> Vec<Alarm> {
        let view = self.shared.view();
        let accepted = view.alarms().filter(|alarm| filter.accepts(alarm));
        let mut alarms: Vec<Alarm> = accepted.map(|alarm| alarm.as_ref().clone()).collect();
        alarms.sort_by(|a, b| {
            let order = |it: &Alarm| (it.priority, std::cmp::Reverse(it.since_us));
            order(a).cmp(&order(b)).then_with(|| a.key.cmp(&b.key))
        });
        alarms
    }

    /// Numbers of current alarms.
    pub fn counts(&self) -> Counts {
        Counts::from_alarms(self.shared.view().alarms().map(AsRef::as_ref))
    }

    /// Number of the newest event in the journal.
    pub fn newest(&self) -> i64 {
        self.shared.view().newest()
    }

    /// Signals the number of the newest event whenever it changes.
    pub fn changed(&self) -> watch::Receiver<i64> {
        self.shared.newest.subscribe()
    }

    /// The alarm with this occurrence, also a past one.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn get(&self, id: i64) -> Result<Option<Alarm>, Error> {
        if let Some(alarm) = self.shared.view().by_id(id) {
            return Ok(Some(alarm.as_ref().clone()));
        }
        let events = journal::occurrence(&self.shared.database, id)?;
        Ok(self.fold(&events))
    }

    /// The current alarm with this key; `None` if it is normal.
    pub fn current(&self, key: &AlarmKey) -> Option<Alarm> {
        self.shared.view().by_key(key).map(|alarm| alarm.as_ref().clone())
    }

    /// The events of one occurrence, oldest first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn events(&self, id: i64) -> Result<Vec<AlarmEvent>, Error> {
        Ok(journal::occurrence(&self.shared.database, id)?)
    }

    /// Events of the journal, newest first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn journal(&self, query: &JournalQuery) -> Result<Vec<AlarmEvent>, Error> {
        Ok(journal::list(&self.shared.database, query)?)
    }

    /// Events with numbers above `number`, oldest first, at most `max`, each with the alarm as it was after it
    /// (of events older than those in memory: as it is now).
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn events_after(&self, number: i64, max: usize) -> Result<Vec<(AlarmEvent, Alarm)>, Error> {
        if let Some(events) = self.shared.view().after(number, max) {
            return Ok(events);
        }
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        let events = journal::after(&self.shared.database, number, max)?;
        events.into_iter().map(|event| self.with_alarm(event)).collect()
    }

    fn with_alarm(&self, event: AlarmEvent) -> Result<(AlarmEvent, Alarm), Error> {
        let known = if event.occurrence == 0 { None } else { self.get(event.occurrence)? };
        let alarm = known.or_else(|| self.fold(std::slice::from_ref(&event)));
        let alarm = alarm.ok_or_else(|| Error::NotFound(event.key.to_string()))?;
        Ok((event, alarm))
    }

    /// The alarm after these events of one occurrence.
    fn fold(&self, events: &[AlarmEvent]) -> Option<Alarm> {
        let key = events.first()?.key.clone();
        let rule = self.shared.rule(&key.rule);
        let condition = rule.as_ref().map(|rule| &rule.condition);
        let place = place_of(&key.object, condition, &self.shared.equipment);
        let mut alarm = match &rule {
            Some(rule) => Alarm::new(key, rule, place),
            None => Alarm::without_rule(key, Priority::P4, place),
        };
        events.iter().for_each(|event| alarm.apply(event));
        Some(alarm)
    }

    /// Executes a command on an alarm: `8812`, the number of its occurrence, or `rule/object`. Returns when it
    /// is in the journal.
    ///
    /// # Errors
    /// The alarm does not exist, its state does not permit the command, or the journal cannot be written.
    pub fn command(
        &self,
        actor: &Actor,
        id_or_key: &str,
        command: Command,
    ) -> Result<Alarm, Error> {
        let key = self.key(id_or_key)?;
        let (reply, answer) = sync_channel(1);
        let request = Request::Command { key, command, actor: actor.clone(), reply };
        if !self.shared.inbox.add_request(request) {
            return Err(Error::NotRunning("no process evaluates the rules here".to_owned()));
        }
        answer.recv_timeout(COMMAND_TIMEOUT).unwrap_or_else(|_elapsed| {
            let text = "the command is not in the journal yet: the disk does not respond";
            Err(Error::Failed(text.to_owned()))
        })
    }

    fn key(&self, id_or_key: &str) -> Result<AlarmKey, Error> {
        let missing = || Error::NotFound(id_or_key.to_owned());
        let Ok(id) = id_or_key.parse::<i64>() else {
            return AlarmKey::parse(id_or_key).ok_or_else(missing);
        };
        if let Some(alarm) = self.shared.view().by_id(id) {
            return Ok(alarm.key.clone());
        }
        match journal::key_of(&self.shared.database, id)? {
            Some(key) => Err(Error::Invalid(format!(
                "alarm {id} ({key}) is over: only its comments and events can be read"
            ))),
            None => Err(missing()),
        }
    }

    /// The rules in use.
    pub fn rules(&self) -> Arc<[Arc<Rule>]> {
        Arc::clone(&self.shared.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Number of alarms of each rule: sensors, groups and objects that it was applied to.
    pub fn objects(&self) -> HashMap<Arc<str>, usize> {
        self.shared.view().objects.clone()
    }

    /// Replaces the rules. Alarms keep their states; those of removed rules end. Each changed rule is an entry
    /// of the journal.
    pub fn reload(&self, rules: Vec<Arc<Rule>>, actor: Option<&str>, comment: Option<&str>) {
        let (actor, comment) = (actor.map(str::to_owned), comment.map(str::to_owned));
        *self.shared.rules.write().unwrap_or_else(PoisonError::into_inner) = rules.clone().into();
        self.shared.inbox.add_request(Request::Reload { rules, actor, comment });
    }

    /// Provides the readings of the lake for back-tests.
    pub fn set_history(&self, history: History) {
        self.shared.history.get_or_init(|| history);
    }

    /// Tries rules out on the readings of the lake. Uses one core as long as it takes: the caller limits time
    /// and number.
    ///
    /// # Errors
    /// The lake cannot be read, or there are too many events.
    pub async fn backtest(&self, request: &BacktestRequest) -> Result<BacktestReport, Error> {
        let history = self.shared.history.get();
        let missing = || Error::NotRunning("there is no lake to read".to_owned());
        backtest::run(history.ok_or_else(missing)?, request).await
    }

    /// Counters, and what is wrong.
    pub fn health(&self) -> AlarmHealth {
        let counters = &self.shared.counters;
        AlarmHealth {
            is_running: !self.shared.inbox.is_closed(),
            problem: self.shared.problem.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            events: counters.events.load(Ordering::Relaxed),
            readings: counters.readings.load(Ordering::Relaxed),
            skipped_readings: counters.skipped_readings.load(Ordering::Relaxed),
            waiting_readings: self.shared.inbox.len(),
            unwritten_events: counters.unwritten_events.load(Ordering::Relaxed),
            journal_lag_us: counters.journal_lag_us.load(Ordering::Relaxed),
            failed_writes: counters.failed_writes.load(Ordering::Relaxed),
        }
    }

    /// Ends the engine after what waits is in the journal.
    pub fn close(&self) {
        self.shared.inbox.close();
    }

    /// The database with the journal.
    pub fn database(&self) -> Arc<Database> {
        Arc::clone(&self.shared.database)
    }
}
