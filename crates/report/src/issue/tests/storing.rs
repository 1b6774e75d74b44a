//! The store of issued reports and the queue of their deliveries.

use crate::differences::{Difference, FigureChange};
use crate::issue::queue::{self, DeliveryOutcome};
use crate::issue::record::{
    Delivery, DeliveryKind, DeliveryState, IssueCause, IssuedFile, NewDelivery, NewIssue,
};
use crate::issue::store::{self, IssuedQuery};
use crate::source::{TableVersion, Versions};
use access::{Database, Error, Settings};
use config::settings::NotificationLimits;
use serde_json::Map;
use tempfile::TempDir;

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;
const T0: i64 = 1_767_587_400 * SECOND_US;

fn database() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("state.sqlite"), &Settings::default());
    (folder, database.unwrap())
}

fn delivery(recipient: &str) -> NewDelivery {
    NewDelivery {
        kind: DeliveryKind::Message,
        target: "mail".into(),
        recipient: recipient.into(),
        address: None,
        formats: vec!["pdf".into()],
        due_at_us: T0,
    }
}

fn issue(cause: IssueCause) -> NewIssue {
    NewIssue {
        report: "shift-summary".into(),
        title: "Shift summary".into(),
        language: "en".into(),
        parameters: Map::new(),
        issued_at_us: T0,
        cause,
        data_as_of_us: Some(T0 - HOUR_US),
        versions: versions(3),
        is_correctable: true,
        corrects: None,
        differences: Vec::new(),
        files: vec![IssuedFile {
            format: "pdf".into(),
            name: "shift-summary.pdf".into(),
            bytes: b"%PDF-1.7".as_slice().into(),
        }],
        deliveries: vec![delivery("anna")],
    }
}

fn versions(version: u64) -> Versions {
    [("gold.oee_shift".to_owned(), TableVersion { version, committed_at_us: T0 })].into()
}

fn scheduled(run_at_us: i64) -> NewIssue {
    issue(IssueCause::Schedule { run_at_us })
}

fn insert(database: &Database, new: &NewIssue) -> Option<i64> {
    database.write(|tx| store::insert(tx, new)).unwrap()
}

fn claim(database: &Database, now_us: i64) -> Vec<Delivery> {
    let limits = NotificationLimits { messages_per_hour: 2, ..NotificationLimits::default() };
    database.write(|tx| queue::claim(tx, &limits, 10, now_us)).unwrap()
}

fn finish(database: &Database, id: i64, outcome: &DeliveryOutcome) {
    database.write(|tx| queue::finish(tx, id, outcome, T0)).unwrap();
}

#[test]
fn a_report_is_read_as_it_was_stored() {
    let (_folder, database) = database();
    let new = issue(IssueCause::User("anna".into()));
    let id = insert(&database, &new).unwrap();
    let (stored, file) =
        database.read(|tx| Ok((store::get(tx, id)?, store::file(tx, id, "pdf")?))).unwrap();
    assert_eq!((stored.cause, stored.versions), (new.cause, new.versions));
    assert_eq!((stored.issued_at_us, stored.data_as_of_us), (T0, Some(T0 - HOUR_US)));
    assert_eq!(stored.files[0].size_bytes, 8);
    assert_eq!(file, new.files[0]);
    let missing = database.read(|tx| store::file(tx, id, "xlsx")).unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
}

#[test]
fn damaged_bytes_are_refused() {
    let (_folder, database) = database();
    let id = insert(&database, &scheduled(T0)).unwrap();
    let damage = "UPDATE report_files SET bytes = x'00'";
    database.write(|tx| Ok(tx.execute(damage, [])?)).unwrap();
    let error = database.read(|tx| store::file(tx, id, "pdf")).unwrap_err();
    assert!(error.to_string().contains("changed"), "{error}");
}

#[test]
fn a_run_is_issued_once_and_a_report_is_corrected_once() {
    let (_folder, database) = database();
    let first = insert(&database, &scheduled(T0)).unwrap();
    assert_eq!(insert(&database, &scheduled(T0)), None);
    assert!(insert(&database, &scheduled(T0 + 1)).is_some());
    let difference = Difference {
        query: "hours".into(),
        row: "10".into(),
        change: FigureChange::Changed {
            column: "Made".into(),
            unit: None,
            before: 5.into(),
            after: 6.into(),
        },
    };
    let correction = NewIssue {
        corrects: Some(first),
        differences: vec![difference.clone()],
        ..issue(IssueCause::Correction)
    };
    let second = insert(&database, &correction).unwrap();
    assert_eq!(insert(&database, &correction), None);
    let (old, new) =
        database.read(|tx| Ok((store::get(tx, first)?, store::get(tx, second)?))).unwrap();
    assert_eq!((old.corrected_by, new.corrects), (Some(second), Some(first)));
    assert_eq!((new.differences, new.differences_total), (vec![difference], 1));
    let open = database.read(|tx| store::correctable(tx, T0)).unwrap();
    assert!(
        open.iter().all(|it| it.id != first),
        "a corrected report is corrected by its successor"
    );
    assert!(open.iter().any(|it| it.id == second));
}

