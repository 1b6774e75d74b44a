"""Reads every table of a lake with four foreign engines and asks that they agree.

Promise: deltalake, Polars, DuckDB and Spark Connect (served by pysail, no JVM) each open every bronze,
silver and gold table without export; row counts and the sum of every numeric column are the same in
all of them. Sums are compared exactly, as decimals.

    python readers.py --lake DIR|s3://…
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import duckdb_ext
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

import lake as lakes
from checks import Report

Sums = dict[str, Any]
Reader = Callable[[str, list[str]], Sums]
"""Takes a table's address and its numeric columns; gives `rows` and the sum of each column."""

PLACES = Decimal("0.000001")


def numeric_columns(lake: str, table: str) -> list[str]:
    """Columns one can add up, as the Delta log itself names them."""
    fields = lakes.open_table(lake, table).schema().fields
    kinds = ("long", "integer", "short", "byte", "float", "double", "decimal")
    return [f.name for f in fields if str(getattr(f.type, "type", f.type)).startswith(kinds)]


def by_deltalake(lake: str) -> Reader:
    def read(table: str, columns: list[str]) -> Sums:
        data = lakes.read(lake, table, columns=columns)
        return {"rows": data.num_rows} | {c: _exact_sum(data.column(c)) for c in columns}

    return read


def by_polars(lake: str) -> Reader:
    options = lakes.storage_options() if lakes.is_s3(lake) else None

    def read(table: str, columns: list[str]) -> Sums:
        frame = pl.scan_delta(lakes.uri(lake, table), storage_options=options)
        sums = frame.select(pl.len().alias("rows"), *[_polars_sum(c) for c in columns]).collect()
        return sums.to_dicts()[0]

    return read


def by_duckdb(lake: str) -> Reader:
    con = duckdb_ext.init(duckdb.connect(config={"threads": 2}))
    con.execute("LOAD delta")
    if lakes.is_s3(lake):
        con.execute("LOAD httpfs")
        con.execute(_duckdb_secret())

    def read(table: str, columns: list[str]) -> Sums:
        parts = ["count(*)", *(f'sum(CAST("{c}" AS DECIMAL(38, 6)))' for c in columns)]
        row = con.sql(
            f"SELECT {', '.join(parts)} FROM delta_scan('{lakes.uri(lake, table)}')"
        ).fetchone()
        assert row is not None
        return dict(zip(["rows", *columns], row, strict=True))

    return read


@contextmanager
def by_spark(lake: str) -> Iterator[Reader]:
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer()
    server.start(background=True)
    _, port = server.listening_address
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()

    def read(table: str, columns: list[str]) -> Sums:
        spark.read.format("delta").load(lakes.uri(lake, table)).createOrReplaceTempView("it")
        parts = ["count(*)", *(f"sum(CAST(`{c}` AS DECIMAL(38, 6)))" for c in columns)]
        row = spark.sql(f"SELECT {', '.join(parts)} FROM it").collect()[0]
        return dict(zip(["rows", *columns], row, strict=True))

    try:
        yield read
    finally:
        spark.stop()
        server.stop()


def check(lake: str, report: Report) -> None:
    """Every table by every reader; deltalake, which wrote none of it, gives the measure."""
    names = lakes.tables(lake, ("bronze", "silver", "gold"))
    report.check(f"{lake} has tables", bool(names))
    measure = by_deltalake(lake)
    with by_spark(lake) as spark:
        others = {"polars": by_polars(lake), "duckdb": by_duckdb(lake), "spark connect": spark}
        for table in names:
            columns = numeric_columns(lake, table)
            expected = _ask(report, "deltalake", measure, table, columns)
            for name, reader in others.items():
                _agree(report, name, _ask(report, name, reader, table, columns), table, expected)


def _ask(report: Report, name: str, reader: Reader, table: str, columns: list[str]) -> Sums | None:
    try:
        sums = reader(table, columns)
    except Exception as error:  # Any reader error is the finding.
        report.check(f"{table} by {name}", False, str(error)[:500])
        return None
    return {"rows": sums.pop("rows")} | {key: _exact(value) for key, value in sums.items()}


def _agree(report: Report, name: str, sums: Sums | None, table: str, expected: Sums | None) -> None:
    if sums is None or expected is None:
        return
    wrong = [f"{k}: is {sums[k]}, deltalake says {v}" for k, v in expected.items() if sums[k] != v]
    report.check(
        f"{table} by {name} ({expected['rows']} rows, {len(sums) - 1} sums)",
        not wrong,
        "\n".join(wrong),
    )


def _exact(value: Any) -> Decimal:
    """A sum as a decimal; no rows and nothing but nulls both sum to nothing."""
    return Decimal(str(value or 0)).quantize(PLACES)


def _exact_sum(column: pa.ChunkedArray) -> Any:
    if pa.types.is_floating(column.type):
        return pc.sum(pc.cast(column, pa.decimal128(38, 6), safe=False)).as_py()
    if pa.types.is_decimal(column.type):
        return pc.sum(pc.cast(column, pa.decimal128(38, column.type.scale))).as_py()
    return pc.sum(pc.cast(column, pa.int64())).as_py()


def _polars_sum(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Decimal(38, 6)).sum()


def _duckdb_secret() -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "https://s3.amazonaws.com")
    scheme, _, host = endpoint.partition("://")
    values = {
        "KEY_ID": os.environ["AWS_ACCESS_KEY_ID"],
        "SECRET": os.environ["AWS_SECRET_ACCESS_KEY"],
        "REGION": os.environ.get("AWS_REGION", "us-east-1"),
        "ENDPOINT": host,
        "URL_STYLE": "path",
    }
    listed = ", ".join(f"{key} '{value}'" for key, value in values.items())
    return f"CREATE SECRET (TYPE s3, USE_SSL {str(scheme == 'https').lower()}, {listed})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lake", required=True)
    args = parser.parse_args()
    lake = args.lake if lakes.is_s3(args.lake) else str(Path(args.lake).resolve())
    report = Report()
    check(lake, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
