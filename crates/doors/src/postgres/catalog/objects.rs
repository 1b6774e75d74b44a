//! The tables of `pg_catalog` that describe the lake.

use super::database;
use super::numbers::{self, Numbers};
use super::schemas::{INFORMATION_SCHEMA, PG_CATALOG};
use super::table::{Cell, Columns, Kind, table as make};
use super::types::PgType;
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use serve::TableInfo;
use std::sync::Arc;

/// The tables of this module.
pub const TABLES: [&str; 13] = [
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_database",
    "pg_description",
    "pg_index",
    "pg_indexes",
    "pg_namespace",
    "pg_roles",
    "pg_stat_user_tables",
    "pg_tables",
    "pg_user",
    "pg_views",
];

/// The tables that a client can see.
#[derive(Debug)]
pub struct Objects {
    pub tables: Vec<TableInfo>,
    pub numbers: Vec<Numbers>,
    /// The name of the user.
    pub user: String,
}

impl Objects {
    /// The objects of `tables`, for `user`.
    pub fn new(tables: Vec<TableInfo>, user: String) -> Self {
        let numbers = numbers::tables(&tables);
        Self { tables, numbers, user }
    }

    /// Each table with its numbers.
    pub fn all(&self) -> impl Iterator<Item = (&TableInfo, Numbers)> {
        self.tables.iter().zip(self.numbers.iter().copied())
    }

    /// Each table that has a key, with its numbers.
    pub fn keyed(&self) -> impl Iterator<Item = (&TableInfo, Numbers)> {
        self.all().filter(|(table, _)| !key_positions(table).is_empty())
    }
}

/// The positions of the columns of the key, from 1; none if the key has a column that does not exist.
pub fn key_positions(table: &TableInfo) -> Vec<i16> {
    let position = |name: &String| {
        let index = table.columns.iter().position(|column| column.name == *name)?;
        i16::try_from(index + 1).ok()
    };
    table.key.iter().map(position).collect::<Option<_>>().unwrap_or_default()
}

/// The name of the key of a table.
pub fn key_name(table: &TableInfo) -> String {
    format!("{}_pkey", table.table)
}

/// One of the tables of this module.
pub fn table(objects: &Objects, name: &str) -> Result<Arc<dyn TableProvider>> {
    let (columns, rows) = match name {
        "pg_attribute" => (ATTRIBUTE, attributes(objects)),
        "pg_class" => (CLASS, classes(objects)),
        "pg_constraint" => (CONSTRAINT, constraints(objects)),
        "pg_database" => (database::DATABASE, database::database()),
        "pg_description" => (DESCRIPTION, descriptions(objects)),
        "pg_index" => (INDEX, indexes(objects)),
        "pg_indexes" => (INDEXES, index_definitions(objects)),
        "pg_namespace" => (NAMESPACE, namespaces()),
        "pg_roles" => (database::ROLES, database::roles(objects)),
        "pg_stat_user_tables" => (STATISTICS, statistics(objects)),
        "pg_tables" => (PG_TABLES, listed(objects)),
        "pg_user" => (database::USER, database::users(objects)),
        _ => (VIEWS, Vec::new()),
    };
    make(columns, &rows)
}

const NAMESPACE: Columns = &[
    ("oid", Kind::Oid),
    ("nspname", Kind::Text),
    ("nspowner", Kind::Oid),
    ("nspacl", Kind::TextList),
];

fn namespaces() -> Vec<Vec<Cell>> {
    let of_lake = lake::session::SCHEMAS.map(|name| (numbers::schema(name), name));
    let own = [
        (numbers::PG_CATALOG_SCHEMA, PG_CATALOG),
        (numbers::INFORMATION_SCHEMA, INFORMATION_SCHEMA),
    ];
    let row = |(number, name): (i32, &str)| vec![number.into(), name.into(), numbers::OWNER.into()];
    of_lake.into_iter().chain(own).map(row).collect()
}

