//! Rows of a table that another program added or removed.
//!
//! In: entries of the log of a table, oldest first.
//! Out: the first of them that another program committed, if its rows are still changed.
//! Promise: commits of the cockpit, of its Python package and of programs that only move rows to other files
//! are never reported, and neither are changes that a later commit takes back or a rebuild replaces.

use crate::delta::table::RETENTION;
use crate::error::Error;
use config::model::TableName;
use deltalake::kernel::{Action, CommitInfo, DeletionVectorDescriptor, Version};
use std::collections::BTreeSet;

/// Entry of a commit with the version of the program. An older package of Python does not refine the table.
pub const WRITER: &str = "cockpitVersion";

/// How the program names itself in commits that it writes entry by entry.
pub const ENGINE: &str = "cockpit:";

/// How delta-rs names itself in commits.
const LIBRARY: &str = "delta-rs:";

/// Tables that hold records as received, and that cannot be computed from others.
const LANDED_SCHEMA: &str = "bronze";

/// A data file, with the deletion vector that hides some of its rows.
type DataFile = (String, Option<String>);

/// Changes of other programs.
#[derive(Debug, Default)]
pub struct ForeignChanges {
    first: Option<(Version, String)>,
    added: BTreeSet<DataFile>,
    removed: BTreeSet<DataFile>,
}

impl ForeignChanges {
    /// Reads the entry of a version.
    pub fn read(&mut self, version: Version, actions: &[Action]) {
        if is_own(actions) {
            if replaces_rows(actions) {
                // A step checks its table before it commits, unless it computes all of it again.
                *self = Self::default();
            }
            return;
        }
        for action in actions {
            match action {
                Action::Add(add) if add.data_change => {
                    let file = (add.path.clone(), vector(add.deletion_vector.as_ref()));
                    exchange(&mut self.removed, &mut self.added, file);
                }
                Action::Remove(remove) if remove.data_change => {
                    let file = (remove.path.clone(), vector(remove.deletion_vector.as_ref()));
                    exchange(&mut self.added, &mut self.removed, file);
                }
                _ => continue,
            }
            self.first.get_or_insert_with(|| (version, described(actions)));
        }
    }

    /// The error of a table whose rows another program changed.
    pub fn into_error(self, table: &TableName) -> Option<Error> {
        let (version, operation) = self.first?;
        if self.added.is_empty() && self.removed.is_empty() {
            return None;
        }
        let before = version.saturating_sub(1);
        let remedy = if table.schema == LANDED_SCHEMA {
            format!(
                "restore version {before} of it, for example by `DeltaTable.restore({before})` of the Python \
                 package deltalake"
            )
        } else {
            "compute it again with `cockpit rebuild`".to_owned()
        };
        Some(Error::ForeignChange { table: table.clone(), version, operation, remedy })
    }
}

/// Whether the program or its Python package wrote a commit. Versions before the entry [`WRITER`] committed
/// their checkpoints with the rows.
pub fn is_own(actions: &[Action]) -> bool {
    is_marked(actions) || actions.iter().any(|action| matches!(action, Action::Txn(_)))
}

/// Whether a commit names the program that wrote it.
pub fn is_marked(actions: &[Action]) -> bool {
    infos(actions).any(|info| {
        let engine = info.engine_info.as_deref().unwrap_or_default();
        info.info.contains_key(WRITER) || engine.starts_with(ENGINE)
    })
}

/// Whether a commit may be an append of a version of the program that did not mark its commits. It wrote them with
/// delta-rs, and rejected records without a checkpoint.
pub fn may_be_of_older_version(actions: &[Action]) -> bool {
    let mut infos = infos(actions);
    infos.any(|info| info.engine_info.as_deref().is_some_and(|it| it.starts_with(LIBRARY)))
        && !actions.iter().any(|action| matches!(action, Action::Remove(_)))
}

/// Whether a commit of the program replaces rows, other than those that expire.
fn replaces_rows(actions: &[Action]) -> bool {
    let is_expiry = |it: &Action| matches!(it, Action::Txn(it) if it.app_id == RETENTION);
    let replaces = |it: &Action| matches!(it, Action::Remove(it) if it.data_change);
    actions.iter().any(replaces) && !actions.iter().any(is_expiry)
}

fn infos(actions: &[Action]) -> impl Iterator<Item = &CommitInfo> {
    actions.iter().filter_map(|action| match action {
        Action::CommitInfo(info) => Some(info),
        _ => None,
    })
}

/// Adds a file to one set, unless it only takes its entry in the other one back.
fn exchange(takes_back: &mut BTreeSet<DataFile>, set: &mut BTreeSet<DataFile>, file: DataFile) {
    if !takes_back.remove(&file) {
        set.insert(file);
    }
}

fn vector(descriptor: Option<&DeletionVectorDescriptor>) -> Option<String> {
    descriptor.map(|it| format!("{}@{}", it.path_or_inline_dv, it.offset.unwrap_or_default()))
}

