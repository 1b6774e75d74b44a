"""Statements of a dashboard over the roll-ups of many readings: this program, DuckDB on the same files, PostgreSQL.

Promise: the roll-ups are the exact sums of `--readings` generated readings of 200 sensors at 1 Hz; each engine answers
each statement with the same rows. The times are printed and not judged, since they depend on the machine and the build.

    python sql_doors_dashboards.py --cockpit BIN [--readings 100000000] [--rounds 50]
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from checks import Report
from databases_case import PASSWORD, Postgres
from sql_doors_clients import conninfo
from sql_doors_world import World

SENSORS = 200
DAY_S = 86_400
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = ("temperature_minute", "temperature_hour", "temperature_over_limit")
KEYS = "sensor, plant, lane, component, manufacturer"
INDEXES = ("temperature_minute (minute_at)", "temperature_hour (sensor, hour_at)", "temperature_hour (hour_at)")

MINUTES = """
CREATE OR REPLACE TABLE minute AS
SELECT 'Plant1.L' || s % 10 || '.C' || s % 5 || '.' || s AS sensor, 'Plant1' AS plant, 'L' || s % 10 AS lane,
    'C' || s % 5 AS component, 'M' || s AS manufacturer, make_timestamp(minute * 60000000) AS minute_at,
    make_timestamp(minute // 60 * 3600000000) AS hour_at, readings, temp_c_min, temp_c_max, temp_c_sum, temp_c_sum_squares,
    temp_c_sum::DOUBLE / readings AS temp_c_mean,
    greatest(temp_c_sum_squares::DOUBLE / readings - (temp_c_sum::DOUBLE / readings) ** 2, 0) AS temp_c_variance,
    readings_over_limit, readings_over_limit AS seconds_over_limit
FROM (
    SELECT s, second // 60 AS minute, count(*) AS readings, min(temp_c)::DOUBLE AS temp_c_min,
        max(temp_c)::DOUBLE AS temp_c_max, sum(temp_c) AS temp_c_sum,
        sum((temp_c * temp_c)::DECIMAL(18, 8)) AS temp_c_sum_squares,
        count(*) FILTER (WHERE temp_c > 50) AS readings_over_limit
    FROM (
        SELECT s, second,
            (38 + s % 7 + (second // 1800 * 7 + s) % 5 + hash(s, second) % 4000 / 1000.0)::DECIMAL(12, 4) AS temp_c
        FROM range({sensors}) a(s), range({begin}, {end}) b(second)
    ) GROUP BY s, second // 60
) ORDER BY minute_at, sensor
"""
HOURS = f"""
SELECT {KEYS}, hour_at, sum(readings)::BIGINT AS readings, min(temp_c_min) AS temp_c_min, max(temp_c_max) AS temp_c_max,
    sum(temp_c_sum) AS temp_c_sum, sum(temp_c_sum_squares) AS temp_c_sum_squares,
    sum(temp_c_sum)::DOUBLE / sum(readings) AS temp_c_mean,
    greatest(sum(temp_c_sum_squares)::DOUBLE / sum(readings) - (sum(temp_c_sum)::DOUBLE / sum(readings)) ** 2, 0)
        AS temp_c_variance,
    sum(readings_over_limit)::BIGINT AS readings_over_limit, sum(seconds_over_limit)::BIGINT AS seconds_over_limit
FROM minute GROUP BY {KEYS}, hour_at ORDER BY hour_at, sensor
"""
OVER_LIMIT = f"""
SELECT {KEYS}, minute_at, readings, readings_over_limit, seconds_over_limit, temp_c_max
FROM minute WHERE readings_over_limit > 0 ORDER BY minute_at, sensor
"""

DASHBOARD = {
    "hottest of two lanes, 6 h": "SELECT max(temp_c_max) FROM gold.temperature_minute WHERE minute_at >= '{h6}' AND lane IN ('L1', 'L2')",
    "seconds over the limit, a day": "SELECT sum(seconds_over_limit) FROM gold.temperature_minute WHERE minute_at >= '{day}'",
    "readings, a day": "SELECT sum(readings) FROM gold.temperature_minute WHERE minute_at >= '{day}'",
    "lanes per minute, 6 h": """SELECT minute_at AS time, lane AS metric, max(temp_c_max) AS temp_c FROM gold.temperature_minute
        WHERE minute_at >= '{h6}' GROUP BY 1, 2 ORDER BY 1, 2""",
    "components per hour, all": """SELECT hour_at AS time, component AS metric,
        CAST(sum(temp_c_sum) AS double precision) / sum(readings) AS temp_c FROM gold.temperature_hour
        GROUP BY 1, 2 ORDER BY 1, 2""",
    "worst sensors, all": """SELECT sensor, sum(seconds_over_limit) AS seconds, max(temp_c_max) AS temp_c, max(minute_at) AS last_at
        FROM gold.temperature_over_limit GROUP BY sensor ORDER BY 2 DESC, 1 LIMIT 20""",
    "last minutes, 1 h": """SELECT sensor, max(minute_at) AS last_at FROM gold.temperature_minute WHERE minute_at >= '{h1}'
        GROUP BY sensor ORDER BY sensor""",
    "heat grid, all": """SELECT lane, extract(hour FROM hour_at) AS hour, max(temp_c_max) AS temp_c FROM gold.temperature_hour
        GROUP BY 1, 2 ORDER BY 1, 2""",
    "a sensor per hour, all": """SELECT hour_at, temp_c_min, temp_c_mean, temp_c_max FROM gold.temperature_hour
        WHERE sensor = 'Plant1.L7.C2.17' ORDER BY hour_at""",
    "histogram of a lane, a day": """SELECT floor(temp_c_mean) AS temp_c, count(*) AS minutes FROM gold.temperature_minute
        WHERE minute_at >= '{day}' AND lane = 'L3' GROUP BY 1 ORDER BY 1""",
    "days by lane, all": """SELECT date_trunc('day', hour_at) AS day, lane, sum(readings) AS readings, max(temp_c_max) AS temp_c
        FROM gold.temperature_hour GROUP BY 1, 2 ORDER BY 1, 2""",
    "variance by component, a day": """SELECT component, CAST(sum(temp_c_sum_squares) AS double precision) / sum(readings)
        - (CAST(sum(temp_c_sum) AS double precision) / sum(readings)) * (CAST(sum(temp_c_sum) AS double precision) / sum(readings))
        FROM gold.temperature_hour WHERE hour_at >= '{day}' GROUP BY component ORDER BY component""",
}

Rows = list[tuple[Any, ...]]
Read = Callable[[str], Rows]


def fill(lake: Path, readings: int) -> None:
    """The roll-ups, in a commit per day, as the program adds them."""
    duck = duckdb.connect(config={"threads": 2, "memory_limit": "3GB"})
    end_s = readings // SENSORS
    for begin_s in range(0, end_s, DAY_S):
        base = int(BEGIN.timestamp())
        days = {"begin": base + begin_s, "end": base + min(begin_s + DAY_S, end_s)}
        duck.execute(MINUTES.format(sensors=SENSORS, **days))
        for name, sql in zip(TABLES, ("FROM minute", HOURS, OVER_LIMIT), strict=True):
            table = DeltaTable(str(lake / "gold" / name))
            schema = pa.schema(table.schema().to_arrow())
            write_deltalake(table, duck.sql(sql).fetch_arrow_table().select(schema.names).cast(schema), mode="append")


def statements(readings: int) -> dict[str, str]:
    end = BEGIN + timedelta(seconds=readings // SENSORS)
    spans = {"h1": 1, "h6": 6, "day": 24}
    since = {name: (end - timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S") for name, hours in spans.items()}
    return {name: sql.format(**since) for name, sql in DASHBOARD.items()}


def parquet(lake: Path, name: str) -> str:
    """The files of a table with times that DuckDB reads without its module for time zones."""
    table = DeltaTable(str(lake / "gold" / name))
    times = [it.name for it in table.schema().fields if it.name.endswith("_at")]
    shown = ", ".join(f"{it}::TIMESTAMP AS {it}" for it in times)
    return f"SELECT * REPLACE ({shown}) FROM read_parquet({table.file_uris()!r})"


@contextmanager
def by_duckdb(lake: Path) -> Iterator[Read]:
    duck = duckdb.connect(config={"threads": 2})
    duck.execute("CREATE SCHEMA gold")
    for name in TABLES:
        duck.execute(f"CREATE VIEW gold.{name} AS {parquet(lake, name)}")
    yield lambda sql: duck.execute(sql).fetchall()
    duck.close()


@contextmanager
def by_postgres(folder: Path, lake: Path) -> Iterator[Read]:
    """A server of its own with indexes as a person would make them, after VACUUM and ANALYZE."""
    server = Postgres(folder)
    server.start()
    duck = duckdb.connect()
    address = f"host=127.0.0.1 port={server.port} user=cockpit password={PASSWORD} dbname=postgres"
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SET timezone = 'UTC'")
            connection.execute("CREATE SCHEMA gold")
            for name in TABLES:
                copy(connection, name, duck.sql(parquet(lake, name)))
            for index in INDEXES:
                connection.execute(f"CREATE INDEX ON gold.{index}")
            connection.execute("VACUUM ANALYZE")
            yield lambda sql: connection.execute(sql, binary=True).fetchall()
    finally:
        server.kill()


def copy(connection: psycopg.Connection, name: str, rows: duckdb.DuckDBPyRelation) -> None:
    kinds = {"VARCHAR": "text", "TIMESTAMP": "timestamptz", "DOUBLE": "double precision"}
    columns = [f"{it} {kinds.get(str(kind), str(kind))}" for it, kind in zip(rows.columns, rows.types, strict=True)]
    connection.execute(f"CREATE TABLE gold.{name} ({', '.join(columns)})")
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        rows.write_csv(file.name, header=False)
        with connection.cursor() as cursor, cursor.copy(f"COPY gold.{name} FROM STDIN (FORMAT csv)") as to:
            while part := file.read(1 << 20):
                to.write(part)


def plain(rows: Rows) -> list[list[Any]]:
    """Numbers as doubles and times without their zone, which is UTC."""

    def of(value: object) -> object:
        if isinstance(value, datetime):
            return value.replace(tzinfo=None)
        return float(value) if isinstance(value, Decimal | int | float) else value

    return [[of(it) for it in row] for row in rows]


def is_equal(left: Rows, right: Rows) -> bool:
    def near(a: object, b: object) -> bool:
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6) if isinstance(a, float) and isinstance(b, float) else a == b

    pairs = zip(plain(left), plain(right), strict=False)
    return len(left) == len(right) and all(near(*it) for one in pairs for it in zip(*one, strict=True))


def times_ms(read: Read, sql: dict[str, str], rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in sql}
    for _ in range(rounds):
        for name, text in sql.items():
            begun = time.perf_counter()
            read(text)
            found[name].append((time.perf_counter() - begun) * 1e3)
    return found


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def show(engine: str, found: dict[str, list[float]]) -> None:
    for name, times in found.items():
        print(f"  {engine:12}{name:32} p50 {statistics.median(times):7.1f} ms  p99 {p99(times):7.1f} ms")
    every = [it for times in found.values() for it in times]
    print(f"{engine:14}all statements: p50 {statistics.median(every):.1f} ms, p99 {p99(every):.1f} ms", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--readings", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=50)
    args = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="sql-doors-dashboards-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        world = World(args.cockpit.resolve(), folder)
        world.fill(1)
        begun = time.monotonic()
        fill(folder / "lake", args.readings)
        print(f"roll-ups of {args.readings} readings made in {time.monotonic() - begun:.0f} s", flush=True)
        world.start()
        world.make_token("anna")
        sql = statements(args.readings)
        try:
            with (
                by_duckdb(folder / "lake") as duck,
                by_postgres(folder / "postgres", folder / "lake") as postgres,
                psycopg.connect(conninfo(world, "anna"), autocommit=True) as connection,
            ):
                ours: Read = lambda text: connection.execute(text, binary=True).fetchall()  # noqa: E731
                for title, text in sql.items():
                    must, found, other = duck(text), ours(text), postgres(text)
                    report.check(f"{title}: {len(must)} rows are equal", bool(must) and is_equal(found, must), f"{found[:3]} {must[:3]}")
                    report.check(f"{title}: PostgreSQL, too", is_equal(other, must), f"{other[:3]} {must[:3]}")
                for engine, read in (("cockpit", ours), ("DuckDB", duck), ("PostgreSQL", postgres)):
                    show(engine, times_ms(read, sql, args.rounds))
        finally:
            world.stop()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
