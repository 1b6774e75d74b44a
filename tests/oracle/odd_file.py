"""What an odd file is, and what must become of it.

Promise: a `File` names the contract's columns, and either the rows that silver must hold, value for
value, or words of the reason for which the whole file is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from small_plant import Column

UTC = dt.UTC
INT = 'type = "int"'
FLOAT = 'type = "float"'
BOOL = 'type = "bool"'
WIDE = 'type = "decimal", precision = 38, scale = 5'
DATE = 'type = "date", formats = ["dd.MM.yyyy"]'
TIME = 'type = "time", zone = "UTC", formats = ["dd.MM.yyyy HH:mm"]'
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
