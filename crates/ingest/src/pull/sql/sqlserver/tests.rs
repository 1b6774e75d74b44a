//! Reads from a server that replays the protocol. None of them reaches a real one.

mod encryption;
mod failures;
mod replay;
mod tokens;
mod values;
mod world;

use config::settings::Limits;
use plant::source::Increment;
use replay::{Login, Replay, Reply};
use std::sync::{Arc, Mutex};
use world::{DESCRIPTOR, Table, lines, read, read_after, source, texts};

const ORDERS: [world::Described; 2] =
    [("id", "int", ""), ("name", "nvarchar(50)", "Latin1_General_100_CI_AS")];

/// The number behind `before` in a statement.
fn number_behind(text: &str, before: &str) -> Option<usize> {
    let (_, rest) = text.split_once(before)?;
    rest.split(|sign: char| !sign.is_ascii_digit()).next()?.parse().ok()
}

/// Answers pages of a table with the ids from 1 to `last`, and with `names`.
fn pages(last: usize) -> impl FnMut(&str) -> Reply + Send + 'static {
    move |text| {
        let Some(most) = number_behind(text, "TOP (") else {
            assert!(text.ends_with("WHERE ([id] IS NULL)"), "{text}");
            return Reply::Whole(texts(&[]));
        };
        let from = number_behind(text, ">= CONVERT(int, N'").unwrap_or(1);
        let rows: Vec<[String; 2]> =
            (from..=last).take(most).map(|id| [id.to_string(), format!("Größe {id}")]).collect();
        let rows: Vec<[&str; 2]> =
            rows.iter().map(|[id, name]| [id.as_str(), name.as_str()]).collect();
        Reply::Whole(texts(&rows.iter().map(|row| &row[..]).collect::<Vec<_>>()))
    }
}

#[tokio::test]
async fn pages_along_the_key_have_each_row_once_and_are_one_transaction() {
    let replay = Replay::new(Table::new(&ORDERS).script(pages(7)));
    let mut limits = Limits::default();
    limits.pull.sql_page_rows = 3;
    let contract = source(replay.port, &["id"], None);
    let pulled = read_after(&contract, None, &limits).await.unwrap().unwrap();
    assert_eq!((pulled.records, pulled.place.to_string()), (7, "orders/1".to_owned()));
    assert!(pulled.notes.is_empty(), "{:?}", pulled.notes);
    let expected: Vec<String> = (1..=7).map(|id| format!("{id}\tGröße {id}")).collect();
    assert_eq!(lines(pulled)[1..], expected);

    let seen = replay.seen();
    let user = Login {
        user: "cockpit".into(),
        password: String::new(),
        program: "cockpit".into(),
        database: "Production".into(),
        is_read_only: true,
    };
    assert_eq!(seen.logins, [user]);
    let begun = seen.batches.iter().position(|(text, _)| text.contains("BEGIN TRANSACTION"));
    let (before, inside) = seen.batches.split_at(begun.unwrap() + 1);
    let begin = &before.last().unwrap().0;
    assert!(begin.contains("ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION"), "{begin}");
    assert!(begin.contains("SET TEXTSIZE 2147483647; "), "{begin}");
    assert!(begin.contains("SET LOCK_TIMEOUT 30000; "), "{begin}");
    assert!(before.iter().all(|(_, descriptor)| *descriptor == [0; 8]), "{before:?}");
    assert!(inside.iter().all(|(_, descriptor)| *descriptor == DESCRIPTOR), "{inside:?}");
    assert_eq!(
        inside[0].0,
        "EXEC sys.sp_describe_first_result_set @tsql = N'SELECT * FROM [dbo].[orders]'"
    );
    assert_eq!(
        inside[2].0,
        "SELECT TOP (3) CONVERT(nvarchar(20), [id]), [name] FROM [dbo].[orders] WHERE [id] IS NOT NULL \
         AND [id] >= CONVERT(int, N'3') ORDER BY [id]"
    );
    // Pages from 1, 3, 5 and 7, and the rows without a key.
    assert_eq!(inside.len(), 1 + 4 + 1);
}

