//! Conditions on groups of sensors: the deviation from like sensors, and the number of hot ones.
//!
//! Readings are gathered by second, and a second is evaluated as a whole some time after its end, so the
//! result does not depend on the order in which readings of different sensors arrive within it.

mod count;
mod peers;

use super::Evaluator;
use super::clock::SLACK_US;
use super::instance::Measured;
use super::rules::Rules;
use super::timers::Due;
use count::CountGroup;
use peers::Peers;
use plant::alarm::{Comparison, Condition, CountCondition, Input, Place};
use plant::equipment::Equipment;
use plant::reading::{Reading, SensorId};
use plant::time::{SECOND_US, second_of_us};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The readings of one sensor within a second.
#[derive(Debug, Clone, Copy)]
struct Point {
    sensor: u32,
    at_us: i64,
    /// The last one.
    temp_c: f64,
    highest_c: f64,
}

/// A deviation that is watched.
#[derive(Debug, Clone, Copy)]
struct Deviation {
    alarm: u32,
    comparison: Comparison,
    min_sensors: usize,
}

/// The groups of a sensor.
#[derive(Debug, Default)]
struct Member {
    /// Index of the like sensors.
    peers: Option<u32>,
    deviations: Vec<Deviation>,
    /// Index of each group that counts it, and its position there.
    counts: Vec<(u32, u32)>,
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    has_deviations: bool,
    members: Vec<Member>,
    peers: Vec<Peers>,
    peers_by_name: HashMap<(String, String), u32>,
    counts: Vec<CountGroup>,
    counts_by_alarm: HashMap<u32, u32>,
    /// Readings of seconds that were not evaluated yet.
    open: BTreeMap<i64, Vec<Point>>,
    /// The last second that was evaluated.
    closed: Option<i64>,
}

/// A result for an alarm.
struct Finding {
    alarm: u32,
    at_us: i64,
    value: f64,
    verdict: Verdict,
}

enum Verdict {
    Deviation {
        comparison: Comparison,
        median_c: f64,
        sensors: usize,
    },
    /// With the time until which it remains true.
    Count {
        group: u32,
        until_us: Option<i64>,
        newest_us: i64,
    },
}

impl Groups {
    pub fn new(rules: &Rules) -> Self {
        let mut conditions = rules.iter().map(|(_, rule)| &rule.condition);
        let has_deviations = conditions.any(|it| matches!(it, Condition::Deviation { .. }));
        Self { has_deviations, ..Self::default() }
    }

    /// End of the last second that was evaluated.
    pub fn closed_us(&self) -> i64 {
        self.closed.map_or(i64::MIN, |second| (second + 1) * SECOND_US)
    }

    /// Adds the newest reading of a sensor; `newest_us` is engine time.
    pub fn take(&mut self, reading: &Reading, newest_us: i64) {
        let earliest = self.closed.map_or(i64::MIN, |second| second + 1);
        let second = second_of_us(reading.at_us).min(second_of_us(newest_us)).max(earliest);
        let Reading { at_us, temp_c, .. } = *reading;
        let point = Point { sensor: reading.sensor.0, at_us, temp_c, highest_c: temp_c };
        self.open.entry(second).or_default().push(point);
    }

    /// When the next second is to be evaluated, in engine time.
    pub fn next_due_us(&self) -> Option<i64> {
        self.open.keys().next().map(|second| (second + 1) * SECOND_US + SLACK_US)
    }

    /// Takes over the readings of the groups before the rules changed.
    pub fn inherit(&mut self, old: Self) {
        (self.open, self.closed) = (old.open, old.closed);
        for group in &mut self.counts {
            let alike = old.counts.iter().find(|it| it.alarm == group.alarm);
            if let Some(alike) = alike.filter(|it| it.counts_alike(group)) {
                group.inherit(alike);
            }
        }
        for peers in &mut self.peers {
            let alike = old.peers.iter().find(|it| it.has_sensor_of(peers));
            if let Some(alike) = alike {
                peers.inherit(alike);
            }
        }
    }

    /// The groups whose count may fall without a reading.
    pub fn counting(&self) -> Vec<u32> {
        let all = (0_u32..).zip(&self.counts);
        all.filter(|(_, group)| group.ends_us().is_some()).map(|(index, _)| index).collect()
    }

