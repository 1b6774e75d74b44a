use super::*;
use crate::permission::{Role, TABLE};
use proptest::prelude::*;

const SCOPES: [&str; 6] =
    ["plant", "area:SMT", "area:THT", "line:SMT/1", "line:SMT/2", "line:THT/1"];

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn rights(role: Role, held_in: &str) -> Rights {
    Rights { assignments: vec![Assignment::new(role, scope(held_in))], ..Rights::default() }
}

/// What is expected, by hand and apart from the table: the lowest role of an action and how it is
/// bound to a place.
fn lowest(action: Action) -> (Role, Reach) {
    match action {
        Action::ViewPages | Action::ReadTables | Action::FollowLive | Action::Download => {
            (Role::Viewer, Reach::Scoped)
        }
        Action::ManageOwnAccount | Action::ManageOwnTokens => (Role::Viewer, Reach::Own),
        Action::WriteNotes | Action::AcknowledgeAlarm => (Role::Operator, Reach::Scoped),
        Action::RunSql | Action::ShelveAlarm | Action::ManageReports => {
            (Role::Supervisor, Reach::Scoped)
        }
        Action::EditRules => (Role::Engineer, Reach::Scoped),
        Action::ReadSources | Action::ReadMetrics | Action::Rebuild => {
            (Role::Engineer, Reach::Plant)
        }
        Action::ManageUsers
        | Action::ReadAudit
        | Action::ChangeSettings
        | Action::ManageBackups => (Role::Administrator, Reach::Plant),
    }
}

#[test]
fn the_table_has_every_action_once_and_in_order() {
    for (rule, index) in TABLE.iter().zip(0..) {
        assert_eq!(rule.action as usize, index, "{}", rule.name);
        assert_eq!(rule.name.parse::<Action>().unwrap(), rule.action);
        let json = serde_json::to_string(&rule.action).unwrap();
        assert_eq!(json, format!("\"{}\"", rule.name), "serde and the table agree on the name");
    }
    let names: BTreeSet<&str> = TABLE.iter().map(|it| it.name).collect();
    assert_eq!(names.len(), TABLE.len());
    assert!("everything".parse::<Action>().is_err());
}

#[test]
fn roles_contain_the_roles_below_them() {
    for rule in &TABLE {
        let lowest = rule.roles.iter().min().unwrap();
        let above: Vec<Role> = Role::ALL.into_iter().filter(|it| it >= lowest).collect();
        assert_eq!(rule.roles, above, "{}", rule.name);
    }
}

#[test]
fn the_matrix_of_role_action_and_scope_is_as_intended() {
    let mut allowed = 0;
    for role in Role::ALL {
        for rule in &TABLE {
            for held_in in SCOPES {
                for asked_for in SCOPES {
                    let (lowest, reach) = lowest(rule.action);
                    let is_place = match reach {
                        Reach::Scoped => scope(held_in).covers(&scope(asked_for)),
                        Reach::Plant => held_in == "plant",
                        Reach::Own => true,
                    };
                    let expected = role >= lowest && is_place;
                    let found = rights(role, held_in).allows(rule.action, &scope(asked_for));
                    assert_eq!(found, expected, "{role} {} {held_in} {asked_for}", rule.name);
                    allowed += usize::from(found);
                }
            }
        }
    }
    // Per pair of a role and an action bound to its scope 14 of 36 pairs of scopes are allowed,
    // to the plant 6, to the person 36.
    let by_scope = 4 * 5 + 2 * 4 + 3 * 3 + 2;
    let by_plant = 3 * 2 + 4;
    assert_eq!(allowed, by_scope * 14 + by_plant * 6 + 2 * 5 * 36);
}

#[test]
fn nobody_may_do_anything_without_a_role() {
    for rule in &TABLE {
        for place in SCOPES {
            assert!(!Rights::default().allows(rule.action, &scope(place)));
        }
        assert_eq!(Rights::default().granted(rule.action), Granted::Nowhere);
    }
}

#[test]
fn a_temporary_password_allows_only_to_replace_it() {
    let rights = Rights { is_restricted: true, ..rights(Role::Administrator, "plant") };
    let allowed = TABLE.iter().filter(|it| rights.allows(it.action, &Scope::Plant));
    let names: Vec<&str> = allowed.map(|it| it.name).collect();
    assert_eq!(names, ["manage_own_account"]);
}

#[test]
fn no_token_carries_what_needs_a_session() {
    let actions = TABLE.iter().map(|it| it.action).collect();
    let limit = Some(TokenLimit { actions, scope: Scope::Plant });
    let rights = Rights { limit, ..rights(Role::Administrator, "plant") };
    for rule in &TABLE {
        assert_eq!(rights.allows(rule.action, &Scope::Plant), rule.by_token, "{}", rule.name);
    }
    let denied = [Action::ManageUsers, Action::ManageOwnTokens, Action::ManageOwnAccount];
    assert!(denied.iter().all(|it| !it.rule().by_token));
}

#[test]
fn scopes_that_others_cover_are_left_out_of_a_filter() {
    let held = ["line:SMT/1", "area:SMT", "line:THT/1"];
    let assignments = held.map(|it| Assignment::new(Role::Viewer, scope(it))).to_vec();
    let rights = Rights { assignments, ..Rights::default() };
    let expected = Granted::Only(vec![scope("area:SMT"), scope("line:THT/1")]);
    assert_eq!(rights.granted(Action::ReadTables), expected);
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop::sample::select(SCOPES.to_vec()).prop_map(scope)
}

fn any_rights() -> impl Strategy<Value = Rights> {
    let role = prop::sample::select(Role::ALL.to_vec());
    let held = (role, any_scope()).prop_map(|(role, scope)| Assignment::new(role, scope));
    prop::collection::vec(held, 0..4)
        .prop_map(|assignments| Rights { assignments, ..Rights::default() })
}

fn any_actions() -> impl Strategy<Value = BTreeSet<Action>> {
    let all: Vec<Action> = TABLE.iter().map(|it| it.action).collect();
    prop::sample::subsequence(all, 0..=TABLE.len()).prop_map(|it| it.into_iter().collect())
}

proptest! {
    #[test]
    fn a_token_never_exceeds_its_owner_its_actions_or_its_scope(
        owner in any_rights(), actions in any_actions(), within in any_scope(), place in any_scope()
    ) {
        let limit = TokenLimit { actions: actions.clone(), scope: within.clone() };
        let token = Rights { limit: Some(limit), ..owner.clone() };
        for rule in &TABLE {
            let is_within = match rule.reach {
                Reach::Scoped => within.covers(&place),
                Reach::Plant => within == Scope::Plant,
                Reach::Own => true,
            };
            let expected = rule.by_token
                && actions.contains(&rule.action)
                && is_within
                && owner.allows(rule.action, &place);
            prop_assert_eq!(token.allows(rule.action, &place), expected, "{}", rule.name);
        }
    }

    #[test]
    fn a_filter_and_the_check_agree(rights in any_rights(), place in any_scope()) {
        for rule in TABLE.iter().filter(|it| it.reach == Reach::Scoped) {
            let is_in_filter = match rights.granted(rule.action) {
                Granted::Nowhere => false,
                Granted::Everywhere => true,
                Granted::Only(scopes) => scopes.iter().any(|it| it.covers(&place)),
            };
            prop_assert_eq!(is_in_filter, rights.allows(rule.action, &place));
        }
    }
}
