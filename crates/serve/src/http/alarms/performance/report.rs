//! Figures with the alarms that they are about.

use super::dto::{
    AcknowledgeTimes, AlarmFigure, AlarmPerformance, AlarmShare, AlarmTimes, FloodPeriod,
    LoadBucket, NamedAlarm, StaleAlarm,
};
use crate::http::temperatures::rfc3339;
use plant::alarm::{
    AlarmEvent, AlarmKey, Assessment, FLOOD_WINDOW_US, Flood, Performance, Priority, Rule,
};
use plant::time::SECOND_US;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Figures, and the annunciations that they are computed from.
pub struct Report<'a> {
    pub figures: Performance,
    /// In the order of the journal; some are before the period.
    pub annunciations: Vec<&'a AlarmEvent>,
    pub rules: &'a [Arc<Rule>],
    pub language: &'a str,
}

impl Report<'_> {
    /// The answer of the interface.
    pub fn answer(&self) -> AlarmPerformance {
        let found = &self.figures;
        let seconds = |us: i64| us as f64 / SECOND_US as f64;
        AlarmPerformance {
            from: rfc3339(found.from_us),
            to: rfc3339(found.to_us),
            positions: found.positions,
            annunciations: found.annunciations,
            per_hour: found.per_hour,
            per_10_min: found.per_10_min,
            max_10_min: found.peak_10_min,
            hours_above_30_share: found.overloaded_hours_share,
            flood_time_share: found.flood_share,
            floods: found.floods.iter().map(|flood| self.flood(flood)).collect(),
            chattering: found.chattering.iter().map(AlarmTimes::from).collect(),
            fleeting: found.fleeting.iter().map(AlarmTimes::from).collect(),
            stale: found.stale.iter().map(|(key, since_us)| self.stale(key, *since_us)).collect(),
            top: found.top.iter().map(|(key, count)| self.share(key, *count)).collect(),
            by_priority: found.by_priority.into(),
            acknowledge_s: AcknowledgeTimes {
                median: found.acknowledge_median_us.map(seconds),
                p90: found.acknowledge_p90_us.map(seconds),
                unacknowledged: found.unacknowledged,
            },
            figures: found.assessments().iter().map(AlarmFigure::from).collect(),
            buckets: self.buckets(),
        }
    }

    fn flood(&self, flood: &Flood) -> FloodPeriod {
        let is_part = |it: &&&AlarmEvent| it.at_us > flood.from_us - FLOOD_WINDOW_US;
        let first = self.annunciations.iter().find(is_part);
        FloodPeriod {
            from: rfc3339(flood.from_us),
            to: rfc3339(flood.to_us),
            annunciations: flood.annunciations,
            first: first.map(|event| self.named(&event.key, Some(event))),
        }
    }

    fn stale(&self, key: &AlarmKey, since_us: i64) -> StaleAlarm {
        let is_it = |it: &&&AlarmEvent| it.key == *key && it.at_us == since_us;
        let event = self.annunciations.iter().find(is_it).copied();
        StaleAlarm { alarm: self.named(key, event), since_at: rfc3339(since_us) }
    }

    fn share(&self, key: &AlarmKey, annunciations: usize) -> AlarmShare {
        let (rule, object) = (key.rule.to_string(), key.object.to_string());
        let share = annunciations as f64 / self.figures.annunciations.max(1) as f64;
        AlarmShare { rule, object, annunciations, share }
    }

    /// An alarm by its annunciation, with the text of its rule.
    fn named(&self, key: &AlarmKey, event: Option<&AlarmEvent>) -> NamedAlarm {
        let rule = self.rules.iter().find(|rule| rule.name == key.rule);
        let text = rule.map_or(&*key.rule, |rule| rule.text.in_language(self.language));
        let own = event.map(|event| event.priority);
        let priority = own.or(rule.map(|rule| rule.priority)).unwrap_or(Priority::P4);
        NamedAlarm {
            id: event.map_or(0, |event| event.occurrence),
            rule: key.rule.to_string(),
            object: key.object.to_string(),
            text: text.to_owned(),
            priority: priority.number(),
        }
    }

    /// Annunciations of each ten minutes from the beginning of the period.
    fn buckets(&self) -> Vec<LoadBucket> {
        let (from_us, to_us) = (self.figures.from_us, self.figures.to_us);
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for event in self.annunciations.iter().filter(|it| (from_us..to_us).contains(&it.at_us)) {
            *counts.entry((event.at_us - from_us) / FLOOD_WINDOW_US).or_default() += 1;
        }
        let bucket = |(nth, annunciations): (i64, usize)| LoadBucket {
            at: rfc3339(from_us + nth * FLOOD_WINDOW_US),
            annunciations,
        };
        counts.into_iter().map(bucket).collect()
    }
}

impl From<&Assessment> for AlarmFigure {
    fn from(found: &Assessment) -> Self {
        Self {
            name: found.metric.name,
            value: found.value,
            acceptable: found.metric.acceptable,
            maximum: found.metric.maximum,
            is_acceptable: found.is_acceptable,
            is_manageable: found.is_manageable,
        }
    }
}

impl From<&(AlarmKey, usize)> for AlarmTimes {
    fn from((key, times): &(AlarmKey, usize)) -> Self {
        Self { rule: key.rule.to_string(), object: key.object.to_string(), times: *times }
    }
}
