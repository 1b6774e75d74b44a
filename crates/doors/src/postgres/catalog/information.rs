//! The views of `information_schema`.

use super::numbers::Numbers;
use super::objects::{Objects, column_description, key_name, key_positions};
use super::table::{Cell, Columns, Kind, table as make};
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
    ("catalog_name", Kind::Text),
    ("schema_name", Kind::Text),
    ("schema_owner", Kind::Text),
    ("default_character_set_catalog", Kind::Text),
    ("default_character_set_schema", Kind::Text),
    ("default_character_set_name", Kind::Text),
    ("sql_path", Kind::Text),
];

fn schemata() -> Vec<Vec<Cell>> {
    let own = [super::schemas::PG_CATALOG, super::schemas::INFORMATION_SCHEMA];
    let names = lake::session::SCHEMAS.into_iter().chain(own);
    names.map(|name| vec![CATALOG.into(), name.into(), super::functions::OWNER.into()]).collect()
}

const RELATIONS: Columns = &[
    ("table_catalog", Kind::Text),
    ("table_schema", Kind::Text),
    ("table_name", Kind::Text),
    ("table_type", Kind::Text),
    ("is_insertable_into", Kind::Text),
    ("is_typed", Kind::Text),
    ("self_referencing_column_name", Kind::Text),
    ("reference_generation", Kind::Text),
    ("user_defined_type_catalog", Kind::Text),
    ("user_defined_type_schema", Kind::Text),
    ("user_defined_type_name", Kind::Text),
    ("commit_action", Kind::Text),
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
    ("table_catalog", Kind::Text),
    ("table_schema", Kind::Text),
    ("table_name", Kind::Text),
    ("column_name", Kind::Text),
    ("ordinal_position", Kind::Int4),
    ("column_default", Kind::Text),
    ("is_nullable", Kind::Text),
    ("data_type", Kind::Text),
    ("character_maximum_length", Kind::Int4),
    ("character_octet_length", Kind::Int4),
    ("numeric_precision", Kind::Int4),
    ("numeric_precision_radix", Kind::Int4),
    ("numeric_scale", Kind::Int4),
    ("datetime_precision", Kind::Int4),
    ("udt_catalog", Kind::Text),
    ("udt_schema", Kind::Text),
    ("udt_name", Kind::Text),
    ("dtd_identifier", Kind::Text),
    ("is_self_referencing", Kind::Text),
    ("is_identity", Kind::Text),
    ("is_generated", Kind::Text),
    ("is_updatable", Kind::Text),
    ("interval_type", Kind::Text),
    ("interval_precision", Kind::Int4),
    ("character_set_catalog", Kind::Text),
    ("character_set_schema", Kind::Text),
    ("character_set_name", Kind::Text),
    ("collation_catalog", Kind::Text),
    ("collation_schema", Kind::Text),
    ("collation_name", Kind::Text),
    ("domain_catalog", Kind::Text),
    ("domain_schema", Kind::Text),
    ("domain_name", Kind::Text),
    ("identity_generation", Kind::Text),
    ("generation_expression", Kind::Text),
    ("column_comment", Kind::Text),
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
    ("constraint_catalog", Kind::Text),
    ("constraint_schema", Kind::Text),
    ("constraint_name", Kind::Text),
    ("table_catalog", Kind::Text),
    ("table_schema", Kind::Text),
    ("table_name", Kind::Text),
    ("constraint_type", Kind::Text),
    ("is_deferrable", Kind::Text),
    ("initially_deferred", Kind::Text),
    ("enforced", Kind::Text),
    ("nulls_distinct", Kind::Text),
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
    ("constraint_catalog", Kind::Text),
    ("constraint_schema", Kind::Text),
    ("constraint_name", Kind::Text),
    ("table_catalog", Kind::Text),
    ("table_schema", Kind::Text),
    ("table_name", Kind::Text),
    ("column_name", Kind::Text),
    ("ordinal_position", Kind::Int4),
    ("position_in_unique_constraint", Kind::Int4),
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
    ("table_catalog", Kind::Text),
    ("table_schema", Kind::Text),
    ("table_name", Kind::Text),
    ("column_name", Kind::Text),
    ("constraint_catalog", Kind::Text),
    ("constraint_schema", Kind::Text),
    ("constraint_name", Kind::Text),
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
    ("grantor", Kind::Text),
    ("grantee", Kind::Text),
    ("table_catalog", Kind::Text),
    ("table_schema", Kind::Text),
    ("table_name", Kind::Text),
    ("privilege_type", Kind::Text),
    ("is_grantable", Kind::Text),
    ("with_hierarchy", Kind::Text),
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
    ("character_set_catalog", Kind::Text),
    ("character_set_schema", Kind::Text),
    ("character_set_name", Kind::Text),
    ("character_repertoire", Kind::Text),
    ("form_of_use", Kind::Text),
    ("default_collate_catalog", Kind::Text),
    ("default_collate_schema", Kind::Text),
    ("default_collate_name", Kind::Text),
];