/// The operation of a commit and the engine that made it.
fn described(actions: &[Action]) -> String {
    let described = infos(actions).map(of_info).next();
    described.unwrap_or_else(|| "a commit without information".to_owned())
}

fn of_info(info: &CommitInfo) -> String {
    let operation = info.operation.as_deref().unwrap_or("a commit");
    match info.engine_info.as_deref() {
        Some(engine) => format!("{operation} by {engine}"),
        None => operation.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OTHERS: &str = r#"{"operation":"DELETE","engineInfo":"delta-rs:1"}"#;

    fn entry(info: &str, adds: &[&str], removes: &[&str], data_change: bool) -> Vec<Action> {
        let add = |path: &&str| {
            json!({ "add": {
                "path": path, "partitionValues": {}, "size": 1, "modificationTime": 0,
                "dataChange": data_change,
            }})
        };
        let remove = |path: &&str| json!({ "remove": { "path": path, "dataChange": data_change, "deletionTimestamp": 0 }});
        let info =
            json!({ "commitInfo": serde_json::from_str::<serde_json::Value>(info).unwrap() });
        let files = adds.iter().map(add).chain(removes.iter().map(remove));
        [info].into_iter().chain(files).map(|it| serde_json::from_value(it).unwrap()).collect()
    }

    #[track_caller]
    fn check(entries: &[Vec<Action>], schema: &str, expected: Option<&str>) {
        let mut changes = ForeignChanges::default();
        for (version, actions) in (1..).zip(entries) {
            changes.read(version, actions);
        }
        let error = changes.into_error(&TableName::new(schema, "t"));
        let found = error.map(|error| error.to_string());
        match expected {
            Some(expected) => assert!(found.is_some_and(|it| it.contains(expected)), "{expected}"),
            None => assert_eq!(found, None),
        }
    }

    #[test]
    fn rows_that_another_program_changed_are_reported_with_version_and_operation() {
        let deleted = [entry(OTHERS, &["b"], &["a"], true)];
        check(&deleted, "silver", Some("version 1, DELETE by delta-rs:1"));
        check(&deleted, "silver", Some("cockpit rebuild"));
        check(&deleted, "bronze", Some("restore version 0"));
        check(&[entry("{}", &["b"], &[], true)], "gold", Some("a commit"));
    }

    #[test]
    fn commits_of_the_program_and_moved_rows_are_not_reported() {
        let own = [
            r#"{"operation":"WRITE","engineInfo":"delta-rs:1","cockpitVersion":"0.1.0"}"#,
            r#"{"operation":"WRITE","engineInfo":"cockpit:0.1.0"}"#,
        ];
        check(&own.map(|info| entry(info, &["b"], &["a"], true)), "silver", None);
        check(&[entry(OTHERS, &["b"], &["a"], false)], "silver", None);
        let mut older = entry(OTHERS, &["b"], &["a"], true);
        let checkpoint = json!({ "txn": { "appId": "bronze.t", "version": 3 } });
        older.push(serde_json::from_value(checkpoint).unwrap());
        check(&[older], "silver", None);
    }

    #[test]
    fn a_rebuild_replaces_the_changes_of_others() {
        let own = r#"{"operation":"WRITE","cockpitVersion":"0.1.0"}"#;
        let deleted = entry(OTHERS, &["b"], &["a"], true);
        check(&[deleted.clone(), entry(own, &["c"], &["b"], true)], "silver", None);
        check(&[deleted.clone(), entry(own, &["c"], &[], true)], "silver", Some("version 1"));
        check(&[deleted.clone(), entry(own, &["c"], &["b"], false)], "silver", Some("version 1"));
        let mut expired = entry(own, &[], &["b"], true);
        let retention = json!({ "txn": { "appId": RETENTION, "version": 3 } });
        expired.push(serde_json::from_value(retention).unwrap());
        check(&[deleted, expired], "bronze", Some("version 1"));
    }

    #[test]
    fn appends_of_an_older_version_are_recognised() {
        let append = r#"{"operation":"WRITE","engineInfo":"delta-rs:1"}"#;
        assert!(may_be_of_older_version(&entry(append, &["b"], &[], true)));
        assert!(!may_be_of_older_version(&entry(append, &["b"], &["a"], true)));
        assert!(!may_be_of_older_version(&entry(r#"{"engineInfo":"spark"}"#, &["b"], &[], true)));
    }

    #[test]
    fn a_change_that_is_taken_back_is_not_reported() {
        let restored = entry(r#"{"operation":"RESTORE"}"#, &["a"], &["b"], true);
        let deleted = entry(OTHERS, &["b"], &["a"], true);
        check(&[deleted.clone(), restored.clone()], "bronze", None);
        check(&[deleted.clone(), restored, deleted], "bronze", Some("version 1"));
    }
}
