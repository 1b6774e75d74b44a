//! `docs/permissions.md`, made from the table.

use super::{Reach, Role, Rule, TABLE};
use std::fmt::Write;

const INTRODUCTION: &str = "# Permissions

Generated from the table in `crates/access/src/permission.rs`; do not edit. `UPDATE=1 cargo test -p
access` rewrites this page.

A person holds roles, each in a scope: the whole plant, an area, or a line. What no line below gives
to a role is denied. The column *where* says how a permission is bound to a place:

- *scope*: only in the scope of the role. Rows and live values of other places are left out.
- *plant*: only if the role is held for the whole plant.
- *own*: for the person's own account or tokens, whatever the scope of the role.

An API token has some of the rights of its owner, in a scope of its own, and never more than the
owner has at the time of the request. A dash under *token* means that no token can carry the
permission: it needs a session.

";

/// The whole page, in Markdown.
pub fn page() -> String {
    let mut text = INTRODUCTION.to_owned();
    let roles = Role::ALL.map(Role::name).join(" | ");
    text.push_str(&format!("| permission | allows to | where | {roles} | token |\n"));
    text.push_str(&format!("|---|---|---|{}---|\n", ":-:|".repeat(Role::ALL.len())));
    for rule in &TABLE {
        text.push_str(&line(rule));
    }
    text
}

fn line(rule: &Rule) -> String {
    let mark = |is_given: bool| if is_given { "yes" } else { "–" };
    let place = match rule.reach {
        Reach::Scoped => "scope",
        Reach::Plant => "plant",
        Reach::Own => "own",
    };
    let mut text = format!("| `{}` | {} | {place} |", rule.name, rule.text);
    for role in Role::ALL {
        // Writing to a text cannot fail.
        write!(text, " {} |", mark(rule.roles.contains(&role))).unwrap_or_default();
    }
    format!("{text} {} |\n", mark(rule.by_token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_page_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/permissions.md");
        if is_update() {
            fs::write(path, page()).unwrap();
        }
        let stored = fs::read_to_string(path).unwrap_or_default();
        assert_eq!(stored, page(), "run UPDATE=1 cargo test -p access");
    }

    #[expect(clippy::disallowed_methods, reason = "goldens are rewritten on request")]
    fn is_update() -> bool {
        std::env::var_os("UPDATE").is_some()
    }
}
