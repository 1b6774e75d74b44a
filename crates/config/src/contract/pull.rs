//! Sources that are read on a schedule: `[sql]`.

use crate::alarms::value::duration;
use crate::secret::SecretRef;
use crate::toml_reader::TomlReader;
use plant::source::{Database, Overlap, Pull, PullOrigin, Server, SqlRows, SqlSource, Watermark};
use url::Url;

/// Keys of dumps that have no meaning for rows of a database.
const OF_DUMPS: [&str; 2] = ["paths", "topics"];

const URL_REMEDY: &str = "Write \"postgresql://user@host:5432/database\", \
                          \"mysql://user@host:3306/database\", \
                          \"sqlserver://user@host:1433/database\" or \"sqlite:path/of/file.db\".";

/// Reads the table of a source that is read on a schedule; `None` if there is none.
pub(super) fn pull(reader: &mut TomlReader<'_, '_>) -> Option<Pull> {
    let table = reader.table("sql")?;
    if reader.has("format") {
        reader.allow(&["format"]);
        reader.note(
            "format",
            "`format` beside `[sql]`",
            "Remove it: rows of a database have no format.",
        );
    }
    for key in OF_DUMPS.into_iter().filter(|key| reader.has(key)) {
        reader.note(key, format!("`{key}` beside `[sql]`"), "Write a contract for each source.");
    }
    reader.allow(&OF_DUMPS);
    sql(table)
}

fn sql(mut reader: TomlReader<'_, '_>) -> Option<Pull> {
    let database = database(&mut reader);
    let rows = rows(&mut reader);
    check_query(&reader, database.as_ref(), rows.as_ref());
    let key = reader.texts("key").unwrap_or_default();
    let watermark = watermark(&mut reader, &key);
    let every_s = seconds(&mut reader, "every");
    let reading = positive(&mut reader, "reading").unwrap_or(1);
    let rows_per_s = positive(&mut reader, "rows_per_second");
    let statement_timeout_s = seconds(&mut reader, "statement_timeout");
    reader.finish();
    let (database, rows) = (database?, rows?);
    let sql = SqlSource { database, rows, key, watermark, rows_per_s, statement_timeout_s };
    Some(Pull { every_s, reading, origin: PullOrigin::Sql(sql) })
}

fn rows(reader: &mut TomlReader<'_, '_>) -> Option<SqlRows> {
    let (table, query) = (reader.text("table"), reader.text("query"));
    match (table, query) {
        (Some(table), None) if !table.is_empty() => Some(SqlRows::Table(table)),
        (None, Some(query)) => {
            let query = query.trim().trim_end_matches(';').trim().to_owned();
            let start = query.get(..6).unwrap_or_default().to_ascii_lowercase();
            if start != "select" && !start.starts_with("with") {
                reader.note("query", "`query` is not a SELECT statement", "Write SELECT … FROM ….");
            }
            Some(SqlRows::Query(query))
        }
        _ => {
            let remedy = "Write table = \"schema.table\" or query = \"SELECT …\", one of them.";
            reader.note("table", "expected `table` or `query`", remedy);
            None
        }
    }
}

/// SQL Server accepts no WITH where the query is put, which is behind FROM.
fn check_query(reader: &TomlReader<'_, '_>, database: Option<&Database>, rows: Option<&SqlRows>) {
    let (Some(Database::SqlServer(_)), Some(SqlRows::Query(query))) = (database, rows) else {
        return;
    };
    if query.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("with")) {
        let remedy = "Write SELECT … FROM (SELECT …) AS name, or create a view.";
        reader.note("query", "`query` begins with WITH, which SQL Server cannot read from", remedy);
    }
}

