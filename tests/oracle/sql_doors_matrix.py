"""What a user of one line reads through each way that the service offers.

Promise: for every table of silver and gold, each way returns the rows of the line that the files contain and no
others, or refuses the table. Statements that name rows of another line return none of them. Received files are refused. Delta
Sharing sends whole files, so that it refuses a user of a line.
"""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import openpyxl
import psycopg
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

import doors
import lake as lakes
import sql_doors_flight as flight
from checks import Report
from sql_doors_clients import conninfo
from sql_doors_world import World

USER = "vera"
PLACES = ("unit", "station", "line")
"""Columns that name equipment."""
FILE_TABLES = ("gold.oee_shift", "gold.production_daily", "silver.machine_state")
"""Tables that are read in every format, too."""
HIDDEN = ("meta.files", "meta.runs", "silver.rejected", "silver.item")
EVASIONS = (
    "SELECT {places} FROM gold.oee_shift WHERE unit = 'TS-0001' OR true",
    "SELECT {places} FROM gold.oee_shift a UNION ALL SELECT {places} FROM gold.oee_shift b",
    "SELECT {places} FROM (SELECT * FROM gold.oee_shift) x ORDER BY 1",
    "SELECT b.unit, b.line FROM gold.oee_shift a RIGHT JOIN gold.oee_shift b ON a.unit = 'TS-0001'",
    "WITH unit AS (SELECT {places} FROM gold.oee_shift) SELECT {places} FROM unit",
)

Places = Counter[tuple[str, ...]]
"""How many rows a combination of equipment has."""
Found = Places | None
"""`None` if the way refuses the table."""


class Refused(Exception):
    """The service refuses a request for lack of permission."""


def check(world: World, report: Report) -> None:
    lake = str(world.folder / "lake")
    names = lakes.tables(lake, ("silver", "gold"))
    wanted = {name: expected(lake, name) for name in names}
    filled = [name for name, rows in wanted.items() if rows]
    report.check(f"the line has rows in {len(filled)} tables", len(filled) > 5, f"{filled}")
    for way, read in WAYS.items():
        wrong = [text for name in names if (text := difference(world, read, name, wanted[name]))]
        report.check(f"one line of {len(names)} tables by {way}", not wrong, "\n".join(wrong))
    for way, read in FORMATS.items():
        chosen = [name for name in FILE_TABLES if name in names]
        wrong = [text for name in chosen if (text := difference(world, read, name, wanted[name]))]
        report.check(f"one line of {len(chosen)} tables as {way}", bool(chosen) and not wrong, "\n".join(wrong))
    check_hidden(world, lakes.tables(lake, ("bronze",))[:3], report)
    check_evasions(world, report)
    check_sharing(world, names, report)
    check_kpis(world, report)


def expected(lake: str, name: str) -> Found:
    """The rows of the line in the files; `None` for a table without equipment."""
    rows = doors.of_line(lakes.read(lake, name))
    return None if rows is None else counted(columns_of(rows.column_names), rows.to_pylist())


def columns_of(names: Iterable[str]) -> list[str]:
    known = list(names)
    return [name for name in PLACES if name in known]


def counted(columns: list[str], rows: Iterable[Any]) -> Places:
    return Counter(tuple(str(row[name]) for name in columns) for row in rows)


def difference(world: World, read: Callable[[World, str], Places], name: str, wanted: Found) -> str:
    """What is wrong with a table, or an empty text."""
    try:
        found = read(world, name)
    except Refused:
        # A table whose rows belong to no line may be refused.
        return f"{name}: refused" if wanted else ""
    except Exception as error:
        return f"{name}: {type(error).__name__}: {str(error)[:500]}"
    if wanted is None:
        return f"{name}: {found.total()} rows of a table without equipment" if found.total() else ""
    more, less = found - wanted, wanted - found
    return f"{name}: too many {dict(more)}, missing {dict(less)}" if more or less else ""


