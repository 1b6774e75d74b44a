//! A table of a replayed server, and what a contract reads of it.

use super::replay::{Replay, Reply};
use super::tokens::{self, Cell, Wire};
use crate::Error;
use crate::decode::testing::contract;
use crate::pull::{Pulled, Request};
use config::settings::Limits;
use plant::contract::{Contract, Format};
use plant::source::{Database, Increment, Pull, PullOrigin, Server, SqlRows, SqlSource, Watermark};
use std::collections::HashSet;
use std::io::Read as _;

/// The transaction of a replayed server.
pub const DESCRIPTOR: [u8; 8] = [7, 6, 5, 4, 3, 2, 1, 9];

/// A column of a table: name, type and collation.
pub type Described = (&'static str, &'static str, &'static str);

/// The answers that do not depend on rows.
#[derive(Clone)]
pub struct Table {
    pub columns: Vec<Described>,
    /// `snapshot`, `fixed` or `none`.
    pub isolation: &'static str,
    /// The last rowversion that is not in use.
    pub settled: i64,
}

impl Table {
    pub fn new(columns: &[Described]) -> Self {
        Self { columns: columns.to_vec(), isolation: "snapshot", settled: 2_000 }
    }

    /// A script that answers statements for rows by `rows`.
    pub fn script(
        self,
        mut rows: impl FnMut(&str) -> Reply + Send + 'static,
    ) -> impl FnMut(&str) -> Reply + Send + 'static {
        move |text| match text {
            text if text.contains("snapshot_isolation_state") => one(self.isolation),
            text if text.contains("MIN_ACTIVE_ROWVERSION") => one(&self.settled.to_string()),
            text if text.contains("SYSUTCDATETIME") => one("2026-11-27 06:00:00"),
            text if text.contains("sp_describe_first_result_set") => self.description(),
            text if text.contains("BEGIN TRANSACTION") => {
                Reply::Whole([tokens::transaction(DESCRIPTOR), tokens::done(0, false)].concat())
            }
            text => rows(text),
        }
    }

    fn description(&self) -> Reply {
        let columns = [
            ("is_hidden", Wire::Bit),
            ("column_ordinal", Wire::Int),
            ("name", Wire::Text),
            ("system_type_name", Wire::Text),
            ("collation_name", Wire::Text),
            ("user_type_name", Wire::Text),
        ];
        let text = |text: &str| if text.is_empty() { Cell::Null } else { text.into() };
        let mut out = tokens::metadata(&columns);
        for (ordinal, (name, type_name, collation)) in (1..).zip(&self.columns) {
            let is_user_type = ["geography", "hierarchyid"].contains(type_name);
            let (system, user) = if is_user_type { ("", *type_name) } else { (*type_name, "") };
            let (name, collation) = (text(name), text(collation));
            let cells =
                [Cell::Int(0), Cell::Int(ordinal), name, text(system), collation, text(user)];
            out.extend(tokens::row_without_nulls(&columns, &cells));
        }
        out.extend(tokens::procedure_done(self.columns.len() as u64));
        Reply::Whole(out)
    }
}

/// One row with one text.
pub fn one(text: &str) -> Reply {
    Reply::Whole(texts(&[&[text]]))
}

/// An answer with rows of texts; `NULL` is null.
pub fn texts(rows: &[&[&str]]) -> Vec<u8> {
    let width = rows.first().map_or(1, |row| row.len());
    let columns = vec![("", Wire::Text); width];
    let mut out = tokens::metadata(&columns);
    for row in rows {
        let cell = |text: &&str| if *text == "NULL" { Cell::Null } else { Cell::from(*text) };
        out.extend(tokens::row(&columns, &row.iter().map(cell).collect::<Vec<_>>()));
    }
    out.extend(tokens::done(rows.len() as u64, false));
    out
}

/// A contract that reads the table `dbo.orders` of the server on `port`.
pub fn source(port: u16, key: &[&str], watermark: Option<&str>) -> Contract {
    let server = Server {
        host: "127.0.0.1".into(),
        port,
        user: "cockpit".into(),
        database: "Production".into(),
        password: None,
        is_encrypted: false,
        ca_file: None,
    };
    let watermark = watermark.map(|column| Watermark {
        column: column.into(),
        overlap: None,
        clock_tolerance_s: None,
    });
    let sql = SqlSource {
        database: Database::SqlServer(server),
        rows: SqlRows::Table("dbo.orders".into()),
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        watermark,
        rows_per_s: None,
        statement_timeout_s: None,
    };
    let mut contract = contract(Format::CopyText, &["id"]);
    contract.table = "orders".into();
    contract.pull = Some(Pull { every_s: None, reading: 1, origin: PullOrigin::Sql(sql) });
    contract
}

/// The server of a contract.
pub fn server(contract: &mut Contract) -> &mut Server {
    let PullOrigin::Sql(sql) = &mut contract.pull.as_mut().unwrap().origin;
    let Database::SqlServer(server) = &mut sql.database else { panic!("another database") };
    server
}

/// Reads a contract once.
pub async fn read(contract: &Contract) -> Result<Option<Pulled>, Error> {
    read_after(contract, None, &Limits::default()).await
}

/// Reads a contract once, after the increment `last`.
pub async fn read_after(
    contract: &Contract,
    last: Option<&Increment>,
    limits: &Limits,
) -> Result<Option<Pulled>, Error> {
    let known = HashSet::new();
    let reading =
        crate::pull::read(Request { contract, limits, last, known: &known, sample: None });
    is_send(&reading);
    reading.await
}

/// Reads are tasks of a runtime with several threads.
fn is_send<T: Send>(_: &T) {}

/// The bytes of a pull as text.
pub fn lines(pulled: Pulled) -> Vec<String> {
    let mut text = String::new();
    pulled.bytes.into_file().read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The error of a read from a server.
pub async fn error(replay: &Replay) -> Error {
    read(&source(replay.port, &["id"], None)).await.unwrap_err()
}
