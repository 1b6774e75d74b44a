//! Commands about the connection, which are not statements of SQL on tables.

/// A command, as far as it has an effect here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Begin,
    Commit,
    Rollback,
    /// `SAVEPOINT`, `RELEASE` and `ROLLBACK TO`: nothing changes, so there is nothing to return to.
    Savepoint(&'static str),
    /// `SET` with the value, or `RESET` without.
    Set {
        name: String,
        value: Option<String>,
    },
    ResetAll,
    Show(String),
    ShowAll,
    DiscardAll,
    /// `DEALLOCATE`: one prepared statement, or all.
    Deallocate(Option<String>),
    /// `CLOSE`: one cursor, or all.
    CloseCursor(Option<String>),
    Declare {
        name: String,
        query: String,
    },
    Fetch {
        name: String,
        rows: Option<u64>,
        is_move: bool,
    },
    Copy {
        query: String,
        format: CopyFormat,
    },
    /// A command without an effect, by its tag.
    Nothing(&'static str),
}

/// The format of `COPY ... TO STDOUT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    Text,
    Binary,
}

/// Words of `SHOW` that are statements about tables.
const OF_TABLES: [&str; 4] = ["TABLES", "COLUMNS", "FUNCTIONS", "CREATE"];

impl Command {
    /// The command of a statement; `None` if it is a statement on tables.
    ///
    /// # Errors
    /// The command is incomplete, or of a kind that is not supported: the message for the client.
    pub fn parse(statement: &str) -> Result<Option<Self>, String> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let upper: Vec<String> = words.iter().map(|it| it.to_uppercase()).collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        let command = match upper.as_slice() {
            ["BEGIN", ..] | ["START", "TRANSACTION", ..] => Self::Begin,
            ["COMMIT", ..] | ["END", ..] => Self::Commit,
            ["ROLLBACK" | "ABORT", rest @ ..] if rest.contains(&"TO") => {
                Self::Savepoint("ROLLBACK")
            }
            ["ROLLBACK" | "ABORT", ..] => Self::Rollback,
            ["SAVEPOINT", ..] => Self::Savepoint("SAVEPOINT"),
            ["RELEASE", ..] => Self::Savepoint("RELEASE"),
            ["SET", ..] => return set(statement).map(Some),
            ["RESET", "ALL"] => Self::ResetAll,
            ["RESET", ..] => Self::Set { name: words[1..].join(" "), value: None },
            ["SHOW", word, ..] if OF_TABLES.contains(word) => return Ok(None),
            ["SHOW", "ALL"] => Self::ShowAll,
            ["SHOW", "TIME", "ZONE"] => Self::Show("TimeZone".to_owned()),
            ["SHOW", "TRANSACTION", "ISOLATION", "LEVEL"] => {
                Self::Show("transaction_isolation".to_owned())
            }
            ["SHOW", ..] => Self::Show(words[1..].join(" ")),
            ["DISCARD", "ALL"] => Self::DiscardAll,
            ["DISCARD", ..] => Self::Nothing("DISCARD"),
            ["DEALLOCATE", rest @ ..] => Self::Deallocate(named(rest, &words)),
            ["CLOSE", rest @ ..] => Self::CloseCursor(named(rest, &words)),
            ["DECLARE", ..] => return declare(statement).map(Some),
            ["FETCH" | "MOVE", ..] => return fetch(&words, &upper).map(Some),
            ["COPY", ..] => return copy(statement).map(Some),
            ["LISTEN", ..] => Self::Nothing("LISTEN"),
            ["UNLISTEN", ..] => Self::Nothing("UNLISTEN"),
            _ => return Ok(None),
        };
        Ok(Some(command))
    }
}

/// The name at the end of a command; `None` for `ALL`.
fn named(rest: &[&str], words: &[&str]) -> Option<String> {
    let last = words.last()?;
    (!rest.is_empty() && !last.eq_ignore_ascii_case("all")).then(|| identifier(last))
}

/// A name: in lower case unless it is quoted.
fn identifier(word: &str) -> String {
    match word.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => word.to_lowercase(),
    }
}

