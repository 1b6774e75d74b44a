//! Statements and what becomes of them.

use super::*;

#[track_caller]
fn check(sql: &str, expected: &str) {
    let statement = parse(sql, true, &[]).unwrap().remove(0);
    assert_eq!(statement.to_string().replace(MARK, "#"), expected);
}

#[track_caller]
fn check_plain(sql: &str, expected: &str) {
    let statement = parse(sql, false, &[]).unwrap().remove(0);
    assert_eq!(statement.to_string().replace(MARK, "#"), expected);
}

#[test]
fn functions_are_compared_by_name() {
    check(
        "SELECT p.oid FROM t JOIN p ON p.oid = t.typreceive WHERE t.oid = 1",
        "SELECT p.oid FROM t JOIN p ON p.proname = t.typreceive WHERE t.oid = 1",
    );
    check("SELECT a FROM t WHERE typsend != 0", "SELECT a FROM t WHERE typsend <> '-'");
}

#[test]
fn columns_are_named_as_in_postgresql() {
    check_plain(
        "SELECT unit, unit, count(*), 1 FROM t",
        "SELECT unit, unit AS \"unit#1\", count(*) AS \"count#2\", 1 AS \"?column?#3\" FROM t",
    );
    check_plain("SELECT *, a FROM t", "SELECT *, a AS \"a#1\" FROM t");
    check_plain("SELECT a AS b, c::text FROM t", "SELECT a AS b, c::TEXT AS \"c#1\" FROM t");
    check(
        "SELECT c.oid, c.*, b.a FROM pg_class c, (SELECT oid, * FROM pg_user) b",
        "SELECT c.oid AS \"oid#0\", c.*, b.a AS \"a#2\" FROM pg_catalog.pg_class c, \
         (SELECT oid AS \"oid#0\", * FROM pg_catalog.pg_user) b",
    );
    check_plain("SELECT DISTINCT a + 1 FROM t", "SELECT DISTINCT a + 1 FROM t");
}

#[test]
fn statements_on_the_lake_keep_their_subqueries() {
    let sql = "SELECT a, (SELECT max(b) FROM u WHERE u.a = t.a) AS b FROM t WHERE EXISTS (SELECT 1 FROM u)";
    check_plain(sql, sql);
}

#[test]
fn subqueries_are_planned_everywhere() {
    check(
        "SELECT ARRAY(SELECT a FROM t ORDER BY 1) AS a",
        "SELECT (SELECT array_agg(a ORDER BY a) AS \"array_agg\" FROM t) AS a",
    );
    check(
        "SELECT EXISTS (SELECT 1 FROM t WHERE t.a = u.a) AS a FROM u",
        "SELECT (SELECT count(1) AS \"count\" FROM t WHERE t.a = u.a) > 0 AS a FROM u",
    );
    check(
        "SELECT a FROM t WHERE (SELECT c.relkind = 'c' FROM pg_class c WHERE c.oid = t.typrelid)",
        "SELECT a FROM t WHERE (SELECT first_value(c.relkind = 'c') AS \"first_value\" FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)",
    );
}

#[test]
fn subqueries_of_conditions_are_searched_as_arrays() {
    check_plain(
        "SELECT CASE WHEN a IN (SELECT b FROM u) AND (c OR d IN (SELECT DISTINCT e FROM v)) THEN 1 END AS x FROM t",
        "SELECT CASE WHEN array_has((SELECT array_agg(b) FROM u), a) AND (c OR \
         array_has((SELECT array_agg(element) FROM (SELECT DISTINCT e FROM v) AS list (element)), d)) \
         THEN 1 END AS x FROM t",
    );
    for sql in [
        "SELECT CASE WHEN NOT a IN (SELECT b FROM u) THEN 1 END AS x FROM t",
        "SELECT CASE WHEN a NOT IN (SELECT b FROM u) THEN 1 END AS x FROM t",
        "SELECT CASE c WHEN a IN (SELECT b FROM u) THEN 1 END AS x FROM t",
        "SELECT a FROM t WHERE a IN (SELECT b FROM u)",
    ] {
        check_plain(sql, sql);
    }
}

