"""Parameters of statements over Arrow Flight SQL, bound by ADBC.

Promise: values come back as they were bound; a statement with bound values reads what the same statement with
literals reads; what does not fit is refused by name, and the connection continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pyarrow.flight as flight

import sql_doors_flight as clients
from checks import Report
from sql_doors_world import UNITS, World

HANDLE = "type.googleapis.com/arrow.flight.protocol.sql.CommandPreparedStatementQuery"
VALUES: tuple[Any, ...] = (
    *("é 'quoted'", "", 42, -1, 2.5, True, b"a\0b"),
    *(date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5, 6), datetime(2026, 1, 2, tzinfo=UTC), Decimal("1.25")),
)
COUNT = "SELECT count(*) AS n FROM gold.oee_hourly WHERE "
LITERALS: tuple[tuple[str, tuple[Any, ...], str], ...] = (
    ("unit = ?", ("TS-0001",), "unit = 'TS-0001'"),
    ("unit = $2 AND calendar_s > $1", (1, "TS-0001"), "unit = 'TS-0001' AND calendar_s > 1"),
    ("calendar_s > ? OR unit IN (?, ?)", (100.5, "TS-0001", "x"), "calendar_s > 100.5 OR unit IN ('TS-0001', 'x')"),
    ("calendar_s >= ?", (Decimal("3600.00"),), "calendar_s >= 3600"),
    ("production_day < ?", (date(2100, 1, 1),), "production_day < DATE '2100-01-01'"),
    ("unit = ? OR ? IS NULL", ("x", None), "true"),
)
REFUSED: tuple[tuple[str, Any, str], ...] = (
    (COUNT + "unit = ? AND line = ?", ("x",), "2 parameters, but 1 were bound"),
    ("SELECT 1", ("x",), "0 parameters, but 1 were bound"),
    (COUNT + "unit = ?", (5,), "parameter $1: the statement needs the type"),
    (COUNT + "unit = $1 AND line = ?", ("x", "y"), "with and without numbers"),
    (COUNT + "unit = ?", None, "without values"),
    ("SELECT repeat('x', ?)", (5,), "limited to literal numbers"),
    ("SELECT ?", pa.table({"0": pa.array([], pa.int64())}), "no row of values"),
    ("SELECT ?", pa.table({"0": pa.array(range(1001))}), "more than 1000 rows"),
    ("SELECT ?", pa.table({"0": pa.array([[1]])}), "type List"),
    ("DELETE FROM gold.oee_hourly WHERE unit = ?", ("x",), "only SELECT"),
)


def check(world: World, report: Report) -> None:
    given = clients.bearer(world.tokens["anna"])
    with adbc.connect(clients.place(world), db_kwargs=given) as connection, connection.cursor() as cursor:
        for value in (*VALUES, None):
            found = answer(cursor, "SELECT ? AS value", (value,))
            report.equal(f"a parameter returns {value!r}", found, [(value,)])
        report.equal("many values", answer(cursor, "SELECT " + ", ".join("?" * len(VALUES)), VALUES), [VALUES])
        for condition, values, literal in LITERALS:
            must = world.query(COUNT + literal).column(0).to_pylist()
            report.equal(f"rows WHERE {condition}", column(cursor, COUNT + condition, values), must)
        check_rows(cursor, report)
        check_described(cursor, report)
        for sql, values, expected in REFUSED:
            reason = refusal(cursor, sql, values)
            report.check(f"refused: {sql} ({expected})", expected in reason, reason)
            report.equal("and the next statement runs", answer(cursor, "SELECT ? + 1", (1,)), [(2,)])
        reason = refusal(cursor, "SELECT ?", [(1,), (2,)], is_many=True)
        report.check("executemany, which would change data, is refused", "only read" in reason, reason)
    check_handles(world, report)
    check_scope(world, report)


def answer(cursor: Any, sql: str, values: Any) -> list[tuple[Any, ...]]:
    cursor.execute(sql, values) if values is not None else cursor.execute(sql)
    return [tuple(row) for row in cursor.fetchall()]


def column(cursor: Any, sql: str, values: Sequence[Any]) -> list[Any]:
    return [row[0] for row in answer(cursor, sql, values)]


def refusal(cursor: Any, sql: str, values: Any, is_many: bool = False) -> str:
    try:
        if is_many:
            cursor.executemany(sql, values)
        else:
            answer(cursor, sql, values)
    except Exception as error:
        return str(error)
    return ""


def run(world: World, user: str, sql: str, values: Sequence[Any]) -> None:
    """Runs one statement."""
    given = clients.bearer(world.tokens[user])
    with adbc.connect(clients.place(world), db_kwargs=given) as connection, connection.cursor() as cursor:
        answer(cursor, sql, values)


def check_rows(cursor: Any, report: Report) -> None:
    """Several rows of values: the statement runs for each, in their order."""
    rows = pa.table({"a": pa.array([42, None, -42], pa.int32()), "b": pa.array(["x", "", None])})
    cursor.execute("SELECT $1 AS a, $2 AS b", rows)
    report.equal("three rows of values", cursor.fetch_arrow_table().to_pydict(), rows.to_pydict())
    units = pa.table({"unit": pa.array(["TS-0001", "x", "TS-0001"])})
    must = [answer(cursor, COUNT + "unit = ?", (it,))[0][0] for it in units.column(0).to_pylist()]
    report.equal("a count for each row of values", column(cursor, COUNT + "unit = ?", units), must)
    report.check("which differ", must[0] == must[2] and must[0] > 0 and must[1] == 0, f"{must}")


def check_described(cursor: Any, report: Report) -> None:
    sql = "SELECT ?::bigint FROM gold.oee_hourly WHERE unit = ? AND calendar_s > ? LIMIT ?"
    schema = cursor.adbc_prepare(sql)
    report.equal("parameters are numbered", schema.names, ["$1", "$2", "$3", "$4"])
    kinds = [str(it.type) for it in schema]
    is_right = kinds[0] == "int64" and "string" in kinds[1]
    report.check("parameters have the types of their uses", is_right, f"{kinds}")
    rows = column(cursor, "SELECT unit FROM gold.oee_hourly LIMIT ?", (3,))
    report.equal("rows up to a parameter", len(rows), 3)


def check_handles(world: World, report: Report) -> None:
    """A handle of another version of the program, and one whose values are cut."""
    client = flight.FlightClient(clients.place(world))
    call = clients.options(world, "anna")
    for handle, expected in ((b"\xff\x09x", "prepare the statement again"), (b"\xff\x01\0\0", "prepare")):
        command = clients.packed(HANDLE, clients.field(1, handle))
        for name, run in (
            ("info", lambda: client.get_flight_info(flight.FlightDescriptor.for_command(command), call)),
            ("rows", lambda: client.do_get(flight.Ticket(command), call).read_all()),
        ):
            try:
                run()
                reason = ""
            except Exception as error:
                reason = str(error)
            report.check(f"{name} of an unknown handle {handle!r}", expected in reason, reason)
    client.close()


def check_scope(world: World, report: Report) -> None:
    """A viewer of one line reads no other by a parameter."""
    given = clients.bearer(world.tokens["vera"])
    with adbc.connect(clients.place(world), db_kwargs=given) as connection, connection.cursor() as cursor:
        found = column(cursor, "SELECT count(*) FROM gold.oee_hourly WHERE unit = ? OR true", ("TS-0001",))
        must = [world.line_summary("oee_hourly")["rows"]]
        report.equal("a viewer of one line by a parameter", found, must)
        report.equal("rows of another line", column(cursor, COUNT + "unit = ?", ("TS-0001",)), [0])
        own = column(cursor, COUNT + "unit = ?", (UNITS[0],))
        report.check("rows of the line", own[0] > 0, f"{own}")
        reason = refusal(cursor, "SELECT * FROM meta.files WHERE rows > ?", (0,))
        report.check("a hidden table with a parameter is refused", bool(reason), reason)