fn set(statement: &str) -> Result<Command, String> {
    let mut rest = without_word(statement, "SET").unwrap_or_default();
    for scope in ["SESSION", "LOCAL"] {
        rest = without_word(rest, scope).unwrap_or(rest);
    }
    let of_transaction = ["CHARACTERISTICS", "TRANSACTION", "CONSTRAINTS", "AUTHORIZATION", "ROLE"];
    if of_transaction.iter().any(|word| without_word(rest, word).is_some()) {
        return Ok(Command::Nothing("SET"));
    }
    let (name, value) = if let Some(value) =
        without_word(rest, "TIME").and_then(|rest| without_word(rest, "ZONE"))
    {
        ("TimeZone", value)
    } else if let Some(value) = without_word(rest, "NAMES") {
        ("client_encoding", value)
    } else {
        let end = rest.find(|it: char| it == '=' || it.is_whitespace()).unwrap_or(rest.len());
        let (name, value) = rest.split_at(end);
        let value = value.trim_start();
        (name, value.strip_prefix('=').or_else(|| without_word(value, "TO")).unwrap_or_default())
    };
    if name.is_empty() || value.trim().is_empty() {
        return Err(format!("invalid command `{statement}`: expected SET name TO value"));
    }
    Ok(Command::Set { name: name.to_owned(), value: unquoted(value) })
}

/// The value of a parameter; `None` is its default.
fn unquoted(value: &str) -> Option<String> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("default") {
        return None;
    }
    let inner = value.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    Some(inner.map_or_else(|| value.to_owned(), |it| it.replace("''", "'")))
}

/// The rest of a text after its first word, if that is `word`.
fn without_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let (first, rest) = text.split_at_checked(word.len())?;
    let is_end = rest.is_empty() || rest.starts_with(|it: char| !it.is_alphanumeric() && it != '_');
    (first.eq_ignore_ascii_case(word) && is_end).then(|| rest.trim_start())
}

fn declare(statement: &str) -> Result<Command, String> {
    let expected =
        || format!("invalid command `{statement}`: expected DECLARE name CURSOR FOR query");
    let rest = without_word(statement, "DECLARE").unwrap_or_default();
    let (name, rest) = rest.split_once(char::is_whitespace).ok_or_else(expected)?;
    let mut rest = rest;
    loop {
        if let Some(query) = without_word(rest, "FOR") {
            return Ok(Command::Declare { name: identifier(name), query: query.to_owned() });
        }
        if without_word(rest, "BINARY").is_some() {
            return Err("binary cursors are not supported".to_owned());
        }
        (_, rest) = rest.split_once(char::is_whitespace).ok_or_else(expected)?;
    }
}

fn fetch(words: &[&str], upper: &[&str]) -> Result<Command, String> {
    let is_move = upper.first() == Some(&"MOVE");
    let name = words.last().filter(|_| words.len() > 1).map(|it| identifier(it));
    let name = name.ok_or_else(|| "invalid FETCH: expected a cursor".to_owned())?;
    let direction = upper.get(1..upper.len().saturating_sub(1)).unwrap_or_default();
    let direction: Vec<&str> =
        direction.iter().copied().filter(|it| !["FROM", "IN"].contains(it)).collect();
    let rows = match direction.as_slice() {
        [] | ["NEXT" | "FORWARD"] => Some(1),
        ["ALL"] | ["FORWARD", "ALL"] => None,
        [count] | ["FORWARD", count] if count.parse::<u64>().is_ok() => count.parse().ok(),
        _ => {
            return Err(
                "cursors only move forward: expected FETCH [FORWARD] count FROM name".to_owned()
            );
        }
    };
    Ok(Command::Fetch { name, rows, is_move })
}

