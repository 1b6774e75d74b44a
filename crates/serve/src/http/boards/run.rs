//! Runs the statements of a board: read-only, at one version of each table, over the rows that the caller sees.

use super::dto::{
    BoardColumn, BoardPeriod, BoardRows, BoardTableVersion, BoardTileError, BoardTileRows,
};
use super::period::Period;
use super::store::BoardStore;
use crate::http::Service;
use crate::http::concurrency::Deadline;
use crate::http::encode::Encoder;
use crate::http::error::Error;
use crate::http::format::Format;
use crate::http::readonly;
use crate::http::temperatures::rfc3339;
use crate::http::visibility::{Extent, Visibility};
use ::report::{ColumnType, Versions};
use arrow::array::{Array as _, Date32Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use axum::http::StatusCode;
use config::boards::{Board, Tile, TileKind};
use config::reports::Statement;
use config::settings::BoardLimits;
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The parts of a tile whose columns have its unit and digits.
const VALUES: [&str; 6] = ["value", "target", "y", "lower", "centre", "upper"];

/// Days of a board with `time = "7d"`.
const WEEK_DAYS: i32 = 7;

/// What the statements of one request share.
pub struct BoardRun<'a> {
    pub service: &'a Arc<Service>,
    pub store: &'a BoardStore,
    pub visibility: &'a Visibility,
    pub versions: Versions,
    pub language: &'a str,
}

/// The rows of a statement.
struct TileRows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    is_truncated: bool,
}

impl BoardRun<'_> {
    fn limits(&self) -> &BoardLimits {
        &self.store.plant().limits.board
    }

    /// The rows of every tile. `period` is the one that was requested.
    pub async fn rows(&self, board: &Board, period: Option<Period>) -> Result<BoardRows, Error> {
        let service = self.service;
        let _permit = service.reads.take(&service.limits).await?;
        let mut deadline = Deadline::after(service.limits.answer_time);
        let session = service.lake.session_at(&self.versions).await;
        let session = session.map_err(Error::from_lower_layer)?;
        let restricted = self.visibility.restricted(service.lake.as_ref(), session);
        let session = deadline.within(Box::pin(restricted)).await??;
        let hidden = self.hidden_tables().await?;
        let period = match period {
            Some(period) => period,
            None => deadline.within(Box::pin(self.newest(board, &session))).await?,
        };
        let mut tiles = Vec::with_capacity(board.tiles.len());
        for tile in &board.tiles {
            let found = match self.refusal(tile, &hidden) {
                Some(refusal) => Err(refusal),
                None => {
                    let read = Box::pin(self.read(&session, &tile.statement, &period, tile));
                    deadline.within(read).await.and_then(|found| found)
                }
            };
            tiles.push(self.tile(tile, &period, found));
        }
        let seen = self.versions.iter().filter(|(table, _)| !hidden.contains(*table));
        let seen = seen.map(|(table, version)| BoardTableVersion {
            table: table.clone(),
            version: version.version,
            committed_at: rfc3339(version.committed_at_us),
        });
        let newest_us = self.versions.values().map(|version| version.committed_at_us).max();
        Ok(BoardRows {
            period: BoardPeriod::from(&period),
            as_of: newest_us.map(rfc3339),
            versions: seen.collect(),
            tiles,
        })
    }

    /// Tables of the lake of which the caller sees nothing.
    async fn hidden_tables(&self) -> Result<BTreeSet<String>, Error> {
        if self.visibility.is_everything() {
            return Ok(BTreeSet::new());
        }
        let tables = self.service.lake.tables().await.map_err(Error::from_lower_layer)?;
        let hidden = tables.iter().filter(|it| self.visibility.of_table(it) == Extent::Nothing);
        Ok(hidden.map(crate::TableInfo::name).collect())
    }

    /// The error for a tile that reads a hidden table.
    fn refusal(&self, tile: &Tile, hidden: &BTreeSet<String>) -> Option<Error> {
        let names = tile.statement.tables.iter().map(ToString::to_string);
        let name = names.into_iter().find(|name| hidden.contains(name))?;
        let message = format!(
            "no permission to read {name}: an administrator can assign a role that includes it in the whole plant"
        );
        Some(Error::new(StatusCode::FORBIDDEN, "forbidden", message))
    }

    /// The newest day with data, otherwise the current production day; a week up to it for a board that is opened
    /// with seven days.
    async fn newest(&self, board: &Board, session: &SessionContext) -> Period {
        let calendar = &self.store.plant().calendar;
        let today = calendar.local_parts(self.service.now_us()).production_day;
        let newest = match &board.newest_day {
            Some(statement) => {
                let period = Period::of_day(today);
                match self.collect(session, &statement.sql, &period, 1).await {
                    Ok(found) => first_day(&found),
                    Err(error) => {
                        error.log();
                        None
                    }
                }
            }
            None => None,
        };
        let days = if board.time == "7d" { WEEK_DAYS } else { 1 };
        Period::days_up_to(newest.unwrap_or(today), days)
    }

    async fn read(
        &self,
        session: &SessionContext,
        statement: &Statement,
        period: &Period,
        tile: &Tile,
    ) -> Result<TileRows, Error> {
        let rows_max = self.limits().board_rows;
        let rows_max = tile.max_rows.map_or(rows_max, |rows| rows.min(rows_max));
        let rows_max = if tile.kind == TileKind::Number { 1 } else { rows_max };
        let time = Duration::from_secs(self.limits().board_tile_time_s);
        let reading = Box::pin(self.collect(session, &statement.sql, period, rows_max));
        let read = tokio::time::timeout(time, reading).await;
        read.unwrap_or_else(|_elapsed| {
            let message = format!(
                "the statement took longer than {} s (board_tile_time_s): read a gold table that has fewer rows",
                time.as_secs()
            );
            Err(Error::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message))
        })
    }

    /// The rows of a statement, up to their limits.
    async fn collect(
        &self,
        session: &SessionContext,
        sql: &str,
        period: &Period,
        rows_max: usize,
    ) -> Result<TileRows, Error> {
        let frame = readonly::plan(session, sql, &self.service.limits).await?;
        let frame = frame.with_param_values(period.values())?;
        // One row more than the limit shows that there are more.
        let frame = frame.limit(0, Some(rows_max.saturating_add(1)))?;
        let mut stream = self.service.compute.stream(frame).await?;
        // The types of the plan can differ from those of the rows, such as nanoseconds that are read as microseconds.
        let schema = stream.schema();
        let mut found = TileRows { schema, batches: Vec::new(), is_truncated: false };
        let (mut rows, mut bytes) = (0, 0);
        while let Some(batch) = stream.next().await.transpose()? {
            let left = rows_max - rows;
            if batch.num_rows() > left {
                found.batches.push(batch.slice(0, left));
                found.is_truncated = true;
                break;
            }
            (rows, bytes) = (rows + batch.num_rows(), bytes + batch.get_array_memory_size());
            self.check_bytes(bytes)?;
            found.batches.push(batch);
        }
        Ok(found)
    }

    fn check_bytes(&self, bytes: usize) -> Result<(), Error> {
        let limit = self.limits().board_tile_bytes;
        if bytes <= limit {
            return Ok(());
        }
        let message = format!(
            "the rows have more than {limit} bytes (board_tile_bytes): select fewer columns or rows"
        );
        Err(Error::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many_bytes", message))
    }

    /// What a page shows of a tile.
    fn tile(&self, tile: &Tile, period: &Period, found: Result<TileRows, Error>) -> BoardTileRows {
        let tables: Vec<String> = tile.statement.tables.iter().map(ToString::to_string).collect();
        let missing = tables.iter().filter(|table| !self.versions.contains_key(*table));
        let missing_tables: Vec<String> = missing.cloned().collect();
        let committed = tables.iter().filter_map(|table| self.versions.get(table));
        let as_of = committed.map(|version| version.committed_at_us).max().map(rfc3339);
        let found = found.and_then(|found| Ok((raw(&found)?, found)));
        let (found, error) = match found {
            Ok(found) => (Some(found), None),
            // A table that has no data yet is not a mistake.
            Err(_) if !missing_tables.is_empty() => (None, None),
            Err(error) => (None, Some(tile_error(tile, error))),
        };
        let (rows, found) = found.unzip();
        BoardTileRows {
            name: tile.name.clone(),
            columns: found.as_ref().map_or_else(Vec::new, |it| self.columns(tile, &it.schema)),
            rows: rows.unwrap_or_else(no_rows),
            is_truncated: found.is_some_and(|it| it.is_truncated && tile.kind != TileKind::Number),
            sql: period.literal(&tile.statement.sql),
            missing_tables,
            as_of,
            error,
        }
    }

    fn columns(&self, tile: &Tile, schema: &Schema) -> Vec<BoardColumn> {
        let is_value = |name: &str| {
            let mut roles = tile.roles.iter().filter(|(key, _)| VALUES.contains(key));
            roles.any(|(_, names)| names.iter().any(|it| it == name))
        };
        let column = |field: &arrow::datatypes::FieldRef| {
            let shown = tile.columns.get(field.name()).cloned().unwrap_or_default();
            let tile_unit = tile.unit.clone().filter(|_| is_value(field.name()));
            let tile_digits = tile.digits.filter(|_| is_value(field.name()));
            let title = shown.title.map(|title| title.in_language(self.language).to_owned());
            BoardColumn {
                name: field.name().clone(),
                title: title.unwrap_or_else(|| field.name().replace('_', " ")),
                type_name: ColumnType::from_arrow(field.data_type()).as_str(),
                unit: shown.unit.or(tile_unit),
                digits: shown.digits.or(tile_digits),
                is_hidden: shown.is_hidden,
            }
        };
        schema.fields().iter().map(column).collect()
    }
}

