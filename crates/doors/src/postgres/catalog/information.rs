//! The views of `information_schema`.

use super::numbers::Numbers;
use super::objects::{Objects, column_description, key_name, key_positions};
use super::table::{Cell, ColumnKind, Columns, table as make};
use super::types::PgType;
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use serve::{ColumnInfo, TableInfo};
use std::sync::Arc;

const CATALOG: &str = lake::session::CATALOG;

/// Views without rows, which tools read.
const EMPTY: [(&str, Columns); 11] = [
    ("check_constraints", CHECKS),
    ("domains", DOMAINS),
    ("element_types", ELEMENTS),
    ("parameters", PARAMETERS),
    ("referential_constraints", REFERENCES),
    ("routines", ROUTINES),
    ("sequences", SEQUENCES),
    ("triggers", TRIGGERS),
    ("view_column_usage", USAGE),
    ("view_table_usage", USAGE),
    ("views", VIEWS),
];

/// The views of this module.
pub const TABLES: [&str; 21] = [
    "applicable_roles",
    "character_sets",
    "check_constraints",
    "columns",
    "constraint_column_usage",
    "domains",
    "element_types",
    "enabled_roles",
    "key_column_usage",
    "parameters",
    "referential_constraints",
    "role_table_grants",
    "routines",
    "schemata",
    "sequences",
    "table_constraints",
    "table_privileges",
    "tables",
    "triggers",
    "view_table_usage",
    "views",
];

/// One of the views of this module.
pub fn table(objects: &Objects, name: &str) -> Result<Arc<dyn TableProvider>> {
    let (columns, rows) = match name {
        "applicable_roles" | "enabled_roles" => (ROLES, vec![vec![objects.user.as_str().into()]]),
        "character_sets" => (CHARACTER_SETS, character_sets()),
        "columns" => (COLUMNS, columns(objects)),
        "constraint_column_usage" => (CONSTRAINT_USAGE, constraint_usage(objects)),
        "key_column_usage" => (KEY_USAGE, key_usage(objects)),
        "role_table_grants" | "table_privileges" => (PRIVILEGES, privileges(objects)),
        "schemata" => (SCHEMATA, schemata()),
        "table_constraints" => (CONSTRAINTS, constraints(objects)),
        "tables" => (RELATIONS, tables(objects)),
        other => {
            let found = EMPTY.iter().find(|(known, _)| *known == other);
            (found.map_or(USAGE, |(_, columns)| *columns), Vec::new())
        }
    };
    make(columns, &rows)
}

const SCHEMATA: Columns = &[
    ("catalog_name", ColumnKind::Text),
    ("schema_name", ColumnKind::Text),
    ("schema_owner", ColumnKind::Text),
    ("default_character_set_catalog", ColumnKind::Text),
    ("default_character_set_schema", ColumnKind::Text),
    ("default_character_set_name", ColumnKind::Text),
    ("sql_path", ColumnKind::Text),
];

fn schemata() -> Vec<Vec<Cell>> {
    let own = [super::schemas::PG_CATALOG, super::schemas::INFORMATION_SCHEMA];
    let names = lake::session::SCHEMAS.into_iter().chain(own);
    names.map(|name| vec![CATALOG.into(), name.into(), super::functions::OWNER.into()]).collect()
}

const RELATIONS: Columns = &[
    ("table_catalog", ColumnKind::Text),
    ("table_schema", ColumnKind::Text),
    ("table_name", ColumnKind::Text),
    ("table_type", ColumnKind::Text),
    ("is_insertable_into", ColumnKind::Text),
    ("is_typed", ColumnKind::Text),
    ("self_referencing_column_name", ColumnKind::Text),
    ("reference_generation", ColumnKind::Text),
    ("user_defined_type_catalog", ColumnKind::Text),
    ("user_defined_type_schema", ColumnKind::Text),
    ("user_defined_type_name", ColumnKind::Text),
    ("commit_action", ColumnKind::Text),
];

fn tables(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, _): (&TableInfo, Numbers)| {
        let mut cells = named(table);
        cells.extend(["BASE TABLE", "NO", "NO"].map(Cell::from));
        cells
    };
    objects.all().map(row).collect()
}

