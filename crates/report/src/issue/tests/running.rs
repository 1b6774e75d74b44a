//! Runs of schedules, corrections and deliveries.

use super::world::{DAY_US, HOUR_US, Program, SECOND_US, T0, World, all, day};
use crate::differences::FigureChange;
use crate::issue::issuer::{DATA_FORMAT, Order};
use crate::issue::record::{DeliveryKind, DeliveryState, IssueCause};
use crate::testing::DAY;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Half an hour after T0: 07:00 in the plant.
const AT_SEVEN: &str = "at = \"07:00\"";
const SEVEN: i64 = T0 + HOUR_US / 2;

fn order(is_sent: bool) -> Order {
    Order {
        report: "daily".into(),
        parameters: BTreeMap::new(),
        language: None,
        cause: IssueCause::User("anna".into()),
        at_us: T0,
        is_sent,
    }
}

#[tokio::test]
async fn a_run_is_issued_once_at_its_time_and_delivered() {
    let world = World::new();
    let mut program = world.program("one", AT_SEVEN);
    program.at(T0).await;
    assert_eq!(program.days(), Vec::<String>::new());
    for now_us in [SEVEN, SEVEN + SECOND_US, SEVEN + HOUR_US] {
        program.at(now_us).await;
    }
    assert_eq!(program.days(), [day(DAY)]);
    let [issued] = program.issuer.issued(&all()).unwrap().try_into().unwrap();
    assert_eq!(issued.cause, IssueCause::Schedule { run_at_us: SEVEN });
    let (_, deliveries) = program.issuer.issued_with_deliveries(issued.id).unwrap();
    assert!(deliveries.iter().all(|it| it.state == DeliveryState::Sent), "{deliveries:?}");
    let kinds: Vec<_> = deliveries.iter().map(|it| it.content.kind).collect();
    assert_eq!(kinds, [DeliveryKind::Message, DeliveryKind::Folder]);
    for file in issued.files.iter().filter(|file| file.format != DATA_FORMAT) {
        let written = fs::read(Path::new(&world.path("sent/daily")).join(&file.name)).unwrap();
        let stored = program.issuer.file(issued.id, &file.format).unwrap();
        assert_eq!(written, stored.bytes, "{}", file.name);
    }
}

#[tokio::test]
async fn runs_missed_in_a_downtime_are_made_once_with_the_day_of_their_time() {
    let world = World::new();
    let mut program = world.program("one", AT_SEVEN);
    program.at(T0).await;
    drop(program);
    let mut program = world.program("one", AT_SEVEN);
    // Four days later, in the evening.
    program.at(SEVEN + 4 * DAY_US + 12 * HOUR_US).await;
    program.at(SEVEN + 4 * DAY_US + 13 * HOUR_US).await;
    assert_eq!(program.days(), [day(DAY + 4)]);
}

#[tokio::test]
async fn one_of_two_programs_with_one_lake_issues_a_run() {
    let world = World::new();
    let mut programs = [world.program("one", AT_SEVEN), world.program("two", AT_SEVEN)];
    for now_us in [T0, SEVEN, SEVEN + SECOND_US, SEVEN + DAY_US] {
        for program in &mut programs {
            program.at(now_us).await;
        }
    }
    let count = |program: &Program| program.days().len();
    assert_eq!(count(&programs[0]) + count(&programs[1]), 2);
    // A program with a new database continues after the runs that others issued.
    let mut third = world.program("three", AT_SEVEN);
    third.at(SEVEN + DAY_US + SECOND_US).await;
    assert_eq!(third.days(), Vec::<String>::new());
}

#[tokio::test]
async fn a_day_is_issued_when_it_is_final() {
    let world = World::new();
    let mut program = world.program("one", "when = \"final\"");
    program.at(T0).await;
    let end_us = T0 - HOUR_US / 2 + DAY_US;
    program.at(end_us - SECOND_US).await;
    assert_eq!(program.days(), Vec::<String>::new());
    program.at(end_us).await;
    assert_eq!(program.days(), [day(DAY + 1)]);
}

#[tokio::test]
async fn a_changed_figure_leads_to_a_correction_for_the_same_recipients() {
    let world = World::new();
    let mut program = world.program("one", AT_SEVEN);
    program.at(T0).await;
    program.at(SEVEN).await;
    // The same figures in a new version are no correction.
    world.lake.commit(&[("EP", 5), ("SB", 7)]);
    program.at(SEVEN + HOUR_US).await;
    assert_eq!(program.days().len(), 1);
    world.lake.commit(&[("EP", 5), ("SB", 9)]);
    program.at(SEVEN + 2 * HOUR_US).await;
    program.at(SEVEN + 3 * HOUR_US).await;
    let [new, old] = program.issuer.issued(&all()).unwrap().try_into().unwrap();
    assert_eq!((old.corrected_by, new.corrects), (Some(new.id), Some(old.id)));
    assert_eq!(new.parameters, old.parameters);
    let [difference] = new.differences.try_into().unwrap();
    assert_eq!((difference.query.as_str(), difference.row.as_str()), ("hours", "SB"));
    let FigureChange::Changed { before, after, .. } = difference.change else { panic!() };
    assert_eq!((before, after), (7.into(), 9.into()));
    let sent = |id: i64| {
        let (_, deliveries) = program.issuer.issued_with_deliveries(id).unwrap();
        deliveries.into_iter().map(|it| (it.content.recipient, it.state)).collect::<Vec<_>>()
    };
    assert_eq!(sent(new.id), sent(old.id));
    // The corrected report still has the bytes that were sent.
    let before = program.issuer.file(old.id, "csv").unwrap().bytes;
    assert!(String::from_utf8_lossy(&before).contains("SB,7"), "{before:?}");
}

#[tokio::test]
async fn an_issued_report_is_made_again_byte_for_byte_from_its_versions() {
    let world = World::new();
    let program = world.program("one", AT_SEVEN);
    let id = program.issuer.issue(&order(false), T0).await.unwrap().unwrap();
    world.lake.commit(&[("EP", 50), ("SB", 70)]);
    let (issued, deliveries) = program.issuer.issued_with_deliveries(id).unwrap();
    assert_eq!(deliveries, []);
    for made in program.issuer.remake(&issued).await.unwrap() {
        let stored = program.issuer.file(id, &made.format).unwrap();
        assert_eq!(made, stored);
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_made_leaves_nothing_and_is_tried_again() {
    let world = World::new();
    let mut program = world.program("one", AT_SEVEN);
    let wrong = Order { parameters: [("day".to_owned(), "soon".to_owned())].into(), ..order(true) };
    let error = program.issuer.issue(&wrong, T0).await.unwrap_err();
    assert!(error.to_string().contains("soon"), "{error}");
    assert_eq!(program.issuer.issued(&all()).unwrap(), []);
    program.at(T0).await;
    // The folder of the recipients cannot be made, because a file has its name.
    fs::write(world.path("sent"), "").unwrap();
    program.at(SEVEN).await;
    let [issued] = program.issuer.issued(&all()).unwrap().try_into().unwrap();
    let state = |program: &Program| {
        let (_, deliveries) = program.issuer.issued_with_deliveries(issued.id).unwrap();
        let folder = deliveries.into_iter().find(|it| it.content.kind == DeliveryKind::Folder);
        folder.map(|it| (it.state, it.attempts, it.last_error.is_some())).unwrap()
    };
    assert_eq!(state(&program), (DeliveryState::Waiting, 1, true));
    fs::remove_file(world.path("sent")).unwrap();
    program.at(SEVEN + HOUR_US).await;
    assert_eq!(state(&program), (DeliveryState::Sent, 2, false));
}
