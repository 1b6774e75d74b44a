"""Dumps as Python's and Zstandard's packers pack them, and what looks like one.

Promise: nothing here asks the program under test; what must be read is what was packed.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import zstandard

from odd_file import CSV, CSV_COLUMNS, CSV_ROWS, TEXT, File, of_bytes


def files() -> Iterator[File]:
    """All packed files."""

    def text(name: str, data: bytes, refused: str = "") -> File:
        rows = [] if refused else CSV_ROWS
        return File(f"packed_{name}", of_bytes(data), CSV_COLUMNS, rows, refused, ("x.csv",), TEXT)

    yield text("gzip", gzip.compress(CSV[:9]) + gzip.compress(CSV[9:]))
    yield text("gzip_padded", gzip.compress(CSV) + bytes(512))
    yield text("gzip_and_text", gzip.compress(CSV) + b"end of transmission")
    yield text("gzip_twice", gzip.compress(gzip.compress(CSV)))
    yield text("gzip_cut", gzip.compress(CSV)[:-9], "truncated")
    yield text("bzip2", bz2.compress(CSV[:9]) + bz2.compress(CSV[9:]))
    yield text("xz", lzma.compress(CSV[:9]) + lzma.compress(CSV[9:]) + bytes(8))
    for check in (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_SHA256):
        yield text(f"xz_check_{check}", lzma.compress(CSV, check=check))
    long = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=long).compressobj()
    yield text("zstd_long", stream.compress(CSV) + stream.flush())
    skipped = b"\x5a\x2a\x4d\x18\x04\x00\x00\x00skip"
    yield text("zstd_skipped", skipped + zstandard.compress(CSV) + skipped)
    for name, method in (
        ("stored", zipfile.ZIP_STORED),
        ("deflate", zipfile.ZIP_DEFLATED),
        ("bzip2", zipfile.ZIP_BZIP2),
    ):
        yield text(f"zip_{name}", archive({"in/x.csv": CSV}, method))
    yield text("zip_lzma", archive({"x.csv": CSV}, zipfile.ZIP_LZMA), "LZMA")
    yield text("zip_of_two", archive({"x.csv": CSV, "y.csv": CSV}), "zip archive of 2 files")
    book = {
        "[Content_Types].xml": b"<x/>",
        "xl/workbook.xml": b"<x/>",
        "xl/worksheets/sheet1.xml": b"<x/>",
    }
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
