//! The check of one person's roles, and of a token's limit, against the table.

use super::{Action, Assignment, Reach, Rule};
use crate::Scope;
use std::collections::BTreeSet;

/// What an identity may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    pub assignments: Vec<Assignment>,
    /// Set for an API token: at most these rights of its owner.
    pub limit: Option<TokenLimit>,
    /// Set while a temporary password has to be replaced: only the own account can be managed.
    pub is_restricted: bool,
    /// Set while a required second factor is missing: only the own account can be managed.
    pub needs_second_factor: bool,
}

/// The part of its owner's rights that an API token has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLimit {
    pub actions: BTreeSet<Action>,
    pub scope: Scope,
}

/// Where an action is allowed: what filters of rows are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    Nowhere,
    /// In the whole plant: no filter is needed.
    Everywhere,
    /// Only in these scopes. None of them covers another.
    Only(Vec<Scope>),
}

impl Rights {
    /// Whether `action` is allowed on everything in `scope`. For actions that are bound to the
    /// plant or to the person, the requested scope does not matter.
    pub fn allows(&self, action: Action, scope: &Scope) -> bool {
        match (self.granted(action), action.rule().reach) {
            (Granted::Nowhere, _) => false,
            (Granted::Everywhere, _) => true,
            (Granted::Only(scopes), Reach::Scoped) => scopes.iter().any(|it| it.covers(scope)),
            (Granted::Only(_), Reach::Plant | Reach::Own) => false,
        }
    }

    /// Where `action` is allowed.
    pub fn granted(&self, action: Action) -> Granted {
        let rule = action.rule();
        if (self.is_restricted || self.needs_second_factor) && action != Action::ManageOwnAccount {
            return Granted::Nowhere;
        }
        let held = self.held(rule);
        match rule.reach {
            Reach::Own if held.is_empty() => Granted::Nowhere,
            Reach::Own => Granted::Everywhere,
            Reach::Plant if held.contains(&Scope::Plant) => Granted::Everywhere,
            Reach::Plant => Granted::Nowhere,
            Reach::Scoped => of_scopes(held),
        }
    }

    /// Scopes in which a role includes the rule, narrowed by the token's limit.
    fn held(&self, rule: &Rule) -> BTreeSet<Scope> {
        let given = self.assignments.iter().filter(|it| rule.roles.contains(&it.role));
        let scopes = given.map(|it| &it.scope);
        let Some(limit) = &self.limit else {
            return scopes.cloned().collect();
        };
        if !rule.by_token || !limit.actions.contains(&rule.action) {
            return BTreeSet::new();
        }
        scopes.filter_map(|it| it.shared(&limit.scope)).collect()
    }
}

fn of_scopes(held: BTreeSet<Scope>) -> Granted {
    if held.is_empty() {
        return Granted::Nowhere;
    }
    if held.contains(&Scope::Plant) {
        return Granted::Everywhere;
    }
    let is_inside = |it: &Scope| held.iter().any(|other| other != it && other.covers(it));
    Granted::Only(held.iter().filter(|it| !is_inside(it)).cloned().collect())
}

#[cfg(test)]
#[path = "rights_tests.rs"]
mod tests;
