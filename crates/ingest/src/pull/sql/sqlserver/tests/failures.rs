//! Errors of the server and of the connection.

use super::replay::{Replay, Reply};
use super::tokens::{self, Cell, Wire};
use super::world::{Table, error, read, source, texts};
use super::{ORDERS, pages};
use crate::Error;
use plant::source::PullOrigin;

fn refused(number: u32, class: u8, message: &str) -> Vec<u8> {
    [tokens::error(number, class, message), tokens::failed()].concat()
}

#[tokio::test]
async fn a_login_that_fails_is_about_user_and_password() {
    let replay = Replay::refusing(refused(18_456, 14, "Login failed for user 'cockpit'."));
    let error = error(&replay).await;
    assert!(matches!(error, Error::Auth(_)), "{error:?}");
    let place = format!("sqlserver://cockpit@127.0.0.1:{}/Production", replay.port);
    let expected = format!("{place}: Login failed for user 'cockpit'. (18456); check user");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn an_absent_database_is_reported_before_the_login_that_it_fails() {
    let absent = tokens::error(4060, 11, "Cannot open database \"Production\".");
    let login = refused(18_456, 14, "Login failed for user 'cockpit'.");
    let error = error(&Replay::refusing([absent, login].concat())).await;
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    assert!(error.to_string().contains("(4060)"), "{error}");
}

#[tokio::test]
async fn an_absent_table_is_reported_by_its_description() {
    let replay = Replay::new(|text| match text.contains("sp_describe_first_result_set") {
        true => Reply::Whole(
            [
                tokens::error(208, 16, "Invalid object name 'dbo.orders'."),
                tokens::error(11_501, 16, "The metadata could not be determined."),
                tokens::failed(),
            ]
            .concat(),
        ),
        false => Reply::Whole(texts(&[&["1"]])),
    });
    let error = error(&replay).await;
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    assert!(error.to_string().contains("Invalid object name 'dbo.orders'. (208)"), "{error}");
}

/// The kind of the error that a statement for rows fails with.
async fn failed_with(number: u32, class: u8) -> (&'static str, String) {
    let script = move |_: &str| Reply::Whole(refused(number, class, "It failed."));
    let error = error(&Replay::new(Table::new(&ORDERS).script(script))).await;
    let kind = match &error {
        Error::Auth(_) => "auth",
        Error::NotFound(_) => "absent",
        Error::Unreachable(_) => "passing",
        Error::Data(_) => "contract",
        _ => "other",
    };
    (kind, error.to_string())
}

#[tokio::test]
async fn errors_are_classified_by_what_helps() {
    let cases = [
        (1205, 13, "passing", "ALLOW_SNAPSHOT_ISOLATION"),
        (1222, 16, "passing", "ALLOW_SNAPSHOT_ISOLATION"),
        (3961, 16, "passing", "(3961)"),
        (596, 21, "passing", "(596)"),
        (701, 17, "passing", "(701)"),
        (40_613, 14, "passing", "(40613)"),
        (229, 14, "absent", "privileges"),
        (916, 14, "absent", "privileges"),
        (207, 16, "contract", "`watermark`"),
        (102, 15, "contract", "`query`"),
        (3952, 16, "contract", "(3952)"),
    ];
    for (number, class, kind, part) in cases {
        let (found, text) = failed_with(number, class).await;
        assert_eq!(found, kind, "{text}");
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn rows_before_an_error_do_not_become_a_pull() {
    let script = |_: &str| {
        let wires = [("", Wire::Text), ("", Wire::Text)];
        let row = tokens::row(&wires, &["1".into(), Cell::Null]);
        let deadlock = tokens::error(1205, 13, "Transaction was deadlocked.");
        Reply::Whole([tokens::metadata(&wires), row, deadlock, tokens::failed()].concat())
    };
    let error = error(&Replay::new(Table::new(&ORDERS).script(script))).await;
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}

/// An answer of many rows that ends behind this number of bytes.
fn beginning(bytes: usize) -> Vec<u8> {
    let row = ["1", "a name of some length"];
    let mut tokens = texts(&vec![&row[..]; 100]);
    tokens.truncate(bytes);
    tokens
}

#[tokio::test]
async fn a_connection_that_is_lost_does_not_become_a_pull() {
    // Behind whole rows, and in the middle of one.
    let wires = [("", Wire::Text), ("", Wire::Text)];
    let row = tokens::row(&wires, &["1".into(), "a name of some length".into()]).len();
    let at = tokens::metadata(&wires).len() + 40 * row;
    for bytes in [at, at + 3] {
        let script = move |_: &str| Reply::Cut(beginning(bytes));
        let error = error(&Replay::new(Table::new(&ORDERS).script(script))).await;
        assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
        assert!(error.to_string().contains("has ended the connection"), "{error}");
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cancelled() {
    let script = |_: &str| Reply::Stalled(Vec::new());
    let replay = Replay::new(Table::new(&ORDERS).script(script));
    let mut contract = source(replay.port, &["id"], None);
    let PullOrigin::Sql(sql) = &mut contract.pull.as_mut().unwrap().origin;
    sql.statement_timeout_s = Some(1);
    let error = read(&contract).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains("a statement took too long"), "{error}");
    assert_eq!(replay.seen().cancelled, 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let contract = source(listener.local_addr().unwrap().port(), &["id"], None);
    let mut limits = config::settings::Limits::default();
    limits.pull.sql_connect_timeout_s = 1;
    let error = super::read_after(&contract, None, &limits).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert!(error.to_string().ends_with("no answer within 1 s"), "{error}");
}

#[tokio::test]
async fn a_referral_to_another_server_is_followed() {
    let target = Replay::new(Table::new(&ORDERS).script(pages(2)));
    let routing = tokens::routing("127.0.0.1\\node1", target.port);
    let referral = [tokens::login_ack(), routing, tokens::done(0, false)].concat();
    let listener = Replay::refusing(referral);
    let pulled = read(&source(listener.port, &["id"], None)).await.unwrap().unwrap();
    assert_eq!(pulled.records, 2);
    assert_eq!((listener.seen().logins.len(), target.seen().logins.len()), (1, 1));
}

#[tokio::test]
async fn a_circle_of_referrals_ends() {
    let replay = Replay::circle();
    let error = error(&replay).await;
    assert!(error.to_string().contains("it referred to another server 4 times"), "{error}");
    assert_eq!(replay.seen().logins.len(), 4);
}
