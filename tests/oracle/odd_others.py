"""Odd Parquet files as fastparquet, DuckDB and Polars write them.

Promise: nothing here asks the program under test; what must be read is what was written.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import fastparquet
import pandas as pd
import polars as pl

from odd_file import BOOL, DATE, INT, TIME, WIDE, File, Write, at, column


def files() -> Iterator[File]:
    """All odd files of the three."""
    for makers in (fast, duck, polar):
        yield from makers()


def fast() -> Iterator[File]:
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "whole": [7337.0, math.nan, 120000.0],
            "nullable": pd.array([1, None, 3], dtype="Int32"),
            # In nanoseconds: fastparquet takes other units for them when it writes INT96.
            "at": pd.Series(
                ["2024-01-05 10:20:30.123456", "2024-01-06", None], dtype="datetime64[ns]"
            ),
            "word": pd.Series(["a", None, "c"], dtype=object),
            "cat": pd.Categorical(["x", "y", "x"]),
            "flag": [True, False, True],
        }
    )
    columns = (
        column("id", INT),
        column("whole", INT),
        column("nullable", INT),
        column("at", TIME),
        column("word"),
        column("cat"),
        column("flag", BOOL),
    )
    rows = [
        (1, 7337, 1, at(2024, 1, 5, 10, 20, 30, 123456), "a", "x", True),
        (2, None, None, at(2024, 1, 6), None, "y", False),
        (3, 120000, 3, None, "c", "x", True),
    ]
    for times in ("int64", "int96"):

        def write(folder: Path, times: str = times) -> None:
            fastparquet.write(str(folder / "x.parquet"), frame, times=times, compression="GZIP")

        yield File(f"fast_{times}", write, columns, rows)

    def hive(folder: Path) -> None:
        place = folder / "made"
        part = pd.DataFrame({"id": [1, 2], "line": ["SMT 1", "SMT 2"]})
        fastparquet.write(str(place), part, file_scheme="hive", partition_on=["line"])

    yield File(
        "fast_hive",
        hive,
        (column("id", INT), column("line", 'type = "text", from = "path"')),
        [(1, "SMT 1"), (2, "SMT 2")],
        paths=("made/*/*.parquet",),
    )


def duck() -> Iterator[File]:
    def of_query(query: str, options: str = "") -> Write:
        def write(folder: Path) -> None:
            target = folder / ("made" if "PARTITION_BY" in options else "x.parquet")
            duckdb.sql(f"COPY ({query}) TO '{target}' (FORMAT parquet{options})")

        return write

    yield File(
        "duck_types",
        of_query(
            """SELECT 1 AS id,
                12345678901234567890123456789012.12345::DECIMAL(38,5) AS wide,
                '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::UUID AS uuid,
                'a'::ENUM('a', 'b') AS word, TIMESTAMP_S '2024-01-05 00:00:00' AS day,
                TIMESTAMPTZ '2024-01-05 10:20:30.5+05:30' AS zoned, TIME '23:59:59' AS clock,
                '\\xFF\\x00'::BLOB AS raw, {'k': 1, 'w': NULL} AS st, MAP {5: 'x'} AS map,
                [1.0::DOUBLE, NULL] AS list, 5::UTINYINT AS tiny, 7::FLOAT AS whole"""
        ),
        (
            column("id", INT),
            column("wide", WIDE),
            column("uuid"),
            column("word"),
            column("day", DATE),
            column("zoned", TIME),
            column("clock"),
            column("raw"),
            column("st"),
            column("map"),
            column("list"),
            column("tiny", INT),
            column("whole", INT),
        ),
        [
            (
                1,
                Decimal("12345678901234567890123456789012.12345"),
                str(uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
                "a",
                dt.date(2024, 1, 5),
                at(2024, 1, 5, 4, 50, 30, 500000),
                "23:59:59",
                "ff00",
                '{"k":1,"w":null}',
                '{"5":"x"}',
                "[1.0,null]",
                5,
                7,
            )
        ],
    )
    yield File(
        "duck_hive",
        of_query("SELECT 1 AS id, 'a/b %' AS line", ", PARTITION_BY (line)"),
        (column("id", INT), column("line", 'type = "text", from = "path"')),
        [(1, "a/b %")],
        paths=("made/*/*.parquet",),
    )
    yield File(
        "duck_small_groups",
        of_query(
            "SELECT range AS id, range % 3 = 0 AS flag FROM range(5000)", ", ROW_GROUP_SIZE 2048"
        ),
        (column("id", INT), column("flag", BOOL)),
        [(n, n % 3 == 0) for n in range(5000)],
    )


def polar() -> Iterator[File]:
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "whole": pl.Series([7337.0, math.nan]),
            "price": pl.Series([Decimal("12.50"), None], dtype=pl.Decimal(20, 2)),
            "at": pl.Series(
                [dt.datetime(2024, 1, 5, 10, 20, 30, 123456), None], dtype=pl.Datetime("ns")
            ),
            "zoned": pl.Series([dt.datetime(2024, 1, 5), None], dtype=pl.Datetime("us", "UTC")),
            "clock": pl.Series([dt.time(23, 59, 59), None]),
            "cat": pl.Series(["x", None], dtype=pl.Categorical),
            "list": [[1, 2], []],
            "st": [{"kind": "a"}, {"kind": None}],
            "raw": [b"ab", None],
            "none": pl.Series([None, None], dtype=pl.Null),
        }
    )

    def write(folder: Path) -> None:
        frame.write_parquet(folder / "x.parquet", compression="zstd", row_group_size=1)

    yield File(
        "polar_types",
        write,
        (
            column("id", INT),
            column("whole", INT),
            column("price", WIDE),
            column("at", TIME),
            column("zoned", TIME),
            column("clock"),
            column("cat"),
            column("list"),
            column("kind", header="st.kind"),
            column("raw"),
            column("none"),
        ),
        [
            (
                1,
                7337,
                Decimal("12.50000"),
                at(2024, 1, 5, 10, 20, 30, 123456),
                at(2024, 1, 5),
                "23:59:59",
                "x",
                "[1,2]",
                "a",
                "ab",
                None,
            ),
            (2, None, None, None, None, None, None, "[]", None, None, None),
        ],
    )