    fn member(&mut self, sensor: u32) -> &mut Member {
        let index = sensor as usize;
        if index >= self.members.len() {
            self.members.resize_with(index + 1, Member::default);
        }
        &mut self.members[index]
    }

    /// Makes the sensor one of its like sensors, if any rule compares those.
    fn join_peers(&mut self, sensor: u32, id: &SensorId) {
        if !self.has_deviations || self.member(sensor).peers.is_some() {
            return;
        }
        let name = (id.plant.clone(), id.component.clone());
        let next = u32::try_from(self.peers.len()).unwrap_or(u32::MAX);
        let index = *self.peers_by_name.entry(name).or_insert(next);
        if index == next {
            self.peers.push(Peers::default());
        }
        self.peers[index as usize].add(sensor);
        self.member(sensor).peers = Some(index);
    }

    /// Makes the sensor a member of the group of an alarm.
    fn join_count(&mut self, sensor: u32, alarm: u32, condition: &CountCondition) {
        let next = u32::try_from(self.counts.len()).unwrap_or(u32::MAX);
        let index = *self.counts_by_alarm.entry(alarm).or_insert(next);
        if index == next {
            self.counts.push(CountGroup::new(alarm, condition));
        }
        let position = self.counts[index as usize].add(sensor);
        self.member(sensor).counts.push((index, position));
    }

    /// Evaluates the earliest second if it ended long enough before `engine_us`.
    fn close_next(&mut self, engine_us: i64) -> Option<Vec<Finding>> {
        self.next_due_us().filter(|due_us| *due_us <= engine_us)?;
        let (second, points) = self.open.pop_first()?;
        self.closed = Some(second);
        let points = merged(points);
        let mut findings = Vec::new();
        self.count(&points, &mut findings);
        self.compare(&points, &mut findings);
        Some(findings)
    }

    fn count(&mut self, points: &[Point], findings: &mut Vec<Finding>) {
        let mut touched: BTreeMap<u32, i64> = BTreeMap::new();
        for point in points {
            let Some(member) = self.members.get(point.sensor as usize) else { continue };
            for (group, position) in &member.counts {
                self.counts[*group as usize].take(*position, point.highest_c, point.at_us);
                let newest = touched.entry(*group).or_insert(i64::MIN);
                *newest = point.at_us.max(*newest);
            }
        }
        for (index, newest_us) in touched {
            let group = &mut self.counts[index as usize];
            group.newest_us = group.newest_us.max(newest_us);
            let at_us = group.newest_us;
            let (count, until_us) = group.count(at_us);
            let verdict = Verdict::Count { group: index, until_us, newest_us: at_us };
            findings.push(Finding { alarm: group.alarm, at_us, value: count as f64, verdict });
        }
    }

    fn compare(&mut self, points: &[Point], findings: &mut Vec<Finding>) {
        let mut medians: BTreeMap<u32, Option<(f64, usize)>> = BTreeMap::new();
        for point in points {
            let member = self.members.get(point.sensor as usize);
            if let Some(index) = member.and_then(|it| it.peers) {
                self.peers[index as usize].take(point.sensor, point.at_us, point.temp_c);
                medians.insert(index, None);
            }
        }
        for point in points {
            let Some(member) = self.members.get(point.sensor as usize) else { continue };
            let Some(index) = member.peers.filter(|_| !member.deviations.is_empty()) else {
                continue;
            };
            let known = medians.entry(index).or_default();
            let (median_c, sensors) =
                *known.get_or_insert_with(|| self.peers[index as usize].median());
            for it in member.deviations.iter().filter(|it| sensors >= it.min_sensors) {
                let verdict = Verdict::Deviation { comparison: it.comparison, median_c, sensors };
                let value = point.temp_c - median_c;
                findings.push(Finding { alarm: it.alarm, at_us: point.at_us, value, verdict });
            }
        }
    }
}

/// One point for each sensor, by its number.
fn merged(mut points: Vec<Point>) -> Vec<Point> {
    // Stable, so the readings of a sensor stay in their order.
    points.sort_by_key(|point| point.sensor);
    points.dedup_by(|next, kept| {
        let is_same = next.sensor == kept.sensor;
        if is_same {
            let highest_c = kept.highest_c.max(next.highest_c);
            *kept = Point { highest_c, ..*next };
        }
        is_same
    });
    points
}