#[test]
fn the_list_is_paged_by_report() {
    let (_folder, database) = database();
    let ids: Vec<i64> = (0..3).filter_map(|run| insert(&database, &scheduled(T0 + run))).collect();
    insert(&database, &NewIssue { report: "stock".into(), ..scheduled(T0) }).unwrap();
    let list = |before| {
        let query = IssuedQuery { report: Some("shift-summary".into()), before, limit: 2 };
        let rows = database.read(|tx| store::list(tx, &query)).unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None), [ids[2], ids[1]]);
    assert_eq!(list(Some(ids[1])), [ids[0]]);
}

#[test]
fn a_delivery_is_attempted_once_at_a_time_and_again_after_a_failure() {
    let (_folder, database) = database();
    let id = insert(&database, &scheduled(T0)).unwrap();
    let [first] = claim(&database, T0).try_into().unwrap();
    assert_eq!((first.issued, first.attempts, first.state), (id, 1, DeliveryState::Sending));
    assert_eq!(claim(&database, T0), []);
    let due_at_us = T0 + SECOND_US;
    let retry = DeliveryOutcome::Retry { due_at_us, error: "no connection".into() };
    finish(&database, first.id, &retry);
    assert_eq!(claim(&database, T0), []);
    assert_eq!(claim(&database, due_at_us)[0].attempts, 2);
    // The program is killed during the attempt.
    database.write(|tx| queue::recover(tx, due_at_us)).unwrap();
    assert_eq!(claim(&database, due_at_us)[0].attempts, 3);
    finish(&database, first.id, &DeliveryOutcome::Failed { error: "refused".into() });
    assert_eq!(database.read(|tx| queue::backlog(tx)).unwrap().failed, 1);
    database.write(|tx| queue::retry(tx, first.id, T0)).unwrap();
    assert_eq!(claim(&database, T0)[0].attempts, 1);
    finish(&database, first.id, &DeliveryOutcome::Sent);
    let [sent] = database.read(|tx| queue::list(tx, id)).unwrap().try_into().unwrap();
    assert_eq!((sent.state, sent.sent_at_us), (DeliveryState::Sent, Some(T0)));
    assert!(database.write(|tx| queue::retry(tx, first.id, T0)).is_err(), "it is not failed");
}

#[test]
fn a_recipient_gets_no_more_messages_than_the_budget_of_an_hour() {
    let (_folder, database) = database();
    for run in 0..3 {
        insert(&database, &scheduled(T0 + run)).unwrap();
    }
    assert_eq!(claim(&database, T0).len(), 2);
    assert_eq!(claim(&database, T0 + HOUR_US - 1), []);
    assert_eq!(claim(&database, T0 + HOUR_US).len(), 1);
}

#[test]
fn the_same_recipient_of_two_lists_gets_one_message() {
    let (_folder, database) = database();
    let deliveries = vec![delivery("anna"), delivery("anna"), delivery("joy")];
    let id = insert(&database, &NewIssue { deliveries, ..scheduled(T0) }).unwrap();
    assert_eq!(database.read(|tx| queue::list(tx, id)).unwrap().len(), 2);
}

#[test]
fn expired_reports_leave_with_their_files_and_deliveries() {
    let (_folder, database) = database();
    let first = insert(&database, &scheduled(T0)).unwrap();
    let later = NewIssue {
        corrects: Some(first),
        issued_at_us: T0 + HOUR_US,
        ..issue(IssueCause::Correction)
    };
    let later = insert(&database, &later).unwrap();
    assert_eq!(database.write(|tx| store::expire(tx, T0 + 1)).unwrap(), 1);
    let left = database.read(|tx| {
        let count = |table| {
            tx.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))
        };
        Ok((store::get(tx, later)?.corrects, count("report_files")?, count("report_deliveries")?))
    });
    assert_eq!(left.unwrap(), (None, 1, 1));
}

#[test]
fn a_schedule_begins_when_it_is_first_seen_and_never_goes_back() {
    let (_folder, database) = database();
    let last = |now_us| database.write(|tx| store::last_run_us(tx, "stock", now_us)).unwrap();
    assert_eq!(last(T0), T0);
    assert_eq!(last(T0 + HOUR_US), T0);
    let note = |at_us| database.write(|tx| store::note_run(tx, "stock", at_us)).unwrap();
    note(T0 + SECOND_US);
    note(T0);
    assert_eq!(last(T0 + HOUR_US), T0 + SECOND_US);
}