#[test]
fn tables_without_rows_are_not_read() {
    check(
        "SELECT p.polname, a[1] AS b FROM pg_policy p JOIN t ON t.a = p.a[2] ORDER BY p.polcmd",
        "SELECT NULL AS polname, NULL AS b WHERE false",
    );
    check(
        "SELECT a, (SELECT d.x FROM pg_attrdef d WHERE d.y = t.y) AS b FROM t LEFT JOIN pg_inherits i ON i.a = t.a",
        "SELECT a, NULL AS b FROM t LEFT JOIN pg_catalog.pg_inherits i ON i.a = t.a",
    );
    check(
        "SELECT a, (SELECT max(b) FROM u) AS b FROM pg_trigger",
        "SELECT NULL AS a, NULL AS b WHERE false",
    );
    check("SELECT count(*) AS n FROM pg_policy", "SELECT count(*) AS n FROM pg_catalog.pg_policy");
}

#[test]
fn vectors_are_counted_from_zero() {
    check(
        "SELECT a FROM t WHERE a = i.indkey[b - 1] AND c = conkey[1]",
        "SELECT a FROM t WHERE a = i.indkey[(b - 1) + 1] AND c = conkey[1]",
    );
    check(
        "SELECT (information_schema._pg_expandarray(i.indkey)).n AS n FROM pg_index i",
        "SELECT get_field((unnest(pg_expanded(i.indkey))), 'n') AS n FROM pg_catalog.pg_index i",
    );
}

#[test]
fn elements_of_a_column_are_beside_its_row() {
    check(
        "SELECT c.a, k FROM pg_constraint AS c CROSS JOIN UNNEST(c.conkey) AS k JOIN t ON t.b = k",
        "SELECT c.a, k FROM (SELECT *, unnest(c.conkey) AS k FROM pg_catalog.pg_constraint AS c) AS c \
         JOIN t ON t.b = k",
    );
    check(
        "SELECT k FROM pg_constraint AS c CROSS JOIN UNNEST(ARRAY[1, 2]) AS k",
        "SELECT k FROM pg_catalog.pg_constraint AS c CROSS JOIN UNNEST(ARRAY[1, 2]) AS k (k)",
    );
}

#[test]
fn casts_to_registered_objects_are_functions() {
    check(
        "SELECT c.oid::regclass AS a FROM pg_class c WHERE c.oid = 'gold.t'::pg_catalog.regclass",
        "SELECT pg_class_name(c.oid) AS a FROM pg_catalog.pg_class c WHERE c.oid = to_regclass('gold.t')",
    );
    check(
        "SELECT a FROM t WHERE typinput = 'pg_catalog.array_in'::regproc",
        "SELECT a FROM t WHERE typinput = 'array_in'",
    );
}

#[test]
fn operators_are_those_of_the_engine() {
    check_plain(
        "SELECT a FROM t WHERE a = ANY('{x,y}')",
        "SELECT a FROM t WHERE a = ANY(ARRAY['x', 'y'])",
    );
    check_plain(
        "SELECT a FROM t WHERE a LIKE 'x/_%' ESCAPE '/'",
        "SELECT a FROM t WHERE a LIKE 'x\\_%'",
    );
    check(
        "SELECT a FROM t WHERE i.indisprimary = 't'",
        "SELECT a FROM t WHERE i.indisprimary = true",
    );
    check(
        "SELECT a FROM t JOIN d ON d.objoid = t.oid AND d.classoid = t.tableoid",
        "SELECT a FROM t JOIN d ON d.objoid = t.oid AND true",
    );
}

#[test]
fn functions_in_place_of_tables_have_a_column_of_their_alias() {
    check(
        "SELECT s[i] FROM generate_series(1, 2) AS i, string_to_array(pg_x(), ',') s",
        "SELECT s[i] AS \"s#0\" FROM generate_series(1, 2) AS i (i), \
         (SELECT string_to_array(pg_x(), ',') AS s) s",
    );
}

#[test]
fn parameters_of_arrays_have_their_declared_type() {
    let statement = parse("SELECT a FROM t WHERE a = ANY($1)", false, &[1_009]).unwrap().remove(0);
    let expected = "SELECT a FROM t WHERE a = ANY(CAST($1 AS TEXT[]))";
    assert_eq!(statement.to_string(), expected);
}