fn character_sets() -> Vec<Vec<Cell>> {
    let (schema, collation) = (Cell::from("pg_catalog"), Cell::from("default"));
    let mut cells = vec![Cell::Null, Cell::Null, "UTF8".into(), "UCS".into(), "UTF8".into()];
    cells.extend([CATALOG.into(), schema, collation]);
    vec![cells]
}

const ROLES: Columns = &[("role_name", Kind::Text)];

const VIEWS: Columns = &[
    ("table_catalog", Kind::Text),
    ("table_schema", Kind::Text),
    ("table_name", Kind::Text),
    ("view_definition", Kind::Text),
    ("check_option", Kind::Text),
    ("is_updatable", Kind::Text),
    ("is_insertable_into", Kind::Text),
];

const REFERENCES: Columns = &[
    ("constraint_catalog", Kind::Text),
    ("constraint_schema", Kind::Text),
    ("constraint_name", Kind::Text),
    ("unique_constraint_catalog", Kind::Text),
    ("unique_constraint_schema", Kind::Text),
    ("unique_constraint_name", Kind::Text),
    ("match_option", Kind::Text),
    ("update_rule", Kind::Text),
    ("delete_rule", Kind::Text),
];

const CHECKS: Columns = &[
    ("constraint_catalog", Kind::Text),
    ("constraint_schema", Kind::Text),
    ("constraint_name", Kind::Text),
    ("check_clause", Kind::Text),
];

const ROUTINES: Columns = &[
    ("specific_catalog", Kind::Text),
    ("specific_schema", Kind::Text),
    ("specific_name", Kind::Text),
    ("routine_catalog", Kind::Text),
    ("routine_schema", Kind::Text),
    ("routine_name", Kind::Text),
    ("routine_type", Kind::Text),
    ("data_type", Kind::Text),
    ("routine_definition", Kind::Text),
    ("external_language", Kind::Text),
];

const PARAMETERS: Columns = &[
    ("specific_catalog", Kind::Text),
    ("specific_schema", Kind::Text),
    ("specific_name", Kind::Text),
    ("ordinal_position", Kind::Int4),
    ("parameter_mode", Kind::Text),
    ("parameter_name", Kind::Text),
    ("data_type", Kind::Text),
];

const SEQUENCES: Columns = &[
    ("sequence_catalog", Kind::Text),
    ("sequence_schema", Kind::Text),
    ("sequence_name", Kind::Text),
    ("data_type", Kind::Text),
];

const TRIGGERS: Columns = &[
    ("trigger_catalog", Kind::Text),
    ("trigger_schema", Kind::Text),
    ("trigger_name", Kind::Text),
    ("event_object_schema", Kind::Text),
    ("event_object_table", Kind::Text),
];

const DOMAINS: Columns = &[
    ("domain_catalog", Kind::Text),
    ("domain_schema", Kind::Text),
    ("domain_name", Kind::Text),
    ("data_type", Kind::Text),
];

const ELEMENTS: Columns = &[
    ("object_catalog", Kind::Text),
    ("object_schema", Kind::Text),
    ("object_name", Kind::Text),
    ("object_type", Kind::Text),
    ("collection_type_identifier", Kind::Text),
    ("data_type", Kind::Text),
];

const USAGE: Columns = &[
    ("view_catalog", Kind::Text),
    ("view_schema", Kind::Text),
    ("view_name", Kind::Text),
    ("table_catalog", Kind::Text),
    ("table_schema", Kind::Text),
    ("table_name", Kind::Text),
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
        let objects = Objects::new(vec![info], "anna".into());
        for name in TABLES {
            let made = table(&objects, name).unwrap();
            assert!(!made.schema().fields().is_empty(), "{name}");
        }
        assert_eq!(columns(&objects)[1].len(), COLUMNS.len());
        assert_eq!(key_usage(&objects).len(), 1);
    }
}