/// The day in the first row and column.
fn first_day(found: &TileRows) -> Option<i32> {
    let column = found.batches.iter().find(|batch| batch.num_rows() > 0)?.columns().first()?;
    let days = column.as_any().downcast_ref::<Date32Array>()?;
    (!days.is_null(0)).then(|| days.value(0))
}

/// An empty list.
fn no_rows() -> Box<RawValue> {
    RawValue::from_string("[]".to_owned()).unwrap_or_default()
}

/// The rows as a list of objects.
fn raw(found: &TileRows) -> Result<Box<RawValue>, Error> {
    let failed = |error: arrow::error::ArrowError| {
        Error::bad("unwritable", format!("the result cannot be written as JSON: {error}"))
    };
    let batch = concat_batches(&found.schema, &found.batches).map_err(failed)?;
    let mut encoder = Encoder::new(Format::Json, &found.schema).map_err(failed)?;
    let mut text = b"[".to_vec();
    text.extend_from_slice(&encoder.rows(&batch).map_err(failed)?);
    text.push(b']');
    let text = String::from_utf8(text).map_err(|error| Error::internal(error.into()))?;
    RawValue::from_string(text).map_err(|error| Error::internal(error.into()))
}

/// The error of a tile, with its line in the file of the board. The cause of an internal one is logged.
fn tile_error(tile: &Tile, error: Error) -> BoardTileError {
    error.log();
    let line = error.position.and_then(|(line, _)| usize::try_from(line).ok());
    BoardTileError {
        code: error.code.to_owned(),
        message: error.public,
        line: line.map(|line| tile.statement.line + line.saturating_sub(1)),
    }
}
