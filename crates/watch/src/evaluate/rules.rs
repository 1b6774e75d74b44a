//! The rules in use, by index.

use plant::alarm::{Rule, SuppressionCause};
use std::collections::HashMap;
use std::sync::Arc;

/// Enabled rules in the order of their file.
#[derive(Debug, Default)]
pub(super) struct Rules {
    rules: Vec<Arc<Rule>>,
    by_name: HashMap<Arc<str>, u32>,
    /// For each rule, the rules that it suppresses.
    dependents: Vec<Vec<u32>>,
}

/// The index of alarms whose rule does not exist.
pub(super) const NO_RULE: u32 = u32::MAX;

impl Rules {
    pub fn new(all: &[Arc<Rule>]) -> Self {
        let rules: Vec<_> = all.iter().filter(|rule| rule.is_enabled).cloned().collect();
        let by_name: HashMap<_, _> =
            rules.iter().map(|rule| Arc::clone(&rule.name)).zip(0_u32..).collect();
        let mut dependents = vec![Vec::new(); rules.len()];
        for (rule, index) in rules.iter().zip(0_u32..) {
            let cause = rule.suppress_while.as_ref().map(|it| &it.cause);
            if let Some(SuppressionCause::Rule(name)) = cause
                && let Some(suppressor) = by_name.get(name)
            {
                dependents[*suppressor as usize].push(index);
            }
        }
        Self { rules, by_name, dependents }
    }

    pub fn get(&self, index: u32) -> Option<&Arc<Rule>> {
        self.rules.get(index as usize)
    }

    pub fn index(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    pub fn name(&self, index: u32) -> Arc<str> {
        self.get(index).map_or_else(|| "".into(), |rule| Arc::clone(&rule.name))
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, &Arc<Rule>)> {
        (0_u32..).zip(&self.rules)
    }

    /// The rules that a rule suppresses while it is active.
    pub fn dependents(&self, index: u32) -> &[u32] {
        self.dependents.get(index as usize).map_or(&[], Vec::as_slice)
    }
}
