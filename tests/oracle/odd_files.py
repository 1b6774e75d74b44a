"""Odd files as other programs write them, each with what must become of it.

Promise: a `File` says where it lies, the contract's columns, and either the rows that silver must
hold, value for value, or words of the reason for which the whole file is refused. Nothing here asks
the program under test.
"""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import lzma
import math
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fastparquet
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from small_plant import Column

UTC = dt.UTC
INT = 'type = "int"'
FLOAT = 'type = "float"'
BOOL = 'type = "bool"'
WIDE = 'type = "decimal", precision = 38, scale = 5'
DATE = 'type = "date", spellings = ["dd.MM.yyyy"]'
TIME = 'type = "time", zone = "UTC", spellings = ["dd.MM.yyyy HH:mm"]'
PARQUET = 'format = "parquet"'
TEXT = 'format = "delimited"\ndelimiter = ","\nheader = true'
CSV = b"id,place\n1,shelf\n2,floor\n"
CSV_COLUMNS = (Column("id", INT), Column("place"))
CSV_ROWS = [(1, "shelf"), (2, "floor")]

Write = Callable[[Path], None]


@dataclass(frozen=True)
class File:
    """One file, or a folder of files of one table, and what must become of it."""

    name: str
    write: Write
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    refused: str = ""
    """A word of the reason, if the file must be refused."""
    paths: tuple[str, ...] = ()
    """The contract's paths below the file's folder; all Parquet files if not given."""
    format: str = PARQUET


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=UTC)


def column(name: str, type: str = 'type = "text"', header: str = "") -> Column:
    return Column(name, f'{type}, header = "{header}"' if header else type)


def of_arrow(table: pa.Table, **options: Any) -> Write:
    def write(folder: Path) -> None:
        pq.write_table(table, folder / "x.parquet", **options)

    return write


def of_bytes(data: bytes, name: str = "x.csv") -> Write:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return write


def files() -> Iterator[File]:
    """All odd files."""
    for makers in (arrow_types, arrow_nested, arrow_layouts, arrow_damage, fast, duck, polar, packed):
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
            (1, 7337, 1.5, Decimal("123456789012345678901234567890.12345"), 5, str(2**64 - 1), True, None),
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
            [(1, expected, expected, day), (2, at(2024, 2, 29), at(2024, 2, 29), day), (3, None, None, None)],
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
            (1, dt.date(2024, 1, 5), "23:59:59", "01:02:03.500", "x", "y", 10, "a", "ab", "abcd", True),
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
                    {"kind": pa.string(), "deep": pa.struct({"n": pa.float64()}), "gone": pa.int32()}
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
            "beside": pa.array([[(1, {"x": [True]})]], pa.map_(pa.int64(), pa.struct({"x": pa.list_(pa.bool_())}))),
        }
    )
    yield File("arrow_map_beside", of_arrow(beside), (column("id", INT),), [(1,)])
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([5]), pa.array([50])], ["id", "qty", "qty"])
    yield File(
        "arrow_twice", of_arrow(twice), (column("id", INT), column("qty", INT)), [(1, 5)]
    )


def arrow_layouts() -> Iterator[File]:
    table = pa.table(
        {"id": list(range(1000)), "word": [f"w{n % 7}" for n in range(1000)], "x": [n / 4 for n in range(1000)]}
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
            pa.table({"id": [1, 2], "at": pa.array([dt.datetime(9999, 12, 31, 23, 59, 59), None], pa.timestamp("us"))}),
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


def fast() -> Iterator[File]:
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "whole": [7337.0, math.nan, 120000.0],
            "nullable": pd.array([1, None, 3], dtype="Int32"),
            "at": pd.to_datetime(["2024-01-05 10:20:30.123456", "2024-01-06", None], format="ISO8601"),
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
        of_query("SELECT range AS id, range % 3 = 0 AS flag FROM range(5000)", ", ROW_GROUP_SIZE 2048"),
        (column("id", INT), column("flag", BOOL)),
        [(n, n % 3 == 0) for n in range(5000)],
    )


def polar() -> Iterator[File]:
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "whole": pl.Series([7337.0, math.nan]),
            "price": pl.Series([Decimal("12.50"), None], dtype=pl.Decimal(20, 2)),
            "at": pl.Series([dt.datetime(2024, 1, 5, 10, 20, 30, 123456), None], dtype=pl.Datetime("ns")),
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


def packed() -> Iterator[File]:
    def text(name: str, data: bytes, refused: str = "") -> File:
        rows = [] if refused else CSV_ROWS
        return File(f"packed_{name}", of_bytes(data), CSV_COLUMNS, rows, refused, ("x.csv",), TEXT)

    yield text("gzip", gzip.compress(CSV[:9]) + gzip.compress(CSV[9:]))
    yield text("gzip_padded", gzip.compress(CSV) + bytes(512))
    yield text("gzip_and_text", gzip.compress(CSV) + b"end of transmission")
    yield text("gzip_twice", gzip.compress(gzip.compress(CSV)))
    yield text("gzip_cut", gzip.compress(CSV)[:-9], "ends early")
    yield text("bzip2", bz2.compress(CSV[:9]) + bz2.compress(CSV[9:]))
    yield text("xz", lzma.compress(CSV[:9]) + lzma.compress(CSV[9:]) + bytes(8))
    for check in (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_SHA256):
        yield text(f"xz_check_{check}", lzma.compress(CSV, check=check))
    long = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=long).compressobj()
    yield text("zstd_long", stream.compress(CSV) + stream.flush())
    skipped = b"\x5a\x2a\x4d\x18\x04\x00\x00\x00skip"
    yield text("zstd_skipped", skipped + zstandard.compress(CSV) + skipped)
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflate", zipfile.ZIP_DEFLATED), ("bzip2", zipfile.ZIP_BZIP2)):
        yield text(f"zip_{name}", archive({"in/x.csv": CSV}, method))
    yield text("zip_lzma", archive({"x.csv": CSV}, zipfile.ZIP_LZMA), "LZMA")
    yield text("zip_of_two", archive({"x.csv": CSV, "y.csv": CSV}), "zip archive of 2 files")
    book = {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": b"<x/>"}
    yield text("workbook", archive(book), "Excel workbook")
    yield File(
        "packed_ending",
        of_bytes(bz2.compress(CSV), "x.csv.BZ2"),
        CSV_COLUMNS,
        CSV_ROWS,
        paths=("x.csv",),
        format=TEXT,
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(CSV)
        tar = shutil.make_archive(str(Path(folder) / "t"), "gztar", folder, "x.csv")
        yield text("tar", Path(tar).read_bytes(), "tar archive")


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return sink.getvalue()
