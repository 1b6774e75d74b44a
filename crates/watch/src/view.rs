//! The current alarms and the latest events, as readers see them: only what is in the journal.

use crate::alarm::Alarm;
use crate::evaluate::Change;
use plant::alarm::{AlarmEvent, AlarmKey, Place, State};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// Alarms that are not normal, and the last events.
pub(crate) struct View {
    alarms: BTreeMap<AlarmKey, Arc<Alarm>>,
    keys: HashMap<i64, AlarmKey>,
    ring: VecDeque<(AlarmEvent, Arc<Alarm>)>,
    ring_max: usize,
    /// Number of the newest event.
    newest: i64,
    /// Number of alarms of each rule.
    pub objects: HashMap<Arc<str>, usize>,
}

impl View {
    /// The alarms at a start; `newest` is the number of the last event in the journal.
    pub fn new(alarms: impl Iterator<Item = Alarm>, newest: i64, ring_max: usize) -> Self {
        let mut view = Self {
            alarms: BTreeMap::new(),
            keys: HashMap::new(),
            ring: VecDeque::new(),
            ring_max,
            newest,
            objects: HashMap::new(),
        };
        alarms.for_each(|alarm| view.put(Arc::new(alarm)));
        view
    }

    /// Publishes changes that are in the journal.
    pub fn publish(&mut self, changes: Vec<Change>) {
        for Change { event, saved } in changes {
            let alarm = Arc::new(saved.alarm);
            self.newest = event.number;
            self.put(Arc::clone(&alarm));
            if self.ring.len() >= self.ring_max {
                self.ring.pop_front();
            }
            self.ring.push_back((event, alarm));
        }
    }

    fn put(&mut self, alarm: Arc<Alarm>) {
        if let Some(before) = self.alarms.get(&alarm.key) {
            self.keys.remove(&before.id);
        }
        if alarm.state == State::Normal {
            self.alarms.remove(&alarm.key);
            return;
        }
        self.keys.insert(alarm.id, alarm.key.clone());
        self.alarms.insert(alarm.key.clone(), alarm);
    }

    pub fn alarms(&self) -> impl Iterator<Item = &Arc<Alarm>> {
        self.alarms.values()
    }

    pub fn by_key(&self, key: &AlarmKey) -> Option<&Arc<Alarm>> {
        self.alarms.get(key)
    }

    pub fn by_id(&self, id: i64) -> Option<&Arc<Alarm>> {
        self.alarms.get(self.keys.get(&id)?).filter(|alarm| alarm.id == id && id != 0)
    }

    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// Times of the annunciations in the ring since `from_us` whose place is wanted.
    pub fn annunciations(&self, from_us: i64, is_wanted: impl Fn(&Place) -> bool) -> Vec<i64> {
        let annunciations = self.ring.iter().filter(|(event, alarm)| {
            event.at_us >= from_us
                && event.transition.is_annunciation(event.to)
                && is_wanted(&alarm.place)
        });
        annunciations.map(|(event, _)| event.at_us).collect()
    }

    /// Events with numbers above `number`; `None` if some of them are only in the journal.
    pub fn after(&self, number: i64, max: usize) -> Option<Vec<(AlarmEvent, Alarm)>> {
        if number >= self.newest {
            return Some(Vec::new());
        }
        let first = self.ring.front()?.0.number;
        let skipped = usize::try_from((number + 1).checked_sub(first)?).ok()?;
        let wanted = self.ring.iter().skip(skipped).take(max);
        Some(wanted.map(|(event, alarm)| (event.clone(), alarm.as_ref().clone())).collect())
    }
}
