//! Migrations: each leads to the next version in one transaction.

use crate::Error;
use rusqlite::{Connection, TransactionBehavior};

/// Statements that lead to version 1, 2 and so on. A released migration is never edited.
const MIGRATIONS: [&str; 6] = [
    include_str!("migrations/1_people.sql"),
    include_str!("migrations/2_external_identities.sql"),
    include_str!("migrations/3_alarms.sql"),
    include_str!("migrations/4_notifications.sql"),
    include_str!("migrations/5_reports.sql"),
    include_str!("migrations/6_scram.sql"),
];

/// The version this program works with.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

pub(super) fn version(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Migrates a database to the version of this program. A killed migration leaves a complete
/// earlier version.
pub(super) fn to_latest(connection: &mut Connection) -> Result<(), Error> {
    up_to(connection, VERSION)
}

fn up_to(connection: &mut Connection, wanted: i64) -> Result<(), Error> {
    for (statements, number) in MIGRATIONS.iter().zip(1..=wanted) {
        // Another process may migrate concurrently, so the version is read within the transaction.
        let behavior = TransactionBehavior::Immediate;
        let transaction = connection.transaction_with_behavior(behavior)?;
        if version(&transaction)? < number {
            transaction.execute_batch(statements)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.commit()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> Vec<String> {
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn the_first_version_is_the_one_that_was_released() {
        let mut made = Connection::open_in_memory().unwrap();
        up_to(&mut made, 1).unwrap();
        let released = Connection::open_in_memory().unwrap();
        released.execute_batch(include_str!("../../tests/fixtures/version_1.sql")).unwrap();
        assert_eq!(schema(&made), schema(&released));
    }

    #[test]
    fn a_failed_migration_leaves_the_version_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        up_to(&mut connection, 1).unwrap();
        // The name is taken, so the second statement of the migration fails.
        connection.execute_batch("CREATE TABLE external_identities (x INTEGER)").unwrap();
        let before = schema(&connection);
        assert!(to_latest(&mut connection).is_err());
        assert_eq!((version(&connection).unwrap(), schema(&connection)), (1, before));
    }
}
