//! Identities of a provider (OpenID Connect): who they are, and which roles their groups give.
//!
//! A person is identified by issuer and subject, never by an e-mail address or a name: those can
//! be changed or reassigned at the provider.

use crate::{Assignment, Error, Role, Scope, Source};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The longest subject that the standard allows; used for issuers too.
const TEXT_BYTES_MAX: usize = 255;

/// A role for the members of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRole {
    /// The group exactly as the provider spells it.
    pub group: String,
    pub role: Role,
    pub scope: Scope,
}

/// A login that a provider has confirmed, after signature, issuer, audience, nonce and time of its
/// token were verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalLogin {
    pub issuer: String,
    pub subject: String,
    /// The name of the user that the first login creates. It does not identify the person; a name that
    /// is in use gets a number.
    pub suggested_name: String,
    pub full_name: String,
    /// What [`roles_of`] makes of the groups.
    pub roles: Vec<Assignment>,
    /// Whether a person who is not known yet is added.
    pub may_add: bool,
}

/// The roles that groups give; none for a group without a rule.
pub fn roles_of(groups: &[String], rules: &[GroupRole]) -> Vec<Assignment> {
    let given = rules.iter().filter(|rule| groups.contains(&rule.group));
    let made = given.map(|rule| Assignment {
        role: rule.role,
        scope: rule.scope.clone(),
        source: Source::External,
    });
    made.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Refuses texts that cannot identify anybody.
pub(crate) fn check(issuer: &str, subject: &str) -> Result<(), Error> {
    for (what, text) in [("issuer", issuer), ("subject", subject)] {
        let is_plain = text.chars().all(|it| !it.is_control());
        if text.is_empty() || text.len() > TEXT_BYTES_MAX || !is_plain {
            return Err(Error::invalid(what, text, "1 to 255 bytes without control characters"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(group: &str, role: Role, scope: &str) -> GroupRole {
        GroupRole { group: group.to_owned(), role, scope: scope.parse().unwrap() }
    }

    fn names(groups: &[&str]) -> Vec<String> {
        groups.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn groups_give_the_roles_of_their_rules_once() {
        let rules = [
            rule("smt", Role::Operator, "area:SMT"),
            rule("it", Role::Administrator, "plant"),
            rule("shift", Role::Operator, "area:SMT"),
        ];
        let found = roles_of(&names(&["shift", "smt", "canteen"]), &rules);
        let scope = "area:SMT".parse().unwrap();
        assert_eq!(found, [Assignment { role: Role::Operator, scope, source: Source::External }]);
        assert_eq!(roles_of(&names(&["IT", "it ", "canteen"]), &rules), []);
    }

    #[test]
    fn impossible_identities_are_refused() {
        assert!(check("https://id.plant.example", "248289761001").is_ok());
        for (issuer, subject) in [("", "1"), ("x", ""), ("x", "a\0"), ("x", &"s".repeat(256))] {
            assert!(check(issuer, subject).is_err());
        }
    }

    proptest! {
        #[test]
        fn every_role_comes_from_a_rule_of_a_group(
            groups in prop::collection::vec("[ab]{1,2}", 0..4),
            rules in prop::collection::vec(("[ab]{1,2}", 0_usize..5), 0..5)
        ) {
            let rules: Vec<GroupRole> =
                rules.iter().map(|(group, role)| rule(group, Role::ALL[*role], "plant")).collect();
            for found in roles_of(&groups, &rules) {
                let is_ruled = |it: &&GroupRole| it.role == found.role && groups.contains(&it.group);
                prop_assert!(rules.iter().any(|it| is_ruled(&it)));
            }
        }
    }
}
