//! One transaction of a database, which only reads.

use super::columns::SqlColumn;
use super::dialect::Dialect;
use super::pace::Pace;
use crate::Error;
use anyhow::Context as _;
use config::secret::{SecretRef, SecretText};
use config::settings::Limits;
use plant::source::{Server, SqlSource};

/// Receives the rows of a statement, each as a line of COPY text with its newline.
pub type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), Error> + Send + 'a;

/// A connection in one transaction, which only reads.
pub trait Session: Send {
    const DIALECT: Dialect;

    /// The columns of what follows FROM.
    async fn columns(&mut self, from: &str) -> Result<Vec<SqlColumn>, Error>;

    /// The rows of a statement, in their order, at most as fast as `pace`.
    async fn rows(
        &mut self,
        statement: &str,
        pace: &mut Pace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error>;

    /// The statement for the time of the database as `yyyy-MM-dd HH:mm:ss`: in UTC, or, for times without a
    /// zone, the later of UTC and the database's own zone.
    fn now_statement(&self, has_zone: bool) -> String;

    /// The greatest number of a column that no transaction in progress can take any more; `None` if the
    /// database does not provide it.
    fn settled(&self, _column: &SqlColumn) -> Option<i64> {
        None
    }

    /// A restriction of the transaction, as a sentence without a period.
    fn note(&self) -> Option<String> {
        None
    }

    /// Ends the connection.
    async fn close(self);

    /// The first value of a statement's first row.
    async fn value(&mut self, statement: &str) -> Result<Option<String>, Error> {
        let mut found = None;
        let mut sink = |line: &[u8]| {
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
            found = crate::decode::copy_text::text(&text).map(std::borrow::Cow::into_owned);
            Ok(())
        };
        self.rows(statement, &mut Pace::unlimited(), &mut sink).await?;
        Ok(found)
    }

    /// The time of the database.
    async fn now(&mut self, has_zone: bool) -> Result<String, Error> {
        let statement = self.now_statement(has_zone);
        Ok(self.value(&statement).await?.unwrap_or_default())
    }
}

/// The password of the user, if the contract refers to one.
///
/// # Errors
/// [`Error::Config`] if it cannot be read.
pub fn password(server: &Server) -> Result<Option<SecretText>, Error> {
    let Some(reference) = &server.password else { return Ok(None) };
    let read = reference.parse::<SecretRef>().and_then(|reference| reference.read());
    let user = &server.user;
    read.with_context(|| format!("no password for the user {user} of {}", server.host))
        .map(Some)
        .map_err(Error::Config)
}

/// The longest time of a statement in seconds.
pub fn statement_timeout_s(source: &SqlSource, limits: &Limits) -> u64 {
    source.statement_timeout_s.unwrap_or(limits.pull.sql_statement_timeout_s).max(1)
}