/// Catalog, schema and name.
fn named(table: &TableInfo) -> Vec<Cell> {
    vec![CATALOG.into(), table.schema.as_str().into(), table.table.as_str().into()]
}

const COLUMNS: Columns = &[
    ("table_catalog", ColumnKind::Text),
    ("table_schema", ColumnKind::Text),
    ("table_name", ColumnKind::Text),
    ("column_name", ColumnKind::Text),
    ("ordinal_position", ColumnKind::Int4),
    ("column_default", ColumnKind::Text),
    ("is_nullable", ColumnKind::Text),
    ("data_type", ColumnKind::Text),
    ("character_maximum_length", ColumnKind::Int4),
    ("character_octet_length", ColumnKind::Int4),
    ("numeric_precision", ColumnKind::Int4),
    ("numeric_precision_radix", ColumnKind::Int4),
    ("numeric_scale", ColumnKind::Int4),
    ("datetime_precision", ColumnKind::Int4),
    ("udt_catalog", ColumnKind::Text),
    ("udt_schema", ColumnKind::Text),
    ("udt_name", ColumnKind::Text),
    ("dtd_identifier", ColumnKind::Text),
    ("is_self_referencing", ColumnKind::Text),
    ("is_identity", ColumnKind::Text),
    ("is_generated", ColumnKind::Text),
    ("is_updatable", ColumnKind::Text),
    ("interval_type", ColumnKind::Text),
    ("interval_precision", ColumnKind::Int4),
    ("character_set_catalog", ColumnKind::Text),
    ("character_set_schema", ColumnKind::Text),
    ("character_set_name", ColumnKind::Text),
    ("collation_catalog", ColumnKind::Text),
    ("collation_schema", ColumnKind::Text),
    ("collation_name", ColumnKind::Text),
    ("domain_catalog", ColumnKind::Text),
    ("domain_schema", ColumnKind::Text),
    ("domain_name", ColumnKind::Text),
    ("identity_generation", ColumnKind::Text),
    ("generation_expression", ColumnKind::Text),
    ("column_comment", ColumnKind::Text),
];

fn columns(objects: &Objects) -> Vec<Vec<Cell>> {
    let of_table = |(table, _): (&TableInfo, Numbers)| {
        table.columns.iter().zip(1..).map(|(it, position)| column(table, it, position)).collect()
    };
    objects.all().flat_map(|it| -> Vec<Vec<Cell>> { of_table(it) }).collect()
}

fn column(table: &TableInfo, column: &ColumnInfo, position: i32) -> Vec<Cell> {
    let kind = PgType::of_column(&column.type_name);
    let radix = kind.is_number().then_some(if kind.number == 1_700 { 10 } else { 2 });
    let is_whole = matches!(kind.number, 20 | 21 | 23);
    let scale = kind.scale.or(is_whole.then_some(0));
    let of_time = match kind.number {
        1_082 => Some(0),
        1_114 | 1_184 => Some(6),
        _ => None,
    };
    let mut cells = named(table);
    cells.extend([column.name.as_str().into(), position.into(), Cell::Null, "YES".into()]);
    cells.push(kind.sql_name.into());
    cells.extend([Cell::Null, Cell::Null, kind.precision.into(), radix.into(), scale.into()]);
    cells.extend([of_time.into(), CATALOG.into(), "pg_catalog".into(), kind.name.into()]);
    cells.push(position.to_string().into());
    cells.extend(["NO", "NO", "NEVER", "NO"].map(Cell::from));
    cells.extend((0..13).map(|_| Cell::Null));
    cells.push(column_description(column).into());
    cells
}

const CONSTRAINTS: Columns = &[
    ("constraint_catalog", ColumnKind::Text),
    ("constraint_schema", ColumnKind::Text),
    ("constraint_name", ColumnKind::Text),
    ("table_catalog", ColumnKind::Text),
    ("table_schema", ColumnKind::Text),
    ("table_name", ColumnKind::Text),
    ("constraint_type", ColumnKind::Text),
    ("is_deferrable", ColumnKind::Text),
    ("initially_deferred", ColumnKind::Text),
    ("enforced", ColumnKind::Text),
    ("nulls_distinct", ColumnKind::Text),
];

