"""Clients that people use: each reads a table and gives its summary.

Promise: a client reads rows by its own means, in its own types; only the comparison is ours.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import psycopg
import pyarrow as pa
import pyodbc
import sqlalchemy

from sql_doors_world import DATABASE, Summary, World, expected, summary

JDBC = Path("/usr/share/java/postgresql.jar")
ODBC = "PostgreSQL Unicode"

Read = Callable[[str], Summary]


def conninfo(world: World, user: str) -> str:
    secret = world.tokens[user]
    return f"host=127.0.0.1 port={world.postgres} dbname={DATABASE} user={user} password={secret}"


def psql(world: World, user: str, *args: str) -> str:
    done = subprocess.run(
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", conninfo(world, user), *args],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PGOPTIONS": "", "TZ": "UTC"},
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


@contextmanager
def by_psql(world: World, user: str) -> Iterator[Read]:
    def read(table: str) -> Summary:
        types = world.query(f"SELECT * FROM {table} LIMIT 0", user).schema
        text = psql(world, user, "--csv", "-P", "null=\\N", "-c", f"SELECT * FROM {table}")
        rows = csv.reader(io.StringIO(text))
        names = next(rows)
        kinds = [types.field(name).type for name in names]
        return summary(
            names, ([value_of(*it) for it in zip(row, kinds, strict=True)] for row in rows)
        )

    yield read


def value_of(text: str, kind: pa.DataType) -> object:
    if text == "\\N":
        return None
    if pa.types.is_boolean(kind):
        return text == "t"
    if pa.types.is_integer(kind):
        return int(text)
    if pa.types.is_floating(kind):
        return float(text)
    if pa.types.is_decimal(kind):
        return Decimal(text)
    if pa.types.is_timestamp(kind):
        return datetime.fromisoformat(text)
    if pa.types.is_date(kind):
        return date.fromisoformat(text)
    return text


@contextmanager
def by_psycopg(world: World, user: str, binary: bool) -> Iterator[Read]:
    with psycopg.connect(conninfo(world, user)) as connection:

        def read(table: str) -> Summary:
            cursor = connection.execute(f"SELECT * FROM {table}", binary=binary)
            return summary([it.name for it in cursor.description or ()], cursor)

        yield read


@contextmanager
def by_cursor(world: World, user: str) -> Iterator[Read]:
    """A cursor on the side of the server, from which a client fetches parts."""
    with psycopg.connect(conninfo(world, user)) as connection:

        def read(table: str) -> Summary:
            with connection.cursor("part", binary=True) as cursor:
                cursor.itersize = 7
                cursor.execute(f"SELECT * FROM {table}")
                rows = list(cursor)
                return summary([it.name for it in cursor.description or ()], rows)

        yield read


def url(world: World, user: str, dialect: str = "postgresql+psycopg") -> str:
    return f"{dialect}://{user}:{world.tokens[user]}@127.0.0.1:{world.postgres}/{DATABASE}"


@contextmanager
def by_sqlalchemy(world: World, user: str) -> Iterator[Read]:
    engine = sqlalchemy.create_engine(url(world, user))
    meta = sqlalchemy.MetaData()
    meta.reflect(engine, schema="gold")
    with engine.connect() as connection:

        def read(table: str) -> Summary:
            found = connection.execute(sqlalchemy.select(meta.tables[table]))
            return summary(found.keys(), found)

        yield read
    engine.dispose()


@contextmanager
def by_adbc(world: World, user: str) -> Iterator[Read]:
    uri = url(world, user, "postgresql")
    with adbc_driver_postgresql.dbapi.connect(uri) as connection, connection.cursor() as cursor:

        def read(table: str) -> Summary:
            cursor.execute(f"SELECT * FROM {table}")
            return expected(decimals(cursor.fetch_arrow_table()))

        yield read


def decimals(table: pa.Table) -> pa.Table:
    """ADBC gives decimals as texts of an extension type."""
    for index, field in enumerate(table.schema):
        kind = field.type
        if isinstance(kind, pa.BaseExtensionType):
            numbers = [
                None if it is None else Decimal(it) for it in table.column(index).to_pylist()
            ]
            table = table.set_column(index, field.name, pa.array(numbers, pa.decimal128(38, 9)))
    return table


def odbc_text(world: World, user: str) -> str:
    places = f"Server=127.0.0.1;Port={world.postgres};Database={DATABASE}"
    login = f"Uid={user};Pwd={world.tokens[user]}"
    return f"Driver={{{ODBC}}};{places};{login};BoolsAsChar=0;MaxVarcharSize=4096"


@contextmanager
def by_odbc(world: World, user: str) -> Iterator[Read]:
    connection = pyodbc.connect(odbc_text(world, user))
    cursor = connection.cursor()

    def read(table: str) -> Summary:
        cursor.execute(f"SELECT * FROM {table}")
        return summary([it[0] for it in cursor.description], cursor.fetchall())

    yield read
    connection.close()


@contextmanager
def by_jdbc(world: World, user: str) -> Iterator[Read]:
    """All tables by one Java machine, which makes the calls about the catalogue first."""
    source = Path(__file__).with_name("SqlDoors.java")
    place = f"jdbc:postgresql://127.0.0.1:{world.postgres}/{DATABASE}"
    tables = [f"gold.{name}" for name in world.gold_tables(user)]
    first = [name for name in tables if name == "gold.oee_hourly"]
    given = [*first, *(name for name in tables if name not in first)]
    done = subprocess.run(
        ["java", "-cp", str(JDBC), str(source), place, user, world.tokens[user], *given],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    parts = dict(part.split("\n", 1) for part in done.stdout.split("\f")[1:])

    def read(table: str) -> Summary:
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip()[-3000:])
        types = world.query(f"SELECT * FROM {table} LIMIT 0", user).schema
        rows = csv.reader(io.StringIO(parts[table]))
        names = next(rows)
        kinds = [types.field(name).type for name in names]
        return summary(
            names, ([value_of(*it) for it in zip(row, kinds, strict=True)] for row in rows)
        )

    yield read


CLIENTS: dict[str, Callable[[World, str], Any]] = {
    "psql": by_psql,
    "psycopg, text": lambda world, user: by_psycopg(world, user, binary=False),
    "psycopg, binary": lambda world, user: by_psycopg(world, user, binary=True),
    "psycopg, cursor": by_cursor,
    "SQLAlchemy": by_sqlalchemy,
    "ADBC for PostgreSQL": by_adbc,
    "ODBC": by_odbc,
    "JDBC": by_jdbc,
}