const CLASS: Columns = &[
    ("oid", Kind::Oid),
    ("relname", Kind::Text),
    ("relnamespace", Kind::Oid),
    ("relkind", Kind::Char),
    ("relam", Kind::Oid),
    ("relnatts", Kind::Int2),
    ("reltuples", Kind::Float4),
    ("relhasindex", Kind::Bool),
    ("relowner", Kind::Oid),
    ("relfilenode", Kind::Oid),
    ("reltype", Kind::Oid),
    ("reloftype", Kind::Oid),
    ("reltablespace", Kind::Oid),
    ("reltoastrelid", Kind::Oid),
    ("relpages", Kind::Int4),
    ("relallvisible", Kind::Int4),
    ("relchecks", Kind::Int2),
    ("relhasrules", Kind::Bool),
    ("relhastriggers", Kind::Bool),
    ("relhassubclass", Kind::Bool),
    ("relisshared", Kind::Bool),
    ("relrowsecurity", Kind::Bool),
    ("relforcerowsecurity", Kind::Bool),
    ("relispartition", Kind::Bool),
    ("relispopulated", Kind::Bool),
    ("relpersistence", Kind::Char),
    ("relreplident", Kind::Char),
    ("relrewrite", Kind::Oid),
    ("relfrozenxid", Kind::Int4),
    ("relminmxid", Kind::Int4),
    ("relacl", Kind::TextList),
    ("reloptions", Kind::TextList),
    ("relpartbound", Kind::Text),
];

fn classes(objects: &Objects) -> Vec<Vec<Cell>> {
    let of_tables = objects.all().map(|(table, numbers)| {
        let has_key = !key_positions(table).is_empty();
        let count = i32::try_from(table.columns.len()).unwrap_or(i32::MAX);
        let rows = table.rows.map(|rows| i32::try_from(rows).unwrap_or(i32::MAX));
        class(table, (numbers.table, &table.table, "r", 2), (count, rows.unwrap_or(-1), has_key))
    });
    let of_keys = objects.keyed().map(|(table, numbers)| {
        let count = i32::try_from(table.key.len()).unwrap_or(i32::MAX);
        class(table, (numbers.index, &key_name(table), "i", 403), (count, 0, false))
    });
    of_tables.chain(of_keys).collect()
}

/// A table or an index: number, name, kind and access method; columns, rows and whether it has an index.
fn class(table: &TableInfo, it: (i32, &str, &str, i32), has: (i32, i32, bool)) -> Vec<Cell> {
    let (number, name, kind, method) = it;
    let (columns, rows, has_index) = has;
    let mut cells: Vec<Cell> = vec![
        number.into(),
        name.into(),
        numbers::schema(&table.schema).into(),
        kind.into(),
        method.into(),
        columns.into(),
        rows.into(),
        has_index.into(),
        numbers::OWNER.into(),
        number.into(),
    ];
    cells.extend((0..4).map(|_| Cell::Int(0)));
    cells.extend([Cell::Int(1), Cell::Int(0), Cell::Int(0)]);
    cells.extend((0..7).map(|_| Cell::Bool(false)));
    cells.extend([Cell::Bool(true), "p".into(), "n".into(), Cell::Int(0)]);
    cells.extend([Cell::Int(0), Cell::Int(0)]);
    cells
}

const ATTRIBUTE: Columns = &[
    ("attrelid", Kind::Oid),
    ("attname", Kind::Text),
    ("atttypid", Kind::Oid),
    ("attlen", Kind::Int2),
    ("attnum", Kind::Int2),
    ("atttypmod", Kind::Int4),
    ("attnotnull", Kind::Bool),
    ("atthasdef", Kind::Bool),
    ("attisdropped", Kind::Bool),
    ("atthasmissing", Kind::Bool),
    ("attbyval", Kind::Bool),
    ("attislocal", Kind::Bool),
    ("attndims", Kind::Int4),
    ("attcacheoff", Kind::Int4),
    ("attinhcount", Kind::Int4),
    ("attstattarget", Kind::Int4),
    ("attcollation", Kind::Oid),
    ("attidentity", Kind::Text),
    ("attgenerated", Kind::Text),
    ("attcompression", Kind::Text),
    ("attalign", Kind::Char),
    ("attstorage", Kind::Char),
    ("attacl", Kind::TextList),
    ("attoptions", Kind::TextList),
    ("attfdwoptions", Kind::TextList),
    ("attmissingval", Kind::Text),
];

fn attributes(objects: &Objects) -> Vec<Vec<Cell>> {
    let of_tables = objects.all().flat_map(|(table, numbers)| {
        let positions = 1..=table.columns.len();
        positions.map(move |position| attribute(table, numbers.table, position, position))
    });
    let of_keys = objects.keyed().flat_map(|(table, numbers)| {
        key_positions(table).into_iter().enumerate().map(move |(index, position)| {
            let position = usize::try_from(position).unwrap_or_default();
            attribute(table, numbers.index, index + 1, position)
        })
    });
    of_tables.chain(of_keys).collect()
}