fn copy(statement: &str) -> Result<Command, String> {
    let expected =
        || "only COPY (query) TO STDOUT and COPY table TO STDOUT are supported".to_owned();
    let rest = without_word(statement, "COPY").unwrap_or_default();
    let (query, rest) = match rest.strip_prefix('(') {
        Some(inner) => {
            let end = closing(inner).ok_or_else(expected)?;
            let (query, rest) = inner.split_at(end);
            (query.trim().to_owned(), rest.trim_start_matches(')'))
        }
        None => {
            let (table, rest) = rest.split_once(char::is_whitespace).ok_or_else(expected)?;
            (format!("SELECT * FROM {table}"), rest)
        }
    };
    let options = without_word(rest, "TO").and_then(|it| without_word(it, "STDOUT"));
    let options = options.ok_or_else(expected)?.to_uppercase();
    let has =
        |word: &str| options.split(|it: char| !it.is_alphanumeric()).any(|found| found == word);
    if has("CSV") || has("DELIMITER") || has("HEADER") {
        return Err("COPY writes text or binary: use /api/v1/query?format=csv for CSV".to_owned());
    }
    let format = if has("BINARY") { CopyFormat::Binary } else { CopyFormat::Text };
    Ok(Command::Copy { query, format })
}

/// The position of the parenthesis that closes one before `text`.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_to(name: &str, value: &str) -> Command {
        Command::Set { name: name.to_owned(), value: Some(value.to_owned()) }
    }

    #[track_caller]
    fn check(statement: &str, expected: Command) {
        assert_eq!(Command::parse(statement), Ok(Some(expected)), "{statement}");
    }

    #[test]
    fn commands_of_clients_are_recognised() {
        check("BEGIN", Command::Begin);
        check("begin read only", Command::Begin);
        check("ROLLBACK TO SAVEPOINT a", Command::Savepoint("ROLLBACK"));
        check("SET extra_float_digits = 3", set_to("extra_float_digits", "3"));
        check("SET SESSION TimeZone='UTC'", set_to("TimeZone", "UTC"));
        check("set time zone 'Asia/Kolkata'", set_to("TimeZone", "Asia/Kolkata"));
        check("SET application_name TO 'it''s'", set_to("application_name", "it's"));
        check("SET DateStyle='ISO'", set_to("DateStyle", "ISO"));
        check("SET a TO DEFAULT", Command::Set { name: "a".into(), value: None });
        check("SET TRANSACTION READ ONLY", Command::Nothing("SET"));
        check("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Command::Nothing("SET"));
        check("SHOW TRANSACTION ISOLATION LEVEL", Command::Show("transaction_isolation".into()));
        check("DISCARD ALL", Command::DiscardAll);
        check("DEALLOCATE PREPARE \"P1\"", Command::Deallocate(Some("P1".into())));
        check("DEALLOCATE ALL", Command::Deallocate(None));
        check("CLOSE c1", Command::CloseCursor(Some("c1".into())));
    }

    #[test]
    fn cursors_and_copies_are_recognised() {
        let query = "SELECT 1 FOR x".to_owned();
        let declared = Command::Declare { name: "c".into(), query };
        check("DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 1 FOR x", declared);
        let fetch = |rows| Command::Fetch { name: "c".into(), rows, is_move: false };
        check("FETCH 100 IN c", fetch(Some(100)));
        check("FETCH FORWARD ALL FROM \"c\"", fetch(None));
        check("FETCH c", fetch(Some(1)));
        let copy = |query: &str, format| Command::Copy { query: query.into(), format };
        check(
            "COPY (select ')' from (select 1)) TO STDOUT (FORMAT binary)",
            copy("select ')' from (select 1)", CopyFormat::Binary),
        );
        check("COPY gold.x TO stdout", copy("SELECT * FROM gold.x", CopyFormat::Text));
    }

    #[test]
    fn statements_on_tables_are_no_commands() {
        for statement in
            ["select 1", "SHOW TABLES", "WITH x AS (SELECT 1) TABLE x", "", "VALUES (1)"]
        {
            assert_eq!(Command::parse(statement), Ok(None), "{statement}");
        }
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for statement in [
            "FETCH PRIOR FROM c",
            "FETCH",
            "COPY x FROM STDIN",
            "COPY (select 1) TO '/tmp/x'",
            "COPY x TO PROGRAM 'sh'",
            "DECLARE c BINARY CURSOR FOR SELECT 1",
            "DECLARE c",
            "SET",
        ] {
            assert!(Command::parse(statement).is_err(), "{statement}");
        }
    }
}