fn watermark(reader: &mut TomlReader<'_, '_>, key: &[String]) -> Option<Watermark> {
    let column = reader.text("watermark");
    let overlap = match reader.has("overlap") && !reader.is_integer("overlap") {
        true => seconds(reader, "overlap").map(Overlap::Seconds),
        false => reader.number("overlap").map(Overlap::Numbers),
    };
    let clock_tolerance_s = seconds(reader, "clock_tolerance");
    let Some(column) = column else {
        for key in ["overlap", "clock_tolerance"].into_iter().filter(|key| reader.has(key)) {
            let remedy = "Remove it, or write watermark = \"updated_at\".";
            reader.note(key, format!("`{key}` without `watermark`"), remedy);
        }
        return None;
    };
    if key.is_empty() {
        let remedy = "Write key = [\"id\"]: the columns that identify a row.";
        reader.note("watermark", "`watermark` without `key`", remedy);
    }
    Some(Watermark { column, overlap, clock_tolerance_s })
}

fn database(reader: &mut TomlReader<'_, '_>) -> Option<Database> {
    let password = password(reader);
    let (tls, ca_file) = (reader.flag("tls"), reader.text("ca_file"));
    let text = reader.required("url", URL_REMEDY)?;
    if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Some(Database::Sqlite(path.to_owned()));
    }
    match server(&text, password, tls, ca_file) {
        Ok(database) => Some(database),
        Err(problem) => {
            reader.note("url", format!("invalid url: {problem}"), URL_REMEDY);
            None
        }
    }
}

/// The server of a URL. The error does not repeat the URL, which may have a password.
fn server(
    text: &str,
    password: Option<String>,
    tls: Option<bool>,
    ca_file: Option<String>,
) -> Result<Database, &'static str> {
    if text.contains('\\') {
        return Err(
            "it has a backslash; write the port of a named instance, and a user with a password",
        );
    }
    let Ok(url) = Url::parse(text) else { return Err("expected a URL") };
    if url.password().is_some() {
        return Err("it has a password; write password = \"env:NAME\" instead");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            "nothing may follow the name of the database; other settings are keys of [sql]",
        );
    }
    let (make, default_port): (fn(Server) -> Database, u16) = match url.scheme() {
        "postgresql" | "postgres" => (Database::Postgres, 5432),
        "mysql" | "mariadb" => (Database::MySql, 3306),
        "sqlserver" | "mssql" => (Database::SqlServer, 1433),
        _ => return Err("expected postgresql, mysql, sqlserver or sqlite before the colon"),
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let (user, database) = (url.username().to_owned(), url.path().trim_matches('/').to_owned());
    if host.is_empty() || user.is_empty() || database.is_empty() {
        return Err("expected user, host and database");
    }
    let is_here =
        host == "localhost" || host.parse().is_ok_and(|it: std::net::IpAddr| it.is_loopback());
    let port = url.port().unwrap_or(default_port);
    let is_encrypted = tls.unwrap_or(!is_here);
    Ok(make(Server { host, port, user, database, password, is_encrypted, ca_file }))
}

/// A reference to the password. The password itself is refused, and not repeated.
fn password(reader: &mut TomlReader<'_, '_>) -> Option<String> {
    let text = reader.text("password")?;
    if let Err(error) = text.parse::<SecretRef>() {
        reader.note("password", error.to_string(), "Write a reference here.");
        return None;
    }
    Some(text)
}