/// A column of `relation` at `number`, which is the column of `table` at `position`.
fn attribute(table: &TableInfo, relation: i32, number: usize, position: usize) -> Vec<Cell> {
    let Some(column) = table.columns.get(position.saturating_sub(1)) else { return Vec::new() };
    let kind = PgType::of_column(&column.type_name);
    // The default collation of texts.
    let collation = if kind.number == 25 { 100 } else { 0 };
    let mut cells: Vec<Cell> = vec![
        relation.into(),
        column.name.as_str().into(),
        kind.number.into(),
        i32::from(kind.size).into(),
        i32::try_from(number).unwrap_or(i32::MAX).into(),
        kind.modifier.into(),
    ];
    cells.extend((0..4).map(|_| Cell::Bool(false)));
    cells.extend([Cell::Bool(kind.size > 0), Cell::Bool(true)]);
    cells.extend([Cell::Int(0), Cell::Int(-1), Cell::Int(0), Cell::Int(-1), collation.into()]);
    cells.extend(["", "", "", "i", "p"].map(Cell::from));
    cells
}

const CONSTRAINT: Columns = &[
    ("oid", Kind::Oid),
    ("conname", Kind::Text),
    ("connamespace", Kind::Oid),
    ("contype", Kind::Char),
    ("conrelid", Kind::Oid),
    ("conindid", Kind::Oid),
    ("conkey", Kind::Int2List),
    ("condeferrable", Kind::Bool),
    ("condeferred", Kind::Bool),
    ("connoinherit", Kind::Bool),
    ("convalidated", Kind::Bool),
    ("conislocal", Kind::Bool),
    ("contypid", Kind::Oid),
    ("conparentid", Kind::Oid),
    ("confrelid", Kind::Oid),
    ("coninhcount", Kind::Int4),
    ("confupdtype", Kind::Char),
    ("confdeltype", Kind::Char),
    ("confmatchtype", Kind::Char),
    ("confkey", Kind::Int2List),
    ("conexclop", Kind::Int2List),
    ("conbin", Kind::Text),
];

fn constraints(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, numbers): (&TableInfo, Numbers)| {
        let mut cells: Vec<Cell> = vec![
            numbers.constraint.into(),
            key_name(table).into(),
            numbers::schema(&table.schema).into(),
            "p".into(),
            numbers.table.into(),
            numbers.index.into(),
            Cell::Ints(key_positions(table)),
        ];
        cells.extend([false, false, true, true, true].map(Cell::Bool));
        cells.extend((0..4).map(|_| Cell::Int(0)));
        cells.extend([" ", " ", " "].map(Cell::from));
        cells
    };
    objects.keyed().map(row).collect()
}

const INDEX: Columns = &[
    ("indexrelid", Kind::Oid),
    ("indrelid", Kind::Oid),
    ("indnatts", Kind::Int2),
    ("indnkeyatts", Kind::Int2),
    ("indkey", Kind::Int2List),
    ("indisunique", Kind::Bool),
    ("indisprimary", Kind::Bool),
    ("indimmediate", Kind::Bool),
    ("indisvalid", Kind::Bool),
    ("indisready", Kind::Bool),
    ("indislive", Kind::Bool),
    ("indisexclusion", Kind::Bool),
    ("indisclustered", Kind::Bool),
    ("indcheckxmin", Kind::Bool),
    ("indisreplident", Kind::Bool),
    ("indnullsnotdistinct", Kind::Bool),
    ("indoption", Kind::Int2List),
    ("indclass", Kind::Int2List),
    ("indcollation", Kind::Int2List),
    ("indexprs", Kind::Text),
    ("indpred", Kind::Text),
];

fn indexes(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, numbers): (&TableInfo, Numbers)| {
        let positions = key_positions(table);
        let count = i32::try_from(positions.len()).unwrap_or(i32::MAX);
        let zeros = vec![0; positions.len()];
        let mut cells: Vec<Cell> =
            vec![numbers.index.into(), numbers.table.into(), count.into(), count.into()];
        cells.push(Cell::Ints(positions));
        cells.extend((0..6).map(|_| Cell::Bool(true)));
        cells.extend((0..5).map(|_| Cell::Bool(false)));
        cells.extend((0..3).map(|_| Cell::Ints(zeros.clone())));
        cells
    };
    objects.keyed().map(row).collect()
}