#[tokio::test]
async fn a_read_without_a_key_is_one_statement() {
    let statements = Arc::new(Mutex::new(Vec::new()));
    let script = {
        let statements = statements.clone();
        move |text: &str| {
            statements.lock().unwrap().push(text.to_owned());
            Reply::Whole(texts(&[&["1", "NULL"], &["2", ""]]))
        }
    };
    let replay = Replay::new(Table::new(&ORDERS).script(script));
    let pulled = read(&source(replay.port, &[], None)).await.unwrap().unwrap();
    assert_eq!(lines(pulled), ["id\tname", "1\t\\N", "2\t"]);
    let expected = "SELECT CONVERT(nvarchar(20), [id]), [name] FROM [dbo].[orders]";
    assert_eq!(*statements.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn a_database_without_snapshots_is_read_with_a_note() {
    for (isolation, has_note) in [("none", true), ("fixed", false), ("snapshot", false)] {
        let table = Table { isolation, ..Table::new(&ORDERS) };
        let replay = Replay::new(table.script(pages(1)));
        let pulled = read(&source(replay.port, &["id"], None)).await.unwrap().unwrap();
        assert_eq!(pulled.notes.len(), usize::from(has_note), "{isolation}: {:?}", pulled.notes);
        let seen = replay.seen();
        let begun = seen.batches.iter().find(|(text, _)| text.contains("BEGIN TRANSACTION"));
        let begun = &begun.unwrap().0;
        assert_eq!(begun.contains("LEVEL SNAPSHOT"), isolation == "snapshot", "{begun}");
        assert_eq!(begun.contains("LEVEL READ COMMITTED"), isolation != "snapshot", "{begun}");
    }
}

#[tokio::test]
async fn an_increment_by_rowversion_ends_before_the_numbers_in_use() {
    // A transaction in progress has taken 2001 and 2002. A replica does not have it.
    for (isolation, to) in [("snapshot", "1999"), ("fixed", "2003")] {
        let script = |text: &str| match text.contains("TOP (") {
            true => Reply::Whole(texts(&[&["1", "1990"], &["2", "1999"], &["3", "2003"]])),
            false => Reply::Whole(texts(&[])),
        };
        let columns = [("id", "int", ""), ("version", "timestamp", "")];
        let table = Table { isolation, ..Table::new(&columns) };
        let replay = Replay::new(table.script(script));
        let contract = source(replay.port, &["id"], Some("version"));
        let last = Increment { number: 4, to: "1500".into(), last: "1500".into() };
        let limits = Limits::default();
        let pulled = read_after(&contract, Some(&last), &limits).await.unwrap().unwrap();
        assert_eq!(pulled.place.to_string(), format!("orders/1/5?to={to}&last=2003"));
        assert_eq!((pulled.records, pulled.notes.len()), (3, 0));
        let seen = replay.seen();
        let page = seen.batches.iter().find(|(text, _)| text.contains("TOP ("));
        let statement = &page.unwrap().0;
        // 1000 numbers before the last watermark, as bytes.
        assert!(
            statement.contains("[version] >= 0x00000000000001F4 ORDER BY [version], [id]"),
            "{statement}"
        );
        assert!(
            statement.contains("CONVERT(nvarchar(20), CONVERT(bigint, [version]))"),
            "{statement}"
        );
    }
}

#[tokio::test]
async fn an_increment_by_time_reads_the_overlap_again() {
    let columns = [("id", "int", ""), ("changed", "datetime2(7)", "")];
    let statements = Arc::new(Mutex::new(Vec::new()));
    let script = {
        let statements = statements.clone();
        move |text: &str| {
            statements.lock().unwrap().push(text.to_owned());
            match text.contains("TOP (") {
                // The second is a day after the clock of the database.
                true => Reply::Whole(texts(&[
                    &["1", "2026-11-27 05:59:59.1234567"],
                    &["2", "2026-11-28 06:00:00.0000000"],
                ])),
                false => Reply::Whole(texts(&[])),
            }
        }
    };
    let replay = Replay::new(Table::new(&columns).script(script));
    let contract = source(replay.port, &["id"], Some("changed"));
    let to = "2026-11-27 05:50:00.5000000";
    let last = Increment { number: 1, to: to.into(), last: to.into() };
    let limits = Limits::default();
    let pulled = read_after(&contract, Some(&last), &limits).await.unwrap().unwrap();
    let increment = pulled.place.increment.clone().unwrap();
    assert_eq!(increment.to, "2026-11-27 05:59:59.1234567");
    assert!(pulled.notes[0].contains("in the future"), "{:?}", pulled.notes);
    let statement = statements.lock().unwrap()[0].clone();
    let start = "[changed] >= CONVERT(datetime2(7), N'2026-11-27T05:40:00.500')";
    assert!(statement.contains(start), "{statement}");
}

#[tokio::test]
async fn a_watermark_that_went_backwards_is_reported() {
    let columns = [("id", "int", ""), ("changed", "datetime", "")];
    let script = |text: &str| match text.starts_with("SELECT CONVERT(nvarchar(27), MAX([changed])")
    {
        true => Reply::Whole(texts(&[&["2026-01-01 00:00:00.003"]])),
        false => Reply::Whole(texts(&[])),
    };
    let replay = Replay::new(Table::new(&columns).script(script));
    let contract = source(replay.port, &["id"], Some("changed"));
    let to = "2026-11-27 05:50:00.007";
    let last = Increment { number: 1, to: to.into(), last: to.into() };
    let error = read_after(&contract, Some(&last), &Limits::default()).await.unwrap_err();
    assert!(error.to_string().contains("`changed` went backwards"), "{error}");
}
