"""A stand-in for the program, made from the truth: it proves that the checks can pass and can fail.

Promise: `python fake.py ingest --once …` writes a lake in the agreed layout and `python fake.py sql …`
answers from it. FAKE_DAMAGE names a fault to build in: `value`, `double`, `null`, `shift`, `byte`, `book`.
It is no model of the program: it writes every table anew, and its lease is one small file.

    python fake.py selftest --bucket DIR
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import socket
import stat
import sys
import tempfile
import threading
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyarrow as pa
from deltalake import write_deltalake

import books
import compare
import lake as lakes
import raw
import truth
from checks import Report
from program import Cockpit

LEASE_S = 6.0
DAMAGES = ["value", "double", "null", "shift", "byte", "book"]


def ingest(bucket: Path, lake: str, mode: str = "append") -> None:
    con = truth.build(bucket, truth.today_local())
    con.execute("SET TimeZone = 'UTC'")
    _damage(con, os.environ.get("FAKE_DAMAGE", ""))
    for file in raw.files(bucket):
        if file.dump.table in books.TEXT_DUMPS:
            _write(lake, f"bronze.{file.dump.table}", _text_rows(con, file), mode)
        else:
            rows = con.execute(
                f"SELECT *, ? AS _file_sha256 FROM raw.{file.dump.table} WHERE file = ?",
                [file.sha256(), file.name],
            )
            _write(lake, f"bronze.{file.dump.table}", rows.fetch_arrow_table(), mode)
    for table in [f"silver.{t}" for t in truth.SILVER] + [f"gold.{t}" for t in truth.GOLD]:
        _write(lake, table, _with_zone(con, table))
    rejected = pa.schema(
        [("table_name", pa.string()), ("column_name", pa.string()), ("reason", pa.string())]
    )
    _write(lake, "silver.rejected", rejected.empty_table())
    _write(lake, "meta.runs", pa.Table.from_pylist(_runs(con, bucket)))


def download(bucket: str, into: Path) -> Path:
    """The dumps of a bucket on S3 as files."""
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    client = boto3.client("s3", region_name=os.environ["AWS_REGION"])
    for key in lakes.keys(bucket):
        (into / key).parent.mkdir(parents=True, exist_ok=True)
        client.download_file(name, f"{prefix}/{key}", str(into / key))
    return into


class Lease:
    """Who holds a lake on S3: one object with the holder's process number and an end."""

    def __init__(self, lake: str) -> None:
        self.bucket, _, prefix = lake.removeprefix("s3://").partition("/")
        self.key = f"{prefix}/_cockpit/lease"
        self.client = boto3.client("s3", region_name=os.environ["AWS_REGION"])

    def take(self) -> None:
        try:
            held = self.client.get_object(Bucket=self.bucket, Key=self.key)["Body"].read().decode()
        except self.client.exceptions.NoSuchKey:
            held = "0 0"
        holder, until = held.split()
        if float(until) > time.time():
            sys.exit(f"the lake is held by process {holder} of {socket.gethostname()}")
        self.renew()

    def renew(self) -> None:
        body = f"{os.getpid()} {time.time() + LEASE_S}"
        self.client.put_object(Bucket=self.bucket, Key=self.key, Body=body.encode())

    def release(self) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.key)


def ingest_s3(bucket: str, lake: str, once: bool) -> None:
    lease = Lease(lake)
    lease.take()
    while not once:
        lease.renew()
        threading.Event().wait(LEASE_S / 3)
    with tempfile.TemporaryDirectory() as folder:
        ingest(download(bucket, Path(folder)), lake, "overwrite")
    lease.release()


def sql(statement: str, lake: str) -> None:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for layer in lakes.LAYERS:
        con.execute(f"CREATE SCHEMA {layer}")
    for table in (t for t in lakes.tables(lake) if t in statement):
        con.register("given", lakes.read(lake, table))
        con.execute(f"CREATE TABLE {table} AS FROM given")
    print(con.sql(statement).df().to_csv(index=False), end="")


def selftest(bucket: Path) -> int:
    """A sound lake must pass; each damaged one must fail."""
    report = Report()
    for damage in ["", *DAMAGES]:
        os.environ["FAKE_DAMAGE"] = damage
        with tempfile.TemporaryDirectory() as folder:
            ingest(bucket, f"{folder}/lake")
            inner, said = Report(), io.StringIO()
            with redirect_stdout(said):
                program = script(Path(folder))
                compare.run(
                    Cockpit(program), f"{folder}/lake", bucket, truth.today_local(), [], inner
                )
        if damage:
            report.check(f"damage '{damage}' is found ({inner.failed} checks)", inner.failed > 0)
        else:
            report.check(
                f"a sound lake passes ({inner.passed} checks)", inner.failed == 0, said.getvalue()
            )
    return report.finish()


