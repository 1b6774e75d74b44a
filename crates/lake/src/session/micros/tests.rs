use crate::session::{empty, runtime};
use config::settings::Limits;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use std::sync::LazyLock;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().unwrap());
static SESSION: LazyLock<SessionContext> = LazyLock::new(|| {
    let limits = Limits::default();
    empty(&limits, runtime(&limits).unwrap(), 1)
});

/// A table of one row with timestamps of the types in the lake.
const TABLE: &str = "(SELECT arrow_cast('9999-12-31T23:59:59.999999Z', 'Timestamp(Microsecond, Some(\"UTC\"))') \
    AS closed, arrow_cast('0001-01-01T00:00:00Z', 'Timestamp(Microsecond, Some(\"UTC\"))') AS opened, \
    DATE '9999-12-31' AS due) t";

/// The value of an expression over the table.
fn evaluate(expression: &str) -> String {
    let sql = format!("SELECT {expression} FROM {TABLE}");
    let batches = RUNTIME
        .block_on(async { SESSION.sql(&sql).await?.collect().await })
        .unwrap_or_else(|error| panic!("{expression}: {error}"));
    array_value_to_string(batches[0].column(0), 0).unwrap()
}

#[test]
fn timestamps_of_every_year_can_be_compared() {
    for expression in [
        "closed > timestamp '2300-01-01'",
        "closed > '2300-01-01'",
        "closed = '9999-12-31 23:59:59.999999'",
        "closed > date '9999-12-31'",
        "closed > now()",
        "opened < now()",
        "opened = timestamp '0001-01-01'",
        "opened < timestamp '1677-01-01T00:00:00Z'",
        "opened = to_timestamp('0001-01-01T00:00:00')",
        "closed BETWEEN timestamp '9999-12-31' AND '9999-12-31 23:59:59.999999'",
        "closed IN (timestamp '9999-12-31 23:59:59.999999')",
        "closed IS DISTINCT FROM timestamp '9999-12-31'",
        "due > timestamp '2300-01-01'",
        "due > now()",
        "coalesce(closed, timestamp '2300-01-01') = closed",
        "CASE WHEN due = date '9999-12-31' THEN timestamp '2300-01-01' END < closed",
        "greatest(closed, timestamp '2300-01-01') = closed",
        "CAST('2300-01-01' AS TIMESTAMP) < closed",
        "TRY_CAST('2300-01-01' AS TIMESTAMP) < closed",
        "closed >= timestamp '9998-12-31' + interval '1 year'",
        "(SELECT max(at) FROM (SELECT timestamp '2300-01-01' AS at UNION ALL SELECT now()) u) < closed",
        "(SELECT max(at) FROM (VALUES (timestamp '2300-01-01')) v(at) WHERE at > timestamp '2299-01-01') < closed",
    ] {
        assert_eq!(evaluate(expression), "true", "{expression}");
    }
}

#[test]
fn numbers_and_zones_keep_their_meaning() {
    for (expression, expected) in [
        ("CAST(1704434400 AS TIMESTAMP) = timestamp '2024-01-05T06:00:00'", "true"),
        ("to_timestamp(1704434400) = timestamp '2024-01-05T06:00:00'", "true"),
        (
            "timestamp '2024-07-05T06:00:00' AT TIME ZONE 'Europe/Berlin' = '2024-07-05T06:00:00'",
            "true",
        ),
        ("date_trunc('day', timestamp '2024-01-05T06:00:00')", "2024-01-05T00:00:00"),
        ("date_bin(interval '1 hour', timestamp '2024-01-05T06:20:00')", "2024-01-05T06:00:00"),
        ("timestamp '2300-01-02' - timestamp '2300-01-01' = interval '24 hours'", "true"),
        ("to_char(timestamp '2300-01-02', '%Y-%m-%d')", "2300-01-02"),
        ("extract(year from closed)", "9999"),
    ] {
        assert_eq!(evaluate(expression), expected, "{expression}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_literal_is_its_instant(at_us in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
        let text = chrono::DateTime::from_timestamp_micros(at_us).unwrap();
        let text = text.format("%Y-%m-%d %H:%M:%S%.6f");
        let column = format!("arrow_cast(arrow_cast({at_us}, 'Int64'), 'Timestamp(Microsecond, Some(\"UTC\"))')");
        let expression = format!("{column} = timestamp '{text}' AND {column} = '{text}'");
        prop_assert_eq!(evaluate(&expression), "true");
    }
}