def http(world: World, method: str, path: str, body: object = None) -> bytes:
    bearer = {"Authorization": f"Bearer {world.tokens[USER]}"}
    try:
        return world.ask(method, path, body, bearer)
    except urllib.error.HTTPError as refused:
        text = refused.read().decode(errors="replace")
        # SQL names a hidden table like one that does not exist.
        if refused.code in (403, 404) or "unknown_table" in text:
            raise Refused(text) from refused
        raise RuntimeError(f"{refused.code} {text[:500]}") from refused


def by_query(form: str) -> Callable[[World, str], Places]:
    def read(world: World, name: str) -> Places:
        sql = {"sql": f"SELECT * FROM {name}"}
        return decoded(form, http(world, "POST", f"/api/v1/query?format={form}", sql))

    return read


def by_table(form: str) -> Callable[[World, str], Places]:
    def read(world: World, name: str) -> Places:
        return decoded(form, http(world, "GET", f"/api/v1/tables/{name.replace('.', '/')}?format={form}"))

    return read


def decoded(form: str, body: bytes) -> Places:
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(body.decode())))
        return counted(columns_of(rows[0] if rows else ()), rows)
    if form == "xlsx":
        return of_sheet(body)
    if form == "json":
        rows = json.loads(body)["rows"]
        return counted(columns_of(rows[0] if rows else ()), rows)
    table = pa.ipc.open_stream(body).read_all() if form == "arrow" else pa.parquet.read_table(io.BytesIO(body))
    return of_arrow(table)


def of_arrow(table: pa.Table) -> Places:
    columns = columns_of(table.column_names)
    return counted(columns, table.select(columns).to_pylist()) if columns else Counter({(): table.num_rows})


def of_sheet(body: bytes) -> Places:
    sheet = openpyxl.load_workbook(io.BytesIO(body), read_only=True).worksheets[0]
    rows = [tuple(row) for row in sheet.iter_rows(values_only=True)]
    begin = next(at for at, row in enumerate(rows) if any(name in row for name in PLACES))
    columns = columns_of(str(cell) for cell in rows[begin])
    return counted(columns, (dict(zip(rows[begin], row, strict=True)) for row in rows[begin + 1 :]))


def by_aggregate(world: World, name: str) -> Places:
    """Groups over HTTP as JSON, in which the service counts the rows."""
    schema = pa.ipc.open_stream(
        http(world, "POST", "/api/v1/query?format=arrow", {"sql": f"SELECT * FROM {name} LIMIT 0"})
    ).schema
    columns = columns_of(schema.names)
    shown = ", ".join([*(f'"{it}"' for it in columns), "count(*) AS n"])
    sql = f"SELECT {shown} FROM {name}" + (f" GROUP BY {', '.join(columns)}" if columns else "")
    rows = json.loads(http(world, "POST", "/api/v1/query", {"sql": sql}))["rows"]
    return Counter({tuple(str(row[it]) for it in columns): row["n"] for row in rows})


def by_postgres(world: World, name: str) -> Places:
    with psycopg.connect(conninfo(world, USER)) as connection:
        try:
            found = connection.execute(f"SELECT * FROM {name}", binary=True)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
            raise Refused(str(error)) from error
        names = [it.name for it in found.description or ()]
        columns = columns_of(names)
        return counted(columns, (dict(zip(names, row, strict=True)) for row in found))


def by_flight(world: World, name: str) -> Places:
    return of_arrow(flight_table(world, f"SELECT * FROM {name}"))


def flight_table(world: World, sql: str) -> pa.Table:
    client = flight.flight.FlightClient(flight.place(world))
    try:
        return flight.statement(client, flight.options(world, USER), sql)
    except pa.ArrowInvalid as error:
        if "unknown table" not in str(error):
            raise
        raise Refused(str(error)) from error
    finally:
        client.close()


