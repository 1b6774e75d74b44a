//! The tables of `pg_catalog` that describe the database and its users.

use super::functions;
use super::numbers;
use super::objects::Objects;
use super::table::{Cell, ColumnKind, Columns};

pub const DATABASE: Columns = &[
    ("oid", ColumnKind::Oid),
    ("datname", ColumnKind::Text),
    ("datdba", ColumnKind::Oid),
    ("encoding", ColumnKind::Int4),
    ("datlocprovider", ColumnKind::Char),
    ("datistemplate", ColumnKind::Bool),
    ("datallowconn", ColumnKind::Bool),
    ("datconnlimit", ColumnKind::Int4),
    ("datfrozenxid", ColumnKind::Int4),
    ("datminmxid", ColumnKind::Int4),
    ("dattablespace", ColumnKind::Oid),
    ("datcollate", ColumnKind::Text),
    ("datctype", ColumnKind::Text),
    ("daticulocale", ColumnKind::Text),
    ("daticurules", ColumnKind::Text),
    ("datcollversion", ColumnKind::Text),
    ("datacl", ColumnKind::TextList),
];

/// The only database.
pub fn database() -> Vec<Vec<Cell>> {
    let mut cells: Vec<Cell> =
        vec![numbers::DATABASE.into(), lake::session::CATALOG.into(), numbers::OWNER.into()];
    // The encoding UTF-8 has the number 6.
    cells.extend([6.into(), "c".into(), false.into(), true.into(), (-1).into()]);
    cells.extend([0.into(), 0.into(), 1_663.into(), "C".into(), "C".into()]);
    vec![cells]
}

pub const ROLES: Columns = &[
    ("oid", ColumnKind::Oid),
    ("rolname", ColumnKind::Text),
    ("rolsuper", ColumnKind::Bool),
    ("rolinherit", ColumnKind::Bool),
    ("rolcreaterole", ColumnKind::Bool),
    ("rolcreatedb", ColumnKind::Bool),
    ("rolcanlogin", ColumnKind::Bool),
    ("rolreplication", ColumnKind::Bool),
    ("rolbypassrls", ColumnKind::Bool),
    ("rolconnlimit", ColumnKind::Int4),
    ("rolpassword", ColumnKind::Text),
    ("rolvaliduntil", ColumnKind::Text),
    ("rolconfig", ColumnKind::TextList),
];

/// The owner of everything, and the connected user.
pub fn roles(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |number: i32, name: &str, can_login: bool| {
        let mut cells: Vec<Cell> = vec![number.into(), name.into(), false.into(), true.into()];
        cells.extend([false, false, can_login, false, false].map(Cell::Bool));
        cells.push((-1).into());
        cells
    };
    let user = row(numbers::USER, &objects.user, true);
    vec![row(numbers::OWNER, functions::OWNER, false), user]
}

pub const USER: Columns = &[
    ("usename", ColumnKind::Text),
    ("usesysid", ColumnKind::Oid),
    ("usecreatedb", ColumnKind::Bool),
    ("usesuper", ColumnKind::Bool),
    ("userepl", ColumnKind::Bool),
    ("usebypassrls", ColumnKind::Bool),
    ("passwd", ColumnKind::Text),
    ("valuntil", ColumnKind::Text),
    ("useconfig", ColumnKind::TextList),
];

/// The connected user.
pub fn users(objects: &Objects) -> Vec<Vec<Cell>> {
    let mut cells: Vec<Cell> = vec![objects.user.as_str().into(), numbers::USER.into()];
    cells.extend((0..4).map(|_| Cell::Bool(false)));
    vec![cells]
}

pub const SETTINGS: Columns = &[
    ("name", ColumnKind::Text),
    ("setting", ColumnKind::Text),
    ("unit", ColumnKind::Text),
    ("category", ColumnKind::Text),
    ("short_desc", ColumnKind::Text),
    ("extra_desc", ColumnKind::Text),
    ("context", ColumnKind::Text),
    ("vartype", ColumnKind::Text),
    ("source", ColumnKind::Text),
    ("min_val", ColumnKind::Text),
    ("max_val", ColumnKind::Text),
    ("enumvals", ColumnKind::TextList),
    ("boot_val", ColumnKind::Text),
    ("reset_val", ColumnKind::Text),
    ("sourcefile", ColumnKind::Text),
    ("sourceline", ColumnKind::Int4),
    ("pending_restart", ColumnKind::Bool),
];

/// The parameters of the connection.
pub fn settings(objects: &Objects) -> Vec<Vec<Cell>> {
    let row = |(name, value): &(String, String)| {
        let mut cells: Vec<Cell> = vec![name.as_str().into(), value.as_str().into(), Cell::Null];
        cells.extend(["Client Connection Defaults", "", ""].map(Cell::from));
        cells.extend(["user", "string", "session"].map(Cell::from));
        cells.extend([Cell::Null, Cell::Null, Cell::Null]);
        cells.extend([value.as_str().into(), value.as_str().into(), Cell::Null, Cell::Null]);
        cells.push(false.into());
        cells
    };
    objects.settings.iter().map(row).collect()
}