const INDEXES: Columns = &[
    ("schemaname", Kind::Text),
    ("tablename", Kind::Text),
    ("indexname", Kind::Text),
    ("tablespace", Kind::Text),
    ("indexdef", Kind::Text),
];

fn index_definitions(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, _): (&TableInfo, Numbers)| {
        vec![
            table.schema.as_str().into(),
            table.table.as_str().into(),
            key_name(table).into(),
            Cell::Null,
            index_definition(table).into(),
        ]
    };
    objects.keyed().map(row).collect()
}

/// The statement that would create the index of a key.
pub fn index_definition(table: &TableInfo) -> String {
    let (name, on, columns) = (key_name(table), table.name(), quoted_key(table));
    format!("CREATE UNIQUE INDEX {name} ON {on} USING btree ({columns})")
}

/// The columns of the key, as in SQL.
pub fn quoted_key(table: &TableInfo) -> String {
    let quoted = table.key.iter().map(|name| {
        let is_plain =
            name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
        if is_plain { name.clone() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
    });
    quoted.collect::<Vec<_>>().join(", ")
}

const DESCRIPTION: Columns = &[
    ("objoid", Kind::Oid),
    ("classoid", Kind::Oid),
    ("objsubid", Kind::Int4),
    ("description", Kind::Text),
];

fn descriptions(objects: &Objects) -> Vec<Vec<Cell>> {
    let of_tables = objects.all().filter(|(table, _)| !table.description.is_empty());
    let of_tables = of_tables.map(|(table, numbers)| {
        let text = table.description.as_str();
        vec![numbers.table.into(), numbers::PG_CLASS.into(), 0.into(), text.into()]
    });
    let of_columns = objects.all().flat_map(|(table, numbers)| {
        table.columns.iter().zip(1..).filter_map(move |(column, position)| {
            let text = column_description(column)?;
            Some(vec![numbers.table.into(), numbers::PG_CLASS.into(), position.into(), text.into()])
        })
    });
    of_tables.chain(of_columns).collect()
}

/// The description of a column with its unit.
pub fn column_description(column: &serve::ColumnInfo) -> Option<String> {
    match (&column.description, &column.unit) {
        (Some(text), Some(unit)) => Some(format!("{text} [{unit}]")),
        (Some(text), None) => Some(text.clone()),
        (None, Some(unit)) => Some(format!("[{unit}]")),
        (None, None) => None,
    }
}

const PG_TABLES: Columns = &[
    ("schemaname", Kind::Text),
    ("tablename", Kind::Text),
    ("tableowner", Kind::Text),
    ("tablespace", Kind::Text),
    ("hasindexes", Kind::Bool),
    ("hasrules", Kind::Bool),
    ("hastriggers", Kind::Bool),
    ("rowsecurity", Kind::Bool),
];

fn listed(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, _): (&TableInfo, Numbers)| {
        let has_key = !key_positions(table).is_empty();
        let mut cells: Vec<Cell> = vec![
            table.schema.as_str().into(),
            table.table.as_str().into(),
            super::functions::OWNER.into(),
            Cell::Null,
        ];
        cells.extend([has_key, false, false, false].map(Cell::Bool));
        cells
    };
    objects.all().map(row).collect()
}

const VIEWS: Columns = &[
    ("schemaname", Kind::Text),
    ("viewname", Kind::Text),
    ("viewowner", Kind::Text),
    ("definition", Kind::Text),
];

const STATISTICS: Columns = &[
    ("relid", Kind::Oid),
    ("schemaname", Kind::Text),
    ("relname", Kind::Text),
    ("n_live_tup", Kind::Int4),
    ("n_dead_tup", Kind::Int4),
];

fn statistics(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, numbers): (&TableInfo, Numbers)| {
        let rows = table.rows.map(|rows| i32::try_from(rows).unwrap_or(i32::MAX));
        let (schema, name) = (table.schema.as_str(), table.table.as_str());
        vec![numbers.table.into(), schema.into(), name.into(), rows.into(), 0.into()]
    };
    objects.all().map(row).collect()
}