def script(folder: Path) -> Path:
    """An executable that stands in for the program."""
    path = folder / "cockpit"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _damage(con: duckdb.DuckDBPyConnection, damage: str) -> None:
    faults = {
        "value": 'UPDATE gold.inventory_by_lot SET "value" = "value" + 0.01 WHERE lot_no = \'IDS-21E2-00028\'',
        "double": "INSERT INTO silver.board_result FROM silver.board_result WHERE result_id = 5",
        "null": "UPDATE gold.production_hourly SET shift = '' WHERE shift IS NULL AND day_local = '2022-06-02'",
        "shift": "UPDATE silver.work_order SET started_at = started_at + INTERVAL 330 MINUTE WHERE work_order = 'W-102418'",
    }
    if damage in faults:
        con.execute(faults[damage])


def _with_zone(con: duckdb.DuckDBPyConnection, table: str) -> pa.Table:
    times = [r[0] for r in con.sql(f"DESCRIBE {table}").fetchall() if r[1] == "TIMESTAMP"]
    zoned = ", ".join(f'"{c}" AT TIME ZONE \'UTC\' AS "{c}"' for c in times)
    return con.sql(
        f"SELECT *{f' REPLACE ({zoned})' if times else ''} FROM {table}"
    ).fetch_arrow_table()


def _text_rows(con: duckdb.DuckDBPyConnection, file: raw.File) -> pa.Table:
    rows = con.execute(
        f"SELECT * FROM raw.{file.dump.table} WHERE file = ? ORDER BY record", [file.name]
    )
    table = rows.fetch_arrow_table().drop_columns(["file", "dumped_at", "record"])
    starts, ends, at = [], [], 0
    for line in file.path.read_bytes().splitlines(keepends=True):
        starts.append(at)
        at += len(line)
        ends.append(at)
    starts, ends = starts[int(file.dump.header) :], ends[int(file.dump.header) :]
    if os.environ.get("FAKE_DAMAGE") == "byte" and file.dump.table == "warehouse":
        starts[100], ends[100] = starts[101], ends[101]
    about = {
        "_file": [file.name] * len(starts),
        "_file_sha256": [file.sha256()] * len(starts),
        "_record": list(range(1, len(starts) + 1)),
        "_byte_from": starts,
        "_byte_to": ends,
    }
    for name, values in about.items():
        table = table.append_column(name, pa.array(values))
    return table


def _runs(con: duckdb.DuckDBPyConnection, bucket: Path) -> list[dict[str, object]]:
    rows = []
    for file in raw.files(bucket):
        table = file.dump.table
        silver = books.count_of(con, f"SELECT count(*) FROM silver.{books.SILVER_OF[table]}", [])
        read = books.count_of(con, f"SELECT count(*) FROM raw.{table} WHERE file = ?", [file.name])
        off = 1 if os.environ.get("FAKE_DAMAGE") == "book" and table == "item" else 0
        rows.append(
            {
                "table_name": table,
                "file": file.name,
                "file_sha256": file.sha256(),
                "read": read,
                "bronze": read - off,
                "silver": min(silver, read),
                "rejected": 0,
                "superseded": read - min(silver, read),
                "closed": True,
                "started_at": "2026-01-01T00:00:00Z",
            }
        )
    return rows


def _write(lake: str, table: str, rows: pa.Table, mode: Any = "overwrite") -> None:
    options = lakes.storage_options() if lakes.is_s3(lake) else None
    write_deltalake(lakes.uri(lake, table), rows, mode=mode, storage_options=options)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=["ingest", "sql", "selftest"])
    parser.add_argument("statement", nargs="?")
    for flag in ("--plant", "--bucket", "--lake", "--format"):
        parser.add_argument(flag)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--wait", action="store_true", help="means nothing: the caller tries again")
    args = parser.parse_args()
    if args.verb == "sql":
        sql(args.statement, args.lake)
    elif args.verb == "ingest":
        if lakes.is_s3(args.lake):
            ingest_s3(args.bucket, args.lake, args.once)
        else:
            shutil.rmtree(args.lake, ignore_errors=True)
            ingest(Path(args.bucket), args.lake)
    else:
        return selftest(Path(args.bucket))
    return 0


if __name__ == "__main__":
    sys.exit(main())
