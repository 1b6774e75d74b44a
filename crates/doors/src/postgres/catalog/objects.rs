//! The tables of `pg_catalog` that describe the lake.
use super::database;
use super::numbers::{self, Numbers};
use super::schemas::{INFORMATION_SCHEMA, PG_CATALOG};
use super::table::{Cell, ColumnKind, Columns, table as make};
use super::types::PgType;
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use serve::TableInfo;
use std::sync::Arc;

/// The tables of this module.
pub const TABLES: [&str; 14] = [
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_database",
    "pg_description",
    "pg_index",
    "pg_indexes",
    "pg_namespace",
    "pg_roles",
    "pg_settings",
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
    /// Parameters of the connection with their values.
    pub settings: Vec<(String, String)>,
}

impl Objects {
    /// The objects of `tables`, for `user`.
    pub fn new(tables: Vec<TableInfo>, user: String, settings: Vec<(String, String)>) -> Self {
        let numbers = numbers::tables(&tables);
        Self { tables, numbers, user, settings }
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
        "pg_settings" => (database::SETTINGS, database::settings(objects)),
        "pg_stat_user_tables" => (STATISTICS, statistics(objects)),
        "pg_tables" => (PG_TABLES, listed(objects)),
        "pg_user" => (database::USER, database::users(objects)),
        _ => (VIEWS, Vec::new()),
    };
    make(columns, &rows)
}

