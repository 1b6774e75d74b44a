"""Calls about the catalogue that drivers and libraries have, which send their own statements.

Promise: every call of a driver is made; one that fails or finds nothing where there is something is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyodbc
import sqlalchemy
from psycopg.types import TypeInfo
from psycopg.types.composite import CompositeInfo
from psycopg.types.enum import EnumInfo
from psycopg.types.range import RangeInfo

from sql_doors_clients import conninfo, odbc_text, url
from sql_doors_world import DATABASE, World

SCHEMA, TABLE = "gold", "oee_hourly"
NAME = f"{SCHEMA}.{TABLE}"
PSQL = [
    *(
        r"\d",
        r"\d gold.oee_hourly",
        r"\d+ gold.oee_hourly",
        r"\d oee_hourly",
        r"\d gold.oee_hourly_pkey",
    ),
    *(
        r"\dt",
        r"\dt gold.*",
        r"\dt+ gold.*",
        r"\dt *.*",
        r"\dn",
        r"\dn+",
        r"\l",
        r"\l+",
        r"\du",
        r"\dg",
    ),
    *(
        r"\di",
        r"\di+ gold.*",
        r"\df",
        r"\df gold.*",
        r"\da",
        r"\db",
        r"\dc",
        r"\dC",
        r"\dd",
        r"\dD",
    ),
    *(
        r"\ddp",
        r"\des",
        r"\det",
        r"\deu",
        r"\dew",
        r"\dF",
        r"\dL",
        r"\do",
        r"\dO",
        r"\dp",
        r"\z",
        r"\dP",
    ),
    *(
        r"\drds",
        r"\dRp",
        r"\dRs",
        r"\dT",
        r"\dx",
        r"\dX",
        r"\dy",
        r"\dconfig",
        r"\dA",
        r"\dAc",
        r"\dAf",
    ),
    *(r"\dv gold.*", r"\dm gold.*", r"\ds gold.*", r"\dE gold.*", r"\conninfo", r"\encoding"),
]
NOTHING = "Did not find any"

Made = Callable[[], Any]


def failures(calls: Iterator[tuple[str, int, Made]]) -> str:
    """The calls that failed, or whose result has fewer items than there must be."""
    found = []
    for name, least, call in calls:
        try:
            result = call()
            count = len(result) if hasattr(result, "__len__") else least
            if count < least:
                found.append(f"{name}: {count} items, at least {least} exist")
        except Exception as error:
            found.append(f"{name}: {type(error).__name__}: {str(error)[:2500]}")
    return "\n".join(found)


def of_sqlalchemy(world: World, user: str) -> str:
    engine = sqlalchemy.create_engine(url(world, user))
    seen = sqlalchemy.inspect(engine)

    def calls() -> Iterator[tuple[str, int, Made]]:
        yield "get_schema_names", 4, seen.get_schema_names
        for name, least in [
            ("get_table_names", 5),
            ("get_view_names", 0),
            ("get_materialized_view_names", 0),
            ("get_sequence_names", 0),
            ("get_enums", 0),
            ("get_domains", 0),
            ("get_foreign_table_names", 0),
        ]:
            yield name, least, lambda name=name: getattr(seen, name)(schema=SCHEMA)
        for name, least in [
            ("get_columns", 5),
            ("get_pk_constraint", 1),
            ("get_foreign_keys", 0),
            ("get_indexes", 0),
            ("get_unique_constraints", 0),
            ("get_check_constraints", 0),
            ("get_table_comment", 1),
            ("get_table_options", 0),
        ]:
            yield name, least, lambda name=name: getattr(seen, name)(TABLE, schema=SCHEMA)
        yield "has_table", 0, lambda: must(seen.has_table(TABLE, schema=SCHEMA))
        yield "has_schema", 0, lambda: must(seen.has_schema(SCHEMA))
        yield "key columns", 1, lambda: seen.get_pk_constraint(TABLE, SCHEMA)["constrained_columns"]
        yield "comment", 1, lambda: seen.get_table_comment(TABLE, SCHEMA)["text"] or ""
        meta = sqlalchemy.MetaData()
        yield "reflect", 0, lambda: meta.reflect(engine, schema=SCHEMA, views=True)

    found = failures(calls())
    engine.dispose()
    return found


def must(value: bool) -> None:
    if not value:
        raise ValueError("is false")


def indexed(cursor: pyodbc.Cursor) -> list[str]:
    """The columns of the indexes of the table, of which there is one for the key."""
    rows = cursor.statistics(table=TABLE, schema=SCHEMA).fetchall()
    return [row.column_name for row in rows if row.index_name]


def keys(cursor: pyodbc.Cursor) -> list[str]:
    return [row.column_name for row in cursor.primaryKeys(table=TABLE, schema=SCHEMA).fetchall()]


def of_odbc(world: World, user: str) -> str:
    connection = pyodbc.connect(odbc_text(world, user))
    cursor = connection.cursor()
    place = {"table": TABLE, "schema": SCHEMA}

    def calls() -> Iterator[tuple[str, int, Made]]:
        yield "tables", 5, lambda: cursor.tables(schema=SCHEMA, tableType="TABLE").fetchall()
        yield "catalogs", 1, lambda: cursor.tables(catalog="%", schema="", table="").fetchall()
        yield "schemas", 4, lambda: cursor.tables(catalog="", schema="%", table="").fetchall()
        types = {"catalog": "", "schema": "", "table": "", "tableType": "%"}
        yield "table types", 1, lambda: cursor.tables(**types).fetchall()
        yield "columns", 5, lambda: cursor.columns(**place).fetchall()
        yield "columns of all", 50, lambda: cursor.columns(schema=SCHEMA).fetchall()
        yield "primary keys", 1, lambda: cursor.primaryKeys(**place).fetchall()
        yield "foreign keys", 0, lambda: cursor.foreignKeys(**place).fetchall()
        foreign = {"foreignTable": TABLE, "foreignSchema": SCHEMA}
        yield "references", 0, lambda: cursor.foreignKeys(**foreign).fetchall()
        yield "statistics", 1, lambda: cursor.statistics(**place).fetchall()
        yield "columns of the index", 0, lambda: must(indexed(cursor) == keys(cursor))
        yield "row ids", 0, lambda: cursor.rowIdColumns(**place).fetchall()
        yield "row versions", 0, lambda: cursor.rowVerColumns(**place).fetchall()
        yield "procedures", 0, lambda: cursor.procedures().fetchall()
        yield "types", 5, lambda: cursor.getTypeInfo().fetchall()
        sql = f"SELECT count(*) FROM {NAME} WHERE unit = ? AND calendar_s > ? OR production_day < ?"
        values = ("x", 1, date(2020, 1, 1))
        yield "parameters", 1, lambda: cursor.execute(sql, values).fetchall()
        declared = pyodbc.connect(odbc_text(world, user) + ";UseDeclareFetch=1;Fetch=10")
        rows = f"SELECT * FROM {NAME} LIMIT 100"
        # A plant of one day has fewer rows of one line.
        count = cursor.execute(f"SELECT count(*) FROM {NAME}").fetchval()
        yield "cursors", min(100, count), lambda: declared.cursor().execute(rows).fetchall()
        declared.close()

    found = failures(calls())
    connection.close()
    return found


def of_adbc(world: World, user: str) -> str:
    with adbc.connect(url(world, user, "postgresql")) as connection:

        def calls() -> Iterator[tuple[str, int, Made]]:
            yield "info", 1, connection.adbc_get_info
            for depth in ("catalogs", "db_schemas", "tables", "all"):
                yield (
                    f"objects, {depth}",
                    1,
                    lambda depth=depth: connection.adbc_get_objects(depth=depth).read_all(),
                )
            chosen = {"db_schema_filter": SCHEMA, "table_name_filter": "oee%"}
            yield "objects, filtered", 1, lambda: connection.adbc_get_objects(**chosen).read_all()
            of_table = {"db_schema_filter": SCHEMA}
            yield "schema", 5, lambda: connection.adbc_get_table_schema(TABLE, **of_table).names
            yield "table types", 1, connection.adbc_get_table_types
            yield "statement", 1, lambda: adbc_rows(connection, "SELECT count(*) FROM " + NAME)
            sql = f"SELECT count(*) FROM {NAME} WHERE unit = $1 AND calendar_s < $2"
            yield "parameters", 1, lambda: adbc_rows(connection, sql, ("x", 0.5))

        return failures(calls())


def adbc_rows(connection: Any, sql: str, values: tuple[Any, ...] | None = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values) if values else cursor.execute(sql)
        return cursor.fetch_arrow_table()


def of_psycopg(world: World, user: str) -> str:
    with psycopg.connect(conninfo(world, user), autocommit=True) as connection:
        run = connection.execute

        def calls() -> Iterator[tuple[str, int, Made]]:
            yield "an absent type", 0, lambda: must(TypeInfo.fetch(connection, "hstore") is None)
            yield "a type", 0, lambda: must(TypeInfo.fetch(connection, "int4") is not None)
            yield "an enumeration", 0, lambda: EnumInfo.fetch(connection, "x")
            yield "a composite", 0, lambda: CompositeInfo.fetch(connection, "x")
            yield "a range", 0, lambda: must(RangeInfo.fetch(connection, "int4range") is not None)
            sql = f"SELECT count(*) FROM {NAME} WHERE unit = ANY(%s) AND calendar_s < %s AND calendar_s > %s"
            values = (["a", "b"], 0.5, Decimal("0.25"))
            yield "parameters", 1, lambda: run(sql, values).fetchall()
            sql = "SELECT count(*) FROM gold.temperature_minute WHERE minute_at > %s OR %s IS NULL"
            yield "times", 1, lambda: run(sql, (datetime.now(UTC), date(2024, 1, 1))).fetchall()
            names = f"SELECT unit, unit, count(*), max(calendar_s), 1, unit::text FROM {NAME} GROUP BY unit"
            expected = ["unit", "unit", "count", "max", "?column?", "unit"]
            yield (
                "names",
                0,
                lambda: must([it.name for it in run(names).description or ()] == expected),
            )
            yield (
                "repeated",
                0,
                lambda: [run("SELECT %s::int8", (n,), prepare=True) for n in (1, 2)],
            )
            yield "pipeline", 2, lambda: pipelined(connection)

        return failures(calls())


def pipelined(connection: psycopg.Connection[Any]) -> list[Any]:
    with connection.pipeline():
        cursors = [connection.execute("SELECT 1"), connection.execute("SELECT now()")]
        return [cursor.fetchone() for cursor in cursors]


@contextmanager
def tls_connection(world: World, user: str, mode: str, root: str) -> Iterator[Any]:
    """A connection whose certificate is checked."""
    secret = world.tokens[user]
    with psycopg.connect(
        host="localhost",
        port=world.postgres,
        dbname=DATABASE,
        user=user,
        password=secret,
        sslmode=mode,
        sslrootcert=root,
    ) as connection:
        yield connection


CALLS: dict[str, Callable[[World, str], str]] = {
    "SQLAlchemy": of_sqlalchemy,
    "ODBC": of_odbc,
    "ADBC": of_adbc,
    "psycopg": of_psycopg,
}
