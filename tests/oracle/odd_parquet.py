"""Odd Parquet files as pyarrow writes them.

Promise: nothing here asks the program under test; what must be read is what was written.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from odd_file import (
    BOOL,
    CSV,
    CSV_COLUMNS,
    DATE,
    FLOAT,
    INT,
    TEXT,
    TIME,
    WIDE,
    File,
    at,
    column,
    of_arrow,
    of_bytes,
)


def files() -> Iterator[File]:
    """All odd files of pyarrow."""
    for makers in (arrow_types, arrow_nested, arrow_layouts, arrow_damage):
        yield from makers()


def arrow_types() -> Iterator[File]:
    numbers = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.uint8()),
            "whole": pa.array([7337.0, None, 120000.0], pa.float64()),
            "half": pa.array([1.5, 2.0, None], pa.float16()),
            "wide": pa.array(
                [Decimal("123456789012345678901234567890.12345"), Decimal("-1.5"), None],
                pa.decimal128(38, 5),
            ),
            "wider": pa.array([Decimal(5), None, Decimal(-7)], pa.decimal256(50, 2)),
            "large": pa.array([2**64 - 1, 5, None], pa.uint64()),
            "flag": pa.array([1.0, 0.0, None], pa.float32()),
            "none": pa.nulls(3),
        }
    )
    yield File(
        "arrow_numbers",
        of_arrow(numbers),
        (
            column("id", INT),
            column("whole", INT),
            column("half", FLOAT),
            column("wide", WIDE),
            column("wider", INT),
            column("large"),
            column("flag", BOOL),
            column("none"),
        ),
        [
            (
                1,
                7337,
                1.5,
                Decimal("123456789012345678901234567890.12345"),
                5,
                str(2**64 - 1),
                True,
                None,
            ),
            (2, None, 2.0, Decimal("-1.50000"), None, "5", False, None),
            (3, 120000, None, None, -7, None, None, None),
        ],
    )
    yield File(
        "arrow_not_whole",
        of_arrow(pa.table({"id": [1, 2], "n": [1.5, 2.0]})),
        (column("id", INT), column("n", INT)),
        [(2, 2)],
    )
    moment = dt.datetime(2024, 2, 29, 23, 59, 58, 123456)
    midnight = dt.datetime(2024, 2, 29)
    for unit, part in (("s", 0), ("ms", 123000), ("us", 123456), ("ns", 123456)):
        stamps = pa.array([moment.replace(microsecond=part), midnight, None], pa.timestamp(unit))
        zoned = stamps.cast(pa.timestamp(unit, "Asia/Kolkata"))
        days = pa.array([midnight, midnight, None], pa.timestamp(unit))
        table = pa.table({"id": [1, 2, 3], "plain": stamps, "zoned": zoned, "day": days})
        expected = at(2024, 2, 29, 23, 59, 58, part)
        day = dt.date(2024, 2, 29)
        yield File(
            f"arrow_times_{unit}",
            of_arrow(table),
            (column("id", INT), column("plain", TIME), column("zoned", TIME), column("day", DATE)),
            [
                (1, expected, expected, day),
                (2, at(2024, 2, 29), at(2024, 2, 29), day),
                (3, None, None, None),
            ],
        )
    odd = pa.table(
        {
            "id": [1, 2],
            "day": pa.array([dt.date(2024, 1, 5), None], pa.date32()),
            "clock": pa.array([dt.time(23, 59, 59), None], pa.time32("ms")),
            "fine": pa.array([dt.time(1, 2, 3, 500000), None], pa.time64("ns")),
            "big": pa.array(["x", None], pa.large_string()),
            "viewed": pa.array(["y", None], pa.string_view()),
            "cat": pa.array([10, 20], pa.int32()).dictionary_encode(),
            "word": pa.array(["a", None]).dictionary_encode(),
            "raw": pa.array([b"ab", b"\xff\x00"], pa.binary()),
            "four": pa.array([b"abcd", None], pa.binary(4)),
            "yes": pa.array([True, None], pa.bool_()),
        }
    )
    yield File(
        "arrow_odd_types",
        of_arrow(odd),
        (
            column("id", INT),
            column("day", DATE),
            column("clock"),
            column("fine"),
            column("big"),
            column("viewed"),
            column("cat", INT),
            column("word"),
            column("raw"),
            column("four"),
            column("yes", 'type = "bool", yes = ["J"], no = ["N"]'),
        ),
        [
            (
                1,
                dt.date(2024, 1, 5),
                "23:59:59",
                "01:02:03.500",
                "x",
                "y",
                10,
                "a",
                "ab",
                "abcd",
                True,
            ),
            (2, None, None, None, None, None, 20, None, "ff00", None, None),
        ],
    )


def arrow_nested() -> Iterator[File]:
    table = pa.table(
        {
            "id": [1, 2, 3],
            "st": pa.array(
                [
                    {"kind": "a", "deep": {"n": 7.0}, "gone": None},
                    {"kind": None, "deep": None, "gone": None},
                    None,
                ],
                pa.struct(
                    {
                        "kind": pa.string(),
                        "deep": pa.struct({"n": pa.float64()}),
                        "gone": pa.int32(),
                    }
                ),
            ),
            "list": pa.array([[1, None], [], None], pa.list_(pa.int8())),
            "map": pa.array([[(7, "x"), (8, None)], [], None], pa.map_(pa.int32(), pa.string())),
            "days": pa.array(
                [[(dt.date(2024, 1, 5), [1.5])], None, None],
                pa.map_(pa.date32(), pa.list_(pa.float64())),
            ),
            "a.b": ["dot", None, None],
        }
    )
    yield File(
        "arrow_nested",
        of_arrow(table),
        (
            column("id", INT),
            column("kind", header="st.kind"),
            column("n", INT, header="st.deep.n"),
            column("whole", header="st"),
            column("list"),
            column("map"),
            column("days"),
            column("dotted", header="a.b"),
        ),
        [
            (
                1,
                "a",
                7,
                '{"kind":"a","deep":{"n":7.0},"gone":null}',
                "[1,null]",
                '{"7":"x","8":null}',
                '{"2024-01-05":[1.5]}',
                "dot",
            ),
            (2, None, None, '{"kind":null,"deep":null,"gone":null}', "[]", "{}", None, None),
            (3, None, None, None, None, None, None, None),
        ],
    )
    beside = pa.table(
        {
            "id": [1],
            "beside": pa.array(
                [[(1, {"x": [True]})]], pa.map_(pa.int64(), pa.struct({"x": pa.list_(pa.bool_())}))
            ),
        }
    )
    yield File("arrow_map_beside", of_arrow(beside), (column("id", INT),), [(1,)])
    twice = pa.Table.from_arrays(
        [pa.array([1]), pa.array([5]), pa.array([50])], ["id", "qty", "qty"]
    )
    yield File("arrow_twice", of_arrow(twice), (column("id", INT), column("qty", INT)), [(1, 5)])


def arrow_layouts() -> Iterator[File]:
    table = pa.table(
        {
            "id": list(range(1000)),
            "word": [f"w{n % 7}" for n in range(1000)],
            "x": [n / 4 for n in range(1000)],
        }
    )
    columns = (column("id", INT), column("word"), column("x", FLOAT))
    rows = [(n, f"w{n % 7}", n / 4) for n in range(1000)]
    plain = {"use_dictionary": False}
    encodings = {
        "id": "DELTA_BINARY_PACKED",
        "word": "DELTA_BYTE_ARRAY",
        "x": "BYTE_STREAM_SPLIT",
    }
    layouts: dict[str, dict[str, Any]] = {
        "checksums": {"write_page_checksum": True},
        "small_pages": {"data_page_size": 64, "row_group_size": 7},
        "version_2": {"data_page_version": "2.0", "version": "2.6"},
        "version_1": {"version": "1.0"},
        "encodings": {**plain, "column_encoding": encodings},
        "delta_length": {**plain, "column_encoding": {"word": "DELTA_LENGTH_BYTE_ARRAY"}},
        "no_statistics": {"write_statistics": False, "store_schema": False},
        "page_index": {"write_page_index": True},
    }
    for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
        layouts[codec] = {"compression": codec}
    for name, options in layouts.items():
        yield File(f"arrow_{name}", of_arrow(table, **options), columns, rows)
    yield File(
        "arrow_int96",
        of_arrow(
            pa.table(
                {
                    "id": [1, 2],
                    "at": pa.array(
                        [dt.datetime(9999, 12, 31, 23, 59, 59), None], pa.timestamp("us")
                    ),
                }
            ),
            use_deprecated_int96_timestamps=True,
        ),
        (column("id", INT), column("at", TIME)),
        [(1, at(9999, 12, 31, 23, 59, 59)), (2, None)],
    )
    yield File("arrow_no_rows", of_arrow(table.slice(0, 0)), columns, [])

    def empty_groups(folder: Path) -> None:
        with pq.ParquetWriter(folder / "x.parquet", table.schema) as writer:
            for part in (table.slice(0, 0), table, table.slice(0, 0)):
                writer.write_table(part)

    yield File("arrow_empty_groups", empty_groups, columns, rows)

    def in_gzip(folder: Path) -> None:
        sink = io.BytesIO()
        pq.write_table(table, sink)
        (folder / "x.parquet.gz").write_bytes(gzip.compress(sink.getvalue()))

    yield File("arrow_in_gzip", in_gzip, columns, rows, paths=("x.parquet",))


def arrow_damage() -> Iterator[File]:
    def flipped(folder: Path) -> None:
        sink = io.BytesIO()
        table = pa.table({"id": pa.array([1000, 1001], pa.int64())})
        options = {"use_dictionary": False, "compression": "none", "write_statistics": False}
        pq.write_table(table, sink, write_page_checksum=True, **options)
        damaged = bytearray(sink.getvalue())
        damaged[damaged.index((1000).to_bytes(8, "little"))] ^= 1
        (folder / "x.parquet").write_bytes(bytes(damaged))

    yield File("arrow_flipped", flipped, (column("id", INT),), [], refused="checksum")

    def cut(folder: Path) -> None:
        sink = io.BytesIO()
        pq.write_table(pa.table({"id": [1]}), sink)
        (folder / "x.parquet").write_bytes(sink.getvalue()[:-9])

    yield File("arrow_cut", cut, (column("id", INT),), [], refused="Parquet")
    yield File(
        "text_for_parquet",
        of_bytes(CSV, "x.parquet"),
        (column("id", INT),),
        [],
        refused="not a Parquet file",
    )
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": [1]}), sink)
    yield File(
        "parquet_for_text",
        of_bytes(sink.getvalue()),
        CSV_COLUMNS,
        [],
        refused="an Apache Parquet file",
        paths=("x.csv",),
        format=TEXT,
    )