fn constraints(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, _): (&TableInfo, Numbers)| {
        let mut cells = constraint(table);
        cells.extend(named(table));
        cells.extend(["PRIMARY KEY", "NO", "NO", "YES"].map(Cell::from));
        cells
    };
    objects.keyed().map(row).collect()
}

/// Catalog, schema and name of the key of a table.
fn constraint(table: &TableInfo) -> Vec<Cell> {
    vec![CATALOG.into(), table.schema.as_str().into(), key_name(table).into()]
}

const KEY_USAGE: Columns = &[
    ("constraint_catalog", ColumnKind::Text),
    ("constraint_schema", ColumnKind::Text),
    ("constraint_name", ColumnKind::Text),
    ("table_catalog", ColumnKind::Text),
    ("table_schema", ColumnKind::Text),
    ("table_name", ColumnKind::Text),
    ("column_name", ColumnKind::Text),
    ("ordinal_position", ColumnKind::Int4),
    ("position_in_unique_constraint", ColumnKind::Int4),
];

fn key_usage(objects: &Objects) -> Vec<Vec<Cell>> {
    let of_table = |(table, _): (&TableInfo, Numbers)| -> Vec<Vec<Cell>> {
        let count = key_positions(table).len();
        let names = table.key.iter().take(count).zip(1..);
        let row = |(name, position): (&String, i32)| {
            let mut cells = constraint(table);
            cells.extend(named(table));
            cells.extend([name.as_str().into(), position.into()]);
            cells
        };
        names.map(row).collect()
    };
    objects.keyed().flat_map(of_table).collect()
}

const CONSTRAINT_USAGE: Columns = &[
    ("table_catalog", ColumnKind::Text),
    ("table_schema", ColumnKind::Text),
    ("table_name", ColumnKind::Text),
    ("column_name", ColumnKind::Text),
    ("constraint_catalog", ColumnKind::Text),
    ("constraint_schema", ColumnKind::Text),
    ("constraint_name", ColumnKind::Text),
];

fn constraint_usage(objects: &Objects) -> Vec<Vec<Cell>> {
    let of_table = |(table, _): (&TableInfo, Numbers)| -> Vec<Vec<Cell>> {
        let row = |name: &String| {
            let mut cells = named(table);
            cells.push(name.as_str().into());
            cells.extend(constraint(table));
            cells
        };
        table.key.iter().map(row).collect()
    };
    objects.keyed().flat_map(of_table).collect()
}

const PRIVILEGES: Columns = &[
    ("grantor", ColumnKind::Text),
    ("grantee", ColumnKind::Text),
    ("table_catalog", ColumnKind::Text),
    ("table_schema", ColumnKind::Text),
    ("table_name", ColumnKind::Text),
    ("privilege_type", ColumnKind::Text),
    ("is_grantable", ColumnKind::Text),
    ("with_hierarchy", ColumnKind::Text),
];

fn privileges(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(table, _): (&TableInfo, Numbers)| {
        let mut cells: Vec<Cell> =
            vec![super::functions::OWNER.into(), objects.user.as_str().into()];
        cells.extend(named(table));
        cells.extend(["SELECT", "NO", "YES"].map(Cell::from));
        cells
    };
    objects.all().map(row).collect()
}

const CHARACTER_SETS: Columns = &[
    ("character_set_catalog", ColumnKind::Text),
    ("character_set_schema", ColumnKind::Text),
    ("character_set_name", ColumnKind::Text),
    ("character_repertoire", ColumnKind::Text),
    ("form_of_use", ColumnKind::Text),
    ("default_collate_catalog", ColumnKind::Text),
    ("default_collate_schema", ColumnKind::Text),
    ("default_collate_name", ColumnKind::Text),
];

fn character_sets() -> Vec<Vec<Cell>> {
    let (schema, collation) = (Cell::from("pg_catalog"), Cell::from("default"));
    let mut cells = vec![Cell::Null, Cell::Null, "UTF8".into(), "UCS".into(), "UTF8".into()];
    cells.extend([CATALOG.into(), schema, collation]);
    vec![cells]
}

const ROLES: Columns = &[("role_name", ColumnKind::Text)];