/// A duration in seconds, rounded up.
fn seconds(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<u64> {
    let us = duration(reader, key)?.unsigned_abs();
    Some(us.div_ceil(1_000_000))
}

fn positive(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<u64> {
    let number = reader.number(key)?;
    if number == 0 {
        reader.note(key, format!("`{key}` is 0"), "Write a number from 1.");
        return None;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader::Findings;

    fn read(text: &str) -> (Option<Pull>, String) {
        let findings = Findings::new("orders.toml", text);
        let document = findings.parse();
        let pull = pull(&mut TomlReader::new(document.get_ref(), 0, &findings));
        let notes: Vec<String> =
            findings.into_diagnostics().iter().map(ToString::to_string).collect();
        (pull, notes.join("\n"))
    }

    #[test]
    fn a_source_is_read_with_its_defaults() {
        let text = "[sql]\nurl = 'postgresql://cockpit@mes-db/mes'\npassword = 'env:MES'\n\
                    table = 'public.orders'\nkey = ['id']\nwatermark = 'updated_at'\noverlap = '90 s'\n";
        let (pull, notes) = read(text);
        assert_eq!(notes, "");
        let pull = pull.unwrap();
        assert_eq!(pull.address(), "postgresql://cockpit@mes-db:5432/mes");
        assert!(!pull.is_whole());
        let PullOrigin::Sql(sql) = &pull.origin;
        assert_eq!(sql.watermark.as_ref().unwrap().overlap, Some(Overlap::Seconds(90)));
        let Database::Postgres(server) = &sql.database else { panic!("{:?}", sql.database) };
        assert!(server.is_encrypted);
    }

    #[test]
    fn a_server_on_this_machine_needs_no_encryption() {
        for (host, expected) in [("localhost", false), ("127.0.0.1", false), ("10.0.0.1", true)] {
            let found = server(&format!("mysql://u@{host}/d"), None, None, None);
            let Ok(Database::MySql(server)) = found else { panic!("{found:?}") };
            assert_eq!((server.is_encrypted, server.port), (expected, 3306), "{host}");
        }
    }

    #[test]
    fn a_sql_server_is_read_with_its_port_and_password() {
        let (pull, notes) = read(
            "[sql]\nurl = 'sqlserver://cockpit@mes-db/Production'\npassword = 'env:MES'\n\
             query = 'SELECT id FROM dbo.orders'\nca_file = '/etc/ssl/mes.pem'\n",
        );
        assert_eq!(notes, "");
        let pull = pull.unwrap();
        assert_eq!(pull.address(), "sqlserver://cockpit@mes-db:1433/Production");
        let PullOrigin::Sql(sql) = &pull.origin;
        let Database::SqlServer(server) = &sql.database else { panic!("{:?}", sql.database) };
        assert_eq!((server.database.as_str(), server.is_encrypted), ("Production", true));
        assert_eq!(server.password.as_deref(), Some("env:MES"));
        assert_eq!(server.ca_file.as_deref(), Some("/etc/ssl/mes.pem"));
    }

    #[test]
    fn mistakes_are_noted_with_their_line() {
        let check = |text: &str, expected: &str| {
            let notes = read(&format!("[sql]\n{text}\n")).1;
            assert!(notes.contains(expected), "{text}: {notes}");
        };
        let url = "url = 'sqlite:a.db'\n";
        check("url = 'postgresql://a:b@c/d'\ntable = 't'", "orders.toml:2");
        check("url = 'postgresql://a:hunter2@c/d'\ntable = 't'", "it has a password");
        check("url = 'oracle://a@c/d'\ntable = 't'", "expected postgresql, mysql, sqlserver");
        let sqlserver = "url = 'sqlserver://a@c/d'\n";
        check("url = 'sqlserver://a@c\\prod/d'\ntable = 't'", "write the port of a named instance");
        check("url = 'sqlserver://a:hunter2@c/d'\ntable = 't'", "it has a password");
        check("url = 'sqlserver://a@c/'\ntable = 't'", "expected user, host and database");
        check(&format!("{sqlserver}query = 'WITH a AS (SELECT 1 AS b) SELECT b FROM a'"), "WITH");
        check(url, "expected `table` or `query`");
        check(&format!("{url}table = 't'\nquery = 'SELECT 1'"), "expected `table` or `query`");
        check(&format!("{url}query = 'DELETE FROM t'"), "not a SELECT");
        check(&format!("{url}table = 't'\nwatermark = 'w'"), "`watermark` without `key`");
        check(&format!("{url}table = 't'\noverlap = 3"), "`overlap` without `watermark`");
        check(&format!("{url}table = 't'\npassword = 'hunter2'"), "env:NAME");
        check(&format!("{url}table = 't'\nrows = 1"), "unknown key `rows`");
        assert!(
            !read("[sql]\npassword = 'hunter2'\nurl = 'mysql://a:hunter2@b/c'")
                .1
                .contains("hunter2")
        );
        assert!(
            read("format = 'parquet'\n[sql]\nurl = 'sqlite:a'\ntable = 't'")
                .1
                .contains("`format` beside")
        );
    }
}
