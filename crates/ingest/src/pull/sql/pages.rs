//! Pages of rows along the key.
//!
//! A page starts at the last key of the page before, whose rows are read again: with a key that is not
//! unique, a page that started behind it would miss rows. Rows of the last key are therefore held back until
//! the key changes, and are dropped at the end of a full page.

use super::columns::{SqlColumn, position};
use super::dialect::Dialect;
use super::pace::Pace;
use super::session::{Session, Sink};
use super::watermark::is_later;
use crate::Error;
use crate::decode::copy_text::{raw_field, text};
use crate::pull::Request;
use plant::source::SqlSource;

/// A column that rows are ordered by.
#[derive(Debug, Clone)]
struct OrderColumn {
    /// Position among the columns.
    at: usize,
    /// Its name in quotes.
    name: String,
    column: SqlColumn,
}

/// The statements for the rows of a source.
#[derive(Debug)]
pub struct Pages {
    dialect: Dialect,
    from: String,
    selected: String,
    /// The watermark, if there is one, then the key.
    order: Vec<OrderColumn>,
    /// Least watermark, as a literal.
    start: Option<String>,
    has_watermark: bool,
    rows_per_page: u64,
    rows_per_s: u64,
}

/// How many rows were read.
#[derive(Debug)]
pub struct Rows {
    /// Rows so far.
    pub read: u64,
    /// Rows after which reading ends at the end of a page.
    most: u64,
    /// Reading ends only behind this watermark, so that each increment makes progress.
    after: Option<String>,
    /// Whether reading ended before the last row.
    pub is_cut: bool,
}

impl Rows {
    pub fn new(request: &Request<'_>) -> Self {
        let is_whole = request.contract.pull.as_ref().is_some_and(plant::source::Pull::is_whole);
        let most = if is_whole { u64::MAX } else { request.limits.pull.pull_records };
        let most = request.sample.unwrap_or(most);
        let after = request.last.map(|last| last.to.clone());
        Self { read: 0, most, after, is_cut: false }
    }
}

/// The rows of the last key of a page, held back.
#[derive(Debug, Default)]
struct Held {
    lines: Vec<u8>,
    ends: Vec<usize>,
    key: Vec<Vec<u8>>,
}

impl Held {
    fn is_of(&self, line: &[u8], order: &[OrderColumn]) -> bool {
        let same = |(key, column): (&Vec<u8>, &OrderColumn)| {
            raw_field(line, column.at) == Some(key.as_slice())
        };
        !self.key.is_empty() && self.key.iter().zip(order).all(same)
    }

    fn start(&mut self, line: &[u8], order: &[OrderColumn]) {
        self.key.clear();
        let fields = order.iter().map(|it| raw_field(line, it.at).unwrap_or_default().to_vec());
        self.key.extend(fields);
    }

    fn push(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
        self.ends.push(self.lines.len());
    }

    fn release(&mut self, rows: &mut Rows, sink: &mut Sink<'_>) -> Result<(), Error> {
        let mut from = 0;
        for to in self.ends.drain(..) {
            sink(&self.lines[from..to])?;
            rows.read += 1;
            from = to;
        }
        self.lines.clear();
        Ok(())
    }

    fn drop_rows(&mut self) {
        self.lines.clear();
        self.ends.clear();
    }
}

impl Pages {
    /// # Errors
    /// [`Error::Data`] if the source lacks a column of the key or the watermark.
    pub fn new(
        dialect: Dialect,
        from: String,
        columns: &[SqlColumn],
        source: &SqlSource,
        request: &Request<'_>,
    ) -> Result<Self, Error> {
        let watermark = source.watermark.as_ref().map(|it| &it.column);
        let mut order: Vec<OrderColumn> = Vec::new();
        for name in watermark.into_iter().chain(&source.key) {
            let at = position(columns, name)?;
            if order.iter().all(|it| it.at != at) {
                let column = columns[at].clone();
                order.push(OrderColumn { at, name: dialect.name(&column.name), column });
            }
        }
        let limits = &request.limits.pull;
        // Without aliases: an ORDER BY would take them for the columns.
        let selected: Vec<String> =
            columns.iter().map(|it| dialect.selected(it, dialect.name(&it.name))).collect();
        let rows_per_s = source.rows_per_s.unwrap_or(limits.sql_rows_per_s);
        let most = request.sample.unwrap_or(u64::MAX);
        Ok(Self {
            dialect,
            from,
            selected: selected.join(", "),
            order,
            start: None,
            has_watermark: watermark.is_some(),
            // A page takes at most a second or so, far below the limit of statements.
            rows_per_page: limits.sql_page_rows.min(rows_per_s).min(most).max(1),
            rows_per_s,
        })
    }

    /// Reads rows from this watermark on.
    pub fn start_at(&mut self, watermark: Option<&str>) {
        let first = watermark.zip(self.order.first());
        self.start = first.map(|(text, first)| self.dialect.literal(text, &first.column));
    }

    /// The statement for the greatest value of a column.
    pub fn greatest(&self, column: &SqlColumn) -> String {
        let greatest = format!("MAX({})", self.dialect.name(&column.name));
        let greatest = self.dialect.selected(column, greatest);
        format!("SELECT {greatest} FROM {}", self.from)
    }

