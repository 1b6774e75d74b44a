//! Object identifiers.
//!
//! They are made from names, so they are the same on every connection and after a restart: clients keep
//! them.

use serve::TableInfo;
use std::collections::BTreeMap;

/// The first number of objects that are not part of PostgreSQL.
const FIRST: u32 = 16_384;
/// The numbers of schemas begin here; those of other objects are above.
const SCHEMAS_FROM: u32 = FIRST;
const OBJECTS_FROM: u32 = FIRST + 1_000;

/// The catalogue of tables in `pg_description.classoid`.
pub const PG_CLASS: i32 = 1_259;
/// The numbers of well-known schemas.
pub const PG_CATALOG_SCHEMA: i32 = 11;
pub const INFORMATION_SCHEMA: i32 = 13_000;
/// The number of the database, of its owner, and of the connected user.
pub const DATABASE: i32 = 16_000;
pub const OWNER: i32 = 10;
pub const USER: i32 = 16_001;

/// The numbers of a table and of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    pub table: i32,
    pub index: i32,
    pub constraint: i32,
}

/// The number of a schema of the lake.
pub fn schema(name: &str) -> i32 {
    let position = lake::session::SCHEMAS.iter().position(|known| *known == name);
    let offset = position.and_then(|it| u32::try_from(it).ok()).unwrap_or(999);
    signed(SCHEMAS_FROM + offset)
}

/// The numbers of all tables, in the order of the tables.
pub fn tables(tables: &[TableInfo]) -> Vec<Numbers> {
    let mut used = BTreeMap::new();
    let mut number = |name: String| {
        let mut number = hash(&name);
        while used.get(&number).is_some_and(|known| *known != name) {
            number = next(number);
        }
        used.insert(number, name);
        signed(number)
    };
    let numbers = tables.iter().map(|table| {
        let name = table.name();
        Numbers {
            table: number(name.clone()),
            index: number(format!("{name} index")),
            constraint: number(format!("{name} key")),
        }
    });
    numbers.collect()
}

/// FNV-1a, folded into the numbers of objects, which are positive as signed numbers.
fn hash(name: &str) -> u32 {
    let hashed = name
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    OBJECTS_FROM + hashed % (i32::MAX.unsigned_abs() - OBJECTS_FROM)
}

fn next(number: u32) -> u32 {
    if number >= i32::MAX.unsigned_abs() { OBJECTS_FROM } else { number + 1 }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn table(name: &str) -> TableInfo {
        TableInfo { schema: "gold".into(), table: name.into(), ..TableInfo::default() }
    }

    #[test]
    fn numbers_are_distinct_and_depend_on_the_name_only() {
        let all: Vec<TableInfo> = (0..500).map(|it| table(&format!("t{it}"))).collect();
        let numbers = tables(&all);
        let distinct: BTreeSet<i32> =
            numbers.iter().flat_map(|it| [it.table, it.index, it.constraint]).collect();
        assert_eq!(distinct.len(), 1_500);
        assert!(distinct.iter().all(|it| *it > 16_384));
        assert_eq!(tables(&all[7..8]), numbers[7..8]);
    }

    #[test]
    fn schemas_have_fixed_numbers() {
        let found: Vec<i32> = lake::session::SCHEMAS.iter().map(|it| schema(it)).collect();
        assert_eq!(found, [16_384, 16_385, 16_386, 16_387]);
    }
}
