//! The tables of `pg_catalog` that describe the database and its users.

use super::functions;
use super::numbers;
use super::objects::Objects;
use super::table::{Cell, Columns, Kind};

pub const DATABASE: Columns = &[
    ("oid", Kind::Oid),
    ("datname", Kind::Text),
    ("datdba", Kind::Oid),
    ("encoding", Kind::Int4),
    ("datlocprovider", Kind::Char),
    ("datistemplate", Kind::Bool),
    ("datallowconn", Kind::Bool),
    ("datconnlimit", Kind::Int4),
    ("datfrozenxid", Kind::Int4),
    ("datminmxid", Kind::Int4),
    ("dattablespace", Kind::Oid),
    ("datcollate", Kind::Text),
    ("datctype", Kind::Text),
    ("daticulocale", Kind::Text),
    ("daticurules", Kind::Text),
    ("datcollversion", Kind::Text),
    ("datacl", Kind::TextList),
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
    ("oid", Kind::Oid),
    ("rolname", Kind::Text),
    ("rolsuper", Kind::Bool),
    ("rolinherit", Kind::Bool),
    ("rolcreaterole", Kind::Bool),
    ("rolcreatedb", Kind::Bool),
    ("rolcanlogin", Kind::Bool),
    ("rolreplication", Kind::Bool),
    ("rolbypassrls", Kind::Bool),
    ("rolconnlimit", Kind::Int4),
    ("rolpassword", Kind::Text),
    ("rolvaliduntil", Kind::Text),
    ("rolconfig", Kind::TextList),
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
    ("usename", Kind::Text),
    ("usesysid", Kind::Oid),
    ("usecreatedb", Kind::Bool),
    ("usesuper", Kind::Bool),
    ("userepl", Kind::Bool),
    ("usebypassrls", Kind::Bool),
    ("passwd", Kind::Text),
    ("valuntil", Kind::Text),
    ("useconfig", Kind::TextList),
];

/// The connected user.
pub fn users(objects: &Objects) -> Vec<Vec<Cell>> {
    let mut cells: Vec<Cell> = vec![objects.user.as_str().into(), numbers::USER.into()];
    cells.extend((0..4).map(|_| Cell::Bool(false)));
    vec![cells]
}