    /// Reads all rows: those with a whole key in its order, then the others.
    pub async fn read_all<S: Session>(
        &self,
        session: &mut S,
        rows: &mut Rows,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut pace = Pace::new(self.rows_per_s);
        if self.order.is_empty() {
            let limit = if rows.most == u64::MAX { None } else { Some(rows.most) };
            let statement = self.statement(None, None, limit);
            let mut counted = |line: &[u8]| {
                rows.read += 1;
                sink(line)
            };
            return session.rows(&statement, &mut pace, &mut counted).await;
        }
        self.read_ordered(session, &mut pace, rows, sink).await?;
        if rows.is_cut {
            return Ok(());
        }
        let statement = self.statement(Some(&self.without_key()), None, None);
        let mut counted = |line: &[u8]| {
            rows.read += 1;
            sink(line)
        };
        session.rows(&statement, &mut pace, &mut counted).await
    }

    async fn read_ordered<S: Session>(
        &self,
        session: &mut S,
        pace: &mut Pace,
        rows: &mut Rows,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let mut limit = self.rows_per_page;
        let mut held = Held::default();
        loop {
            let (read_before, mut found) = (rows.read, 0);
            let statement =
                self.statement(Some(&self.key_condition(&held)?), Some(()), Some(limit));
            let mut hold = |line: &[u8]| {
                found += 1;
                if !held.is_of(line, &self.order) {
                    held.release(rows, sink)?;
                    held.start(line, &self.order);
                }
                held.push(line);
                Ok(())
            };
            session.rows(&statement, pace, &mut hold).await?;
            if found < limit {
                return held.release(rows, sink);
            }
            if rows.read + held.ends.len() as u64 >= rows.most && self.is_behind(&held, rows)? {
                rows.is_cut = true;
                return held.release(rows, sink);
            }
            held.drop_rows();
            // A page of one key alone: the next has to reach beyond it.
            limit =
                if rows.read == read_before { limit.saturating_mul(2) } else { self.rows_per_page };
        }
    }

    /// Whether the held rows are behind the watermark of the last increment.
    fn is_behind(&self, held: &Held, rows: &Rows) -> Result<bool, Error> {
        let (Some(after), Some(raw)) = (&rows.after, held.key.first()) else { return Ok(true) };
        let chars = std::str::from_utf8(raw).map_err(not_text)?;
        Ok(!self.has_watermark || is_later(&text(chars).unwrap_or_default(), after))
    }

    fn statement(&self, filter: Option<&str>, ordered: Option<()>, limit: Option<u64>) -> String {
        let mut rest = format!("{} FROM {}", self.selected, self.from);
        if let Some(filter) = filter {
            rest += &format!(" WHERE {filter}");
        }
        if ordered.is_some() {
            let names: Vec<&str> = self.order.iter().map(|it| it.name.as_str()).collect();
            rest += &format!(" ORDER BY {}", names.join(", "));
        }
        self.dialect.select(&rest, limit)
    }

    /// The condition for rows with a whole key, from that of the held rows on.
    fn key_condition(&self, held: &Held) -> Result<String, Error> {
        let whole: Vec<String> =
            self.order.iter().map(|column| format!("{} IS NOT NULL", column.name)).collect();
        let mut conditions = vec![whole.join(" AND ")];
        if held.key.is_empty() {
            conditions.extend(
                self.start.iter().map(|start| format!("{} >= {start}", self.order[0].name)),
            );
        } else {
            conditions.push(self.tuple_condition(&held.key)?);
        }
        Ok(conditions.join(" AND "))
    }

    /// The order of tuples by the order of their parts. The first condition is one that an index can use.
    fn tuple_condition(&self, key: &[Vec<u8>]) -> Result<String, Error> {
        let mut literals = Vec::with_capacity(key.len());
        for (column, raw) in self.order.iter().zip(key) {
            let chars = std::str::from_utf8(raw).map_err(not_text)?;
            let value = text(chars).unwrap_or_default();
            literals.push((&column.name, self.dialect.literal(&value, &column.column)));
        }
        let mut condition = String::new();
        for (name, literal) in literals.iter().rev() {
            condition = match condition.is_empty() {
                true => format!("{name} >= {literal}"),
                false => format!("{name} >= {literal} AND ({name} > {literal} OR ({condition}))"),
            };
        }
        Ok(condition)
    }

    /// The condition for rows whose key is not whole.
    fn without_key(&self) -> String {
        let null: Vec<String> =
            self.order.iter().map(|column| format!("{} IS NULL", column.name)).collect();
        let mut condition = format!("({})", null.join(" OR "));
        if let Some(start) = &self.start {
            let name = &self.order[0].name;
            condition += &format!(" AND ({name} IS NULL OR {name} >= {start})");
        }
        condition
    }
}

fn not_text(_error: std::str::Utf8Error) -> Error {
    Error::Data(
        "a value of the key is not UTF-8; name other columns as key, or none to read without pages"
            .to_owned(),
    )
}