def by_odata(world: World, name: str) -> Places:
    address = f"/odata/v4/{name.replace('.', '_')}"
    rows: list[Any] = []
    while address:
        page = json.loads(http(world, "GET", address))
        rows += page["value"]
        address = page.get("@odata.nextLink", "").removeprefix(f"http://127.0.0.1:{world.http}")
    return counted(columns_of(rows[0] if rows else ()), rows)


WAYS: dict[str, Callable[[World, str], Places]] = {
    "a query over HTTP as Arrow": by_query("arrow"),
    "groups over HTTP as JSON": by_aggregate,
    "an export as Parquet": by_table("parquet"),
    "PostgreSQL": by_postgres,
    "Flight SQL": by_flight,
    "OData": by_odata,
}
FORMATS: dict[str, Callable[[World, str], Places]] = {
    **{f"{form} of a query": by_query(form) for form in ("csv", "parquet", "xlsx")},
    **{f"{form} of a table": by_table(form) for form in ("csv", "arrow", "xlsx")},
}
SQL_WAYS = ("a query over HTTP as Arrow", "PostgreSQL", "Flight SQL")


def check_hidden(world: World, received: list[str], report: Report) -> None:
    """Tables whose rows belong to no line, and those of received files."""
    for name in (*received, *HIDDEN):
        open_to = [way for way, read in WAYS.items() if not is_refused(world, read, name)]
        report.equal(f"{name} is refused by each way", open_to, [])


def is_refused(world: World, read: Callable[[World, str], Places], name: str) -> bool:
    try:
        read(world, name)
    except Refused:
        return True
    return False


def check_evasions(world: World, report: Report) -> None:
    allowed = {(unit, doors.LINE) for unit in doors.UNITS}
    for text in EVASIONS:
        sql = text.format(places="unit, line")
        for way in SQL_WAYS:
            found = evaded(world, way, sql)
            report.check(f"{way}: {sql}", bool(found) and found.keys() <= allowed, f"{found}")
    sql = "SELECT count(*) AS n FROM gold.oee_shift WHERE unit = 'TS-0001'"
    for way in SQL_WAYS:
        report.equal(f"{way}: {sql}", number(world, way, sql), 0)


def answer(world: World, way: str, sql: str) -> list[Any]:
    """The rows of a statement."""
    if way == "PostgreSQL":
        with psycopg.connect(conninfo(world, USER)) as connection:
            return connection.execute(sql).fetchall()
    if way == "Flight SQL":
        table = flight_table(world, sql)
    else:
        table = pa.ipc.open_stream(http(world, "POST", "/api/v1/query?format=arrow", {"sql": sql})).read_all()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def evaded(world: World, way: str, sql: str) -> Places:
    return Counter(tuple(str(value) for value in row) for row in answer(world, way, sql))


def number(world: World, way: str, sql: str) -> int:
    return int(answer(world, way, sql)[0][0])


def check_sharing(world: World, names: list[str], report: Report) -> None:
    """A share of whole tables is refused, as is each of its tables."""
    paths = ["/sharing/shares"]
    for name in names:
        schema, table = name.split(".")
        paths.append(f"/sharing/shares/{schema}/schemas/{schema}/tables/{table}/metadata")
    open_paths = [path for path in paths if not is_forbidden(world, path)]
    report.equal(f"Delta Sharing refuses {len(names)} tables", open_paths, [])


def is_forbidden(world: World, path: str) -> bool:
    try:
        http(world, "GET", path)
    except Refused as refused:
        return "scope_too_small" in str(refused)
    return False


def check_kpis(world: World, report: Report) -> None:
    rows = json.loads(http(world, "GET", "/api/v1/kpis?level=unit&granularity=day&kpi=oee"))["rows"]
    units = {row["unit"] for row in rows}
    report.check("KPIs are of the units of the line", bool(units) and units <= set(doors.UNITS), f"{units}")
    try:
        http(world, "GET", "/api/v1/kpis?level=plant&granularity=day&kpi=oee")
        reason = ""
    except Refused as refused:
        reason = str(refused)
    report.check("KPIs of the plant are refused", "forbidden" in reason, reason)