const VIEWS: Columns = &[
    ("table_catalog", ColumnKind::Text),
    ("table_schema", ColumnKind::Text),
    ("table_name", ColumnKind::Text),
    ("view_definition", ColumnKind::Text),
    ("check_option", ColumnKind::Text),
    ("is_updatable", ColumnKind::Text),
    ("is_insertable_into", ColumnKind::Text),
];

const REFERENCES: Columns = &[
    ("constraint_catalog", ColumnKind::Text),
    ("constraint_schema", ColumnKind::Text),
    ("constraint_name", ColumnKind::Text),
    ("unique_constraint_catalog", ColumnKind::Text),
    ("unique_constraint_schema", ColumnKind::Text),
    ("unique_constraint_name", ColumnKind::Text),
    ("match_option", ColumnKind::Text),
    ("update_rule", ColumnKind::Text),
    ("delete_rule", ColumnKind::Text),
];

const CHECKS: Columns = &[
    ("constraint_catalog", ColumnKind::Text),
    ("constraint_schema", ColumnKind::Text),
    ("constraint_name", ColumnKind::Text),
    ("check_clause", ColumnKind::Text),
];

const ROUTINES: Columns = &[
    ("specific_catalog", ColumnKind::Text),
    ("specific_schema", ColumnKind::Text),
    ("specific_name", ColumnKind::Text),
    ("routine_catalog", ColumnKind::Text),
    ("routine_schema", ColumnKind::Text),
    ("routine_name", ColumnKind::Text),
    ("routine_type", ColumnKind::Text),
    ("data_type", ColumnKind::Text),
    ("routine_definition", ColumnKind::Text),
    ("external_language", ColumnKind::Text),
];

const PARAMETERS: Columns = &[
    ("specific_catalog", ColumnKind::Text),
    ("specific_schema", ColumnKind::Text),
    ("specific_name", ColumnKind::Text),
    ("ordinal_position", ColumnKind::Int4),
    ("parameter_mode", ColumnKind::Text),
    ("parameter_name", ColumnKind::Text),
    ("data_type", ColumnKind::Text),
];

const SEQUENCES: Columns = &[
    ("sequence_catalog", ColumnKind::Text),
    ("sequence_schema", ColumnKind::Text),
    ("sequence_name", ColumnKind::Text),
    ("data_type", ColumnKind::Text),
];

const TRIGGERS: Columns = &[
    ("trigger_catalog", ColumnKind::Text),
    ("trigger_schema", ColumnKind::Text),
    ("trigger_name", ColumnKind::Text),
    ("event_object_schema", ColumnKind::Text),
    ("event_object_table", ColumnKind::Text),
];

const DOMAINS: Columns = &[
    ("domain_catalog", ColumnKind::Text),
    ("domain_schema", ColumnKind::Text),
    ("domain_name", ColumnKind::Text),
    ("data_type", ColumnKind::Text),
];

const ELEMENTS: Columns = &[
    ("object_catalog", ColumnKind::Text),
    ("object_schema", ColumnKind::Text),
    ("object_name", ColumnKind::Text),
    ("object_type", ColumnKind::Text),
    ("collection_type_identifier", ColumnKind::Text),
    ("data_type", ColumnKind::Text),
];

const USAGE: Columns = &[
    ("view_catalog", ColumnKind::Text),
    ("view_schema", ColumnKind::Text),
    ("view_name", ColumnKind::Text),
    ("table_catalog", ColumnKind::Text),
    ("table_schema", ColumnKind::Text),
    ("table_name", ColumnKind::Text),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_is_made() {
        let column = |name: &str, type_name: &str| ColumnInfo {
            name: name.into(),
            type_name: type_name.into(),
            ..ColumnInfo::default()
        };
        let info = TableInfo {
            schema: "gold".into(),
            table: "t".into(),
            columns: vec![column("id", "bigint"), column("at", "timestamp")],
            key: vec!["id".into()],
            ..TableInfo::default()
        };
        let objects = Objects::new(vec![info], "anna".into(), Vec::new());
        for name in TABLES {
            let made = table(&objects, name).unwrap();
            assert!(!made.schema().fields().is_empty(), "{name}");
        }
        assert_eq!(columns(&objects)[1].len(), COLUMNS.len());
        assert_eq!(key_usage(&objects).len(), 1);
    }
}