impl Evaluator {
    /// Adds a sensor to the group of a rule.
    pub(super) fn join_group(&mut self, sensor: u32, id: &SensorId, rule: u32, object: &Arc<str>) {
        let Some(condition) = self.rules.get(rule).map(|it| it.condition.clone()) else { return };
        match condition {
            Condition::Deviation { comparison, min_sensors, .. } => {
                let alarm = self.alarm(rule, object, Some(sensor));
                let min_sensors = min_sensors as usize;
                let deviation = Deviation { alarm, comparison, min_sensors };
                self.groups.member(sensor).deviations.push(deviation);
            }
            Condition::Count(condition) => {
                let group: Arc<str> = condition.group_by.object(id).into();
                let alarm = self.alarm(rule, &group, None);
                self.groups.join_count(sensor, alarm, &condition);
            }
            _ => return,
        }
        self.sensors[sensor as usize].is_grouped = true;
    }

    /// Adds a sensor to its like sensors, also if no rule applies to itself.
    pub(super) fn join_peers(&mut self, sensor: u32, id: &SensorId) {
        if self.groups.has_deviations {
            self.groups.join_peers(sensor, id);
            self.sensors[sensor as usize].is_grouped = true;
        }
    }

    /// Evaluates all seconds that ended long enough before `engine_us`.
    pub(super) fn close_seconds(&mut self, engine_us: i64) {
        while let Some(findings) = self.groups.close_next(engine_us) {
            for finding in findings {
                self.apply_finding(&finding);
            }
        }
    }

    fn apply_finding(&mut self, finding: &Finding) {
        let alarm = &self.alarms[finding.alarm as usize];
        if finding.at_us <= alarm.evaluated_us {
            return;
        }
        let was_met = alarm.status.is_met();
        let (is_met, reading_at_us, evidence) = match &finding.verdict {
            Verdict::Deviation { comparison, median_c, sensors } => (
                comparison.is_met(finding.value, was_met),
                finding.at_us,
                format!("median {median_c:.1} degC of {sensors} sensors"),
            ),
            Verdict::Count { until_us, newest_us, group } => {
                if let Some(until_us) = until_us {
                    self.timers.push(until_us.saturating_add(SLACK_US), Due::Count(*group));
                }
                (until_us.is_some(), *newest_us, String::new())
            }
        };
        if is_met == was_met && alarm.status.pending_us.is_none() {
            let alarm = &mut self.alarms[finding.alarm as usize];
            (alarm.value, alarm.reading_at_us) = (Some(finding.value), Some(reading_at_us));
            return;
        }
        let evidence = Some(evidence).filter(|text| is_met && !text.is_empty());
        let reading_at_us = Some(reading_at_us);
        let measured = Measured { value: Some(finding.value), reading_at_us, evidence };
        self.measure(finding.alarm, Input::Condition(is_met), finding.at_us, measured);
    }

    /// The readings that a count needs may have left the window.
    pub(super) fn check_count(&mut self, group: u32, engine_us: i64) {
        let Some(counted) = self.groups.counts.get(group as usize) else { return };
        let Some(until_us) = counted.ends_us() else { return };
        if until_us.saturating_add(SLACK_US) > engine_us {
            return self.timers.push(until_us.saturating_add(SLACK_US), Due::Count(group));
        }
        let (alarm, count) = (counted.alarm, counted.count(until_us).0);
        if until_us <= self.alarms[alarm as usize].evaluated_us {
            return;
        }
        let value = Some(count as f64);
        let measured = Measured { value, reading_at_us: None, evidence: None };
        self.measure(alarm, Input::Condition(false), until_us, measured);
    }
}

/// Where a group of sensors is, by the name of the group (see [`plant::alarm::GroupBy`]).
pub(super) fn place(object: &str, equipment: &Equipment) -> Place {
    if let Some((plant, _component)) = object.split_once('/') {
        return Place { plant: Some(plant.to_owned()), ..Place::default() };
    }
    let Some((plant, lane)) = object.split_once('.') else {
        return Place { plant: Some(object.to_owned()), ..Place::default() };
    };
    let (plant, lane) = (plant.to_owned(), lane.to_owned());
    let sensor = SensorId { plant, lane, component: String::new(), manufacturer: String::new() };
    Place::from_sensor(&sensor, equipment)
}
