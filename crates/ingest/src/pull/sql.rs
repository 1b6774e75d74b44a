//! Tables and queries of databases.
//!
//! *In*: a database, a table or a query, and the last watermark. *Out*: rows as lines of COPY text, the
//! database's own text of every value. *Promise*: one transaction that only reads and sees one state of the
//! database; pages along the key, so that each statement is short; at most as many rows per second as
//! configured; memory for one page at most.

mod columns;
mod dialect;
mod increment;
mod mysql;
mod pace;
mod pages;
mod postgres;
mod session;
mod sqlite;
mod sqlserver;
mod watermark;

use crate::Error;
use crate::pull::{Pulled, Request, Spool};
use config::settings::Limits;
use increment::Increments;
use pages::{Pages, Rows};
use plant::source::{Database, Increment, Overlap, PullPlace, SqlSource};
use session::Session;

/// Reads a table or a query.
pub(crate) async fn read(
    request: &Request<'_>,
    source: &SqlSource,
) -> Result<Option<Pulled>, Error> {
    match &source.database {
        Database::Postgres(server) => {
            let session = postgres::open(server, source, request.limits).await?;
            Box::pin(read_in(session, request, source)).await
        }
        Database::MySql(server) => {
            let session = mysql::open(server, source, request.limits).await?;
            Box::pin(read_in(session, request, source)).await
        }
        Database::SqlServer(server) => {
            let session = sqlserver::open(server, source, request.limits).await?;
            Box::pin(read_in(session, request, source)).await
        }
        Database::Sqlite(path) => {
            let session = sqlite::open(path, source, request.limits).await?;
            Box::pin(read_in(session, request, source)).await
        }
    }
}

async fn read_in<S: Session>(
    mut session: S,
    request: &Request<'_>,
    source: &SqlSource,
) -> Result<Option<Pulled>, Error> {
    let read = read_rows(&mut session, request, source).await;
    session.close().await;
    read
}

async fn read_rows<S: Session>(
    session: &mut S,
    request: &Request<'_>,
    source: &SqlSource,
) -> Result<Option<Pulled>, Error> {
    let from = S::DIALECT.from(&source.rows);
    let columns = session.columns(&from).await?;
    let mut pages = Pages::new(S::DIALECT, from, &columns, source, request)?;
    let mut spool = Spool::new()?;
    let header = columns::header(&columns);
    spool.write(&header)?;
    let Some(watermark) = &source.watermark else {
        let mut rows = Rows::new(request);
        pages.read_all(session, &mut rows, &mut |line| spool.write(line)).await?;
        let place = place(request, None);
        let bytes = spool.finish(&place.to_string())?;
        let notes = Vec::from_iter(session.note());
        return Ok(Some(Pulled { place, bytes, records: rows.read, has_more: false, notes }));
    };
    let column = columns::find(&columns, &watermark.column)?;
    let mut increment = Increments::new(request, source, column, &header)?;
    increment.set_now(&session.now(column.has_zone).await?);
    if let Some(settled) = session.settled(column) {
        increment.set_settled(settled);
    }
    let start = increment.start();
    pages.start_at(start.as_deref());
    let mut rows = Rows::new(request);
    pages.read_all(session, &mut rows, &mut |line| increment.take(line, &mut spool)).await?;
    if rows.read == 0
        && let Some(start) = &start
    {
        let greatest = session.value(&pages.greatest(column)).await?;
        increment.check_greatest(greatest.as_deref(), start)?;
    }
    let Some((next, records, mut notes)) = increment.finish() else {
        return Ok(None);
    };
    if request.sample.is_some() {
        notes.extend(session.note());
    }
    let place = place(request, Some(next));
    let bytes = spool.finish(&place.to_string())?;
    Ok(Some(Pulled { place, bytes, records, has_more: rows.is_cut, notes }))
}

fn place(request: &Request<'_>, increment: Option<Increment>) -> PullPlace {
    let reading = request.contract.pull.as_ref().map_or(1, |pull| pull.reading);
    PullPlace { table: request.contract.table.clone(), reading, increment }
}

/// How far before the last watermark rows are read again: as configured, or by the type of the column.
fn overlap(source: &SqlSource, limits: &Limits, is_number: bool) -> Overlap {
    let configured = source.watermark.as_ref().and_then(|watermark| watermark.overlap);
    configured.unwrap_or(match is_number {
        true => Overlap::Numbers(limits.pull.sql_overlap_numbers),
        false => Overlap::Seconds(limits.pull.sql_overlap_s),
    })
}

/// The watermark from which the increment after `last` reads.
fn start(source: &SqlSource, limits: &Limits, last: &Increment) -> String {
    let position = watermark::Position::parse(&last.to);
    let is_number = matches!(position, Some(watermark::Position::Number(_)));
    watermark::before(&last.to, overlap(source, limits, is_number))
}

/// Whether rows of the increment `landed` may be read again by the increment after `last`.
pub(crate) fn reads_again(
    source: &SqlSource,
    limits: &Limits,
    last: &Increment,
    landed: &Increment,
) -> bool {
    landed.last.is_empty() || !watermark::is_later(&start(source, limits, last), &landed.last)
}