const NAMESPACE: Columns = &[
    ("oid", ColumnKind::Oid),
    ("nspname", ColumnKind::Text),
    ("nspowner", ColumnKind::Oid),
    ("nspacl", ColumnKind::TextList),
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
    ("oid", ColumnKind::Oid),
    ("relname", ColumnKind::Text),
    ("relnamespace", ColumnKind::Oid),
    ("relkind", ColumnKind::Char),
    ("relam", ColumnKind::Oid),
    ("relnatts", ColumnKind::Int2),
    ("reltuples", ColumnKind::Float4),
    ("relhasindex", ColumnKind::Bool),
    ("relowner", ColumnKind::Oid),
    ("relfilenode", ColumnKind::Oid),
    ("reltype", ColumnKind::Oid),
    ("reloftype", ColumnKind::Oid),
    ("reltablespace", ColumnKind::Oid),
    ("reltoastrelid", ColumnKind::Oid),
    ("relpages", ColumnKind::Int4),
    ("relallvisible", ColumnKind::Int4),
    ("relchecks", ColumnKind::Int2),
    ("relhasrules", ColumnKind::Bool),
    ("relhastriggers", ColumnKind::Bool),
    ("relhassubclass", ColumnKind::Bool),
    ("relisshared", ColumnKind::Bool),
    ("relrowsecurity", ColumnKind::Bool),
    ("relforcerowsecurity", ColumnKind::Bool),
    ("relispartition", ColumnKind::Bool),
    ("relispopulated", ColumnKind::Bool),
    ("relpersistence", ColumnKind::Char),
    ("relreplident", ColumnKind::Char),
    ("relrewrite", ColumnKind::Oid),
    ("relfrozenxid", ColumnKind::Int4),
    ("relminmxid", ColumnKind::Int4),
    ("relacl", ColumnKind::TextList),
    ("reloptions", ColumnKind::TextList),
    ("relpartbound", ColumnKind::Text),
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
    ("attrelid", ColumnKind::Oid),
    ("attname", ColumnKind::Text),
    ("atttypid", ColumnKind::Oid),
    ("attlen", ColumnKind::Int2),
    ("attnum", ColumnKind::Int2),
    ("atttypmod", ColumnKind::Int4),
    ("attnotnull", ColumnKind::Bool),
    ("atthasdef", ColumnKind::Bool),
    ("attisdropped", ColumnKind::Bool),
    ("atthasmissing", ColumnKind::Bool),
    ("attbyval", ColumnKind::Bool),
    ("attislocal", ColumnKind::Bool),
    ("attndims", ColumnKind::Int4),
    ("attcacheoff", ColumnKind::Int4),
    ("attinhcount", ColumnKind::Int4),
    ("attstattarget", ColumnKind::Int4),
    ("attcollation", ColumnKind::Oid),
    ("attidentity", ColumnKind::Text),
    ("attgenerated", ColumnKind::Text),
    ("attcompression", ColumnKind::Text),
    ("attalign", ColumnKind::Char),
    ("attstorage", ColumnKind::Char),
    ("attacl", ColumnKind::TextList),
    ("attoptions", ColumnKind::TextList),
    ("attfdwoptions", ColumnKind::TextList),
    ("attmissingval", ColumnKind::Text),
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
    ("oid", ColumnKind::Oid),
    ("conname", ColumnKind::Text),
    ("connamespace", ColumnKind::Oid),
    ("contype", ColumnKind::Char),
    ("conrelid", ColumnKind::Oid),
    ("conindid", ColumnKind::Oid),
    ("conkey", ColumnKind::Int2List),
    ("condeferrable", ColumnKind::Bool),
    ("condeferred", ColumnKind::Bool),
    ("connoinherit", ColumnKind::Bool),
    ("convalidated", ColumnKind::Bool),
    ("conislocal", ColumnKind::Bool),
    ("contypid", ColumnKind::Oid),
    ("conparentid", ColumnKind::Oid),
    ("confrelid", ColumnKind::Oid),
    ("coninhcount", ColumnKind::Int4),
    ("confupdtype", ColumnKind::Char),
    ("confdeltype", ColumnKind::Char),
    ("confmatchtype", ColumnKind::Char),
    ("confkey", ColumnKind::Int2List),
    ("conexclop", ColumnKind::Int2List),
    ("conbin", ColumnKind::Text),
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
    ("indexrelid", ColumnKind::Oid),
    ("indrelid", ColumnKind::Oid),
    ("indnatts", ColumnKind::Int2),
    ("indnkeyatts", ColumnKind::Int2),
    ("indkey", ColumnKind::Int2Vector),
    ("indisunique", ColumnKind::Bool),
    ("indisprimary", ColumnKind::Bool),
    ("indimmediate", ColumnKind::Bool),
    ("indisvalid", ColumnKind::Bool),
    ("indisready", ColumnKind::Bool),
    ("indislive", ColumnKind::Bool),
    ("indisexclusion", ColumnKind::Bool),
    ("indisclustered", ColumnKind::Bool),
    ("indcheckxmin", ColumnKind::Bool),
    ("indisreplident", ColumnKind::Bool),
    ("indnullsnotdistinct", ColumnKind::Bool),
    ("indoption", ColumnKind::Int2Vector),
    ("indclass", ColumnKind::Int2Vector),
    ("indcollation", ColumnKind::Int2Vector),
    ("indexprs", ColumnKind::Text),
    ("indpred", ColumnKind::Text),
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
    ("schemaname", ColumnKind::Text),
    ("tablename", ColumnKind::Text),
    ("indexname", ColumnKind::Text),
    ("tablespace", ColumnKind::Text),
    ("indexdef", ColumnKind::Text),
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
    ("objoid", ColumnKind::Oid),
    ("classoid", ColumnKind::Oid),
    ("objsubid", ColumnKind::Int4),
    ("description", ColumnKind::Text),
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
    ("schemaname", ColumnKind::Text),
    ("tablename", ColumnKind::Text),
    ("tableowner", ColumnKind::Text),
    ("tablespace", ColumnKind::Text),
    ("hasindexes", ColumnKind::Bool),
    ("hasrules", ColumnKind::Bool),
    ("hastriggers", ColumnKind::Bool),
    ("rowsecurity", ColumnKind::Bool),
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
    ("schemaname", ColumnKind::Text),
    ("viewname", ColumnKind::Text),
    ("viewowner", ColumnKind::Text),
    ("definition", ColumnKind::Text),
];

const STATISTICS: Columns = &[
    ("relid", ColumnKind::Oid),
    ("schemaname", ColumnKind::Text),
    ("relname", ColumnKind::Text),
    ("n_live_tup", ColumnKind::Int4),
    ("n_dead_tup", ColumnKind::Int4),
];

fn statistics(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, numbers): (&TableInfo, Numbers)| {
        let rows = table.rows.map(|rows| i32::try_from(rows).unwrap_or(i32::MAX));
        let (schema, name) = (table.schema.as_str(), table.table.as_str());
        vec![numbers.table.into(), schema.into(), name.into(), rows.into(), 0.into()]
    };
    objects.all().map(row).collect()
}
