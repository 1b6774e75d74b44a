"""Clients of Arrow Flight SQL.

Promise: a client reads rows by its own means; only the comparison is ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pyarrow.flight as flight

from checks import Report
from sql_doors_runaways import CROSS_JOIN
from sql_doors_world import PASSWORD, Summary, World, expected

AUTHORIZATION = "adbc.flight.sql.authorization_header"
ROOTS = "adbc.flight.sql.client_option.tls_root_certs"
LIMIT_S = 1
REFUSED = ("DROP TABLE gold.oee_hourly", "SELECT * FROM '/etc/passwd'", "SELECT absent")


def place(world: World) -> str:
    return f"grpc+tcp://127.0.0.1:{world.flight}"


@contextmanager
def by_adbc(world: World, user: str) -> Iterator[Any]:
    with (
        adbc.connect(place(world), db_kwargs=bearer(world.tokens[user])) as connection,
        connection.cursor() as cursor,
    ):

        def read(table: str) -> Summary:
            cursor.execute(f"SELECT * FROM {table}")
            return expected(cursor.fetch_arrow_table())

        yield read


@contextmanager
def by_pyarrow(world: World, user: str) -> Iterator[Any]:
    """The plain client of Flight, which sends the command of Flight SQL itself."""
    client = flight.FlightClient(place(world))
    call = options(world, user)

    def read(table: str) -> Summary:
        return expected(statement(client, call, f"SELECT * FROM {table}"))

    yield read
    client.close()


def options(world: World, user: str) -> flight.FlightCallOptions:
    value = f"Bearer {world.tokens[user]}".encode()
    return flight.FlightCallOptions(headers=[(b"authorization", value)])


def statement(client: flight.FlightClient, call: flight.FlightCallOptions, sql: str) -> pa.Table:
    command = packed(
        "type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery",
        field(1, sql.encode()),
    )
    info = client.get_flight_info(flight.FlightDescriptor.for_command(command), call)
    return client.do_get(info.endpoints[0].ticket, call).read_all()


def packed(name: str, value: bytes) -> bytes:
    """`google.protobuf.Any`."""
    return field(1, name.encode()) + field(2, value)


def field(number: int, value: bytes) -> bytes:
    size, rest = b"", len(value)
    while rest >= 0x80:
        size += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    return bytes([number << 3 | 2]) + size + bytes([rest]) + value


def check(world: World, report: Report) -> None:
    with adbc.connect(place(world), db_kwargs=bearer(world.tokens["anna"])) as connection:
        objects = connection.adbc_get_objects(depth="all").read_all()
        report.check("Flight SQL lists its tables", "oee_hourly" in str(objects.to_pylist()))
        names = connection.adbc_get_table_schema("oee_hourly", db_schema_filter="gold").names
        report.check("Flight SQL describes a table", "unit" in names, f"{names}")
        with connection.cursor() as cursor:
            for sql in REFUSED:
                reason = refusal(cursor, sql)
                report.check(f"Flight SQL: {sql} is refused", bool(reason))
            report.equal("Flight SQL runs the next statement", refusal(cursor, "SELECT 1"), "")
    check_scope(world, report)
    check_logins(world, report)


def bearer(token: str) -> dict[str, str]:
    return {AUTHORIZATION: f"Bearer {token}"}


def check_scope(world: World, report: Report) -> None:
    """A viewer of one line sees no table whose rows do not belong to a line."""
    with adbc.connect(place(world), db_kwargs=bearer(world.tokens["vera"])) as connection:
        catalogs = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
        schemas = [it for catalog in catalogs for it in catalog["catalog_db_schemas"]]
        seen = {it["db_schema_name"]: it["db_schema_tables"] for it in schemas}
        is_right = bool(seen.get("gold")) and not seen.get("bronze")
        report.check("a viewer sees no received files by Flight SQL", is_right, f"{seen}")
        with connection.cursor() as cursor:
            reason = refusal(cursor, "SELECT * FROM meta.files")
            report.check("Flight SQL refuses a hidden table", bool(reason), reason)


def check_logins(world: World, report: Report) -> None:
    login = {"username": "anna", "password": PASSWORD}
    with (
        adbc.connect(place(world), db_kwargs=login) as connection,
        connection.cursor() as cursor,
    ):
        report.equal("Flight SQL accepts a password", refusal(cursor, "SELECT 1"), "")
    wrong = {"username": "anna", "password": "wrong"}
    given = {"no login": {}, "a wrong token": bearer("pck_x"), "a wrong password": wrong}
    for name, options in given.items():
        reason = refused_login(world, options)
        report.check(f"Flight SQL refuses {name}", "UNAUTH" in reason.upper(), reason)


def refused_login(world: World, options: dict[str, str]) -> str:
    try:
        with (
            adbc.connect(place(world), db_kwargs=options) as connection,
            connection.cursor() as cursor,
        ):
            return refusal(cursor, "SELECT 1")
    except Exception as error:
        return str(error)


def run(world: World, user: str, sql: str) -> int:
    """The number of rows of a statement."""
    client = flight.FlightClient(place(world))
    rows = statement(client, options(world, user), sql).num_rows
    client.close()
    return rows


def tls_refusal(world: World, certificate: str) -> str:
    """Why a client that verifies the certificate reads nothing."""
    given = bearer(world.tokens["anna"]) | {ROOTS: certificate}
    try:
        with (
            adbc.connect(f"grpc+tls://localhost:{world.flight}", db_kwargs=given) as connection,
            connection.cursor() as cursor,
        ):
            return refusal(cursor, "SELECT count(*) FROM gold.oee_hourly")
    except Exception as error:
        return str(error)


def check_limit(world: World, report: Report) -> None:
    """A statement ends at the limit of the service."""
    with (
        world.started(COCKPIT_SQL_STATEMENT_S=str(LIMIT_S)),
        adbc.connect(place(world), db_kwargs=bearer(world.tokens["anna"])) as connection,
        connection.cursor() as cursor,
    ):
        begun = time.monotonic()
        reason = refusal(cursor, CROSS_JOIN)
        took_s = time.monotonic() - begun
        is_limited = bool(reason) and took_s < LIMIT_S + world.late_s
        report.check(
            f"a statement of Flight SQL ends at its limit ({took_s:.1f} s)", is_limited, reason
        )
        report.equal("and the next one runs", refusal(cursor, "SELECT 1"), "")


def refusal(cursor: Any, sql: str) -> str:
    try:
        cursor.execute(sql)
        cursor.fetchall()
    except Exception as error:
        return str(error)
    return ""


CLIENTS: dict[str, Callable[[World, str], Any]] = {
    "ADBC for Flight SQL": by_adbc,
    "pyarrow.flight": by_pyarrow,
}
