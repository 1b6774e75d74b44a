"""Checks that the books close: records read, bronze rows, silver rows, and the bytes behind them.

Promise: the record counts come from the raw files, not from the program; every bronze row of a text
dump is cut out of its file by its byte range and must contain the row's fields.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

import lake as lakes
import raw
from checks import Report
from program import Cockpit

SILVER_OF = {
    "plans_shift_wise": "production_plan",
    "workorders": "work_order",
    "results": "board_result",
    "routing_stages": "routing_stage",
    "items": "item",
    "warehouse": "warehouse_entry",
    "item": "material_record",
    "production": "bom_line",
}
TEXT_DUMPS = [d.table for d in raw.DUMPS if not d.file.endswith(".parquet")]
RUN_COLUMNS = (
    "table_name file file_sha256 read bronze silver rejected superseded closed started_at".split()
)
Row = dict[str, Any]


def check(
    report: Report, con: duckdb.DuckDBPyConnection, cockpit: Cockpit, lake: str, bucket: Path
) -> None:
    """Checks `meta.runs` against the files of the bucket and the tables of the lake."""
    try:
        rows = cockpit.query(f"SELECT {', '.join(RUN_COLUMNS)} FROM meta.runs", lake).to_pylist()
    except Exception as error:  # Any refusal of the program is the finding.
        report.check("meta.runs", False, str(error))
        return
    runs = [_typed(row) for row in rows]
    _closes(report, runs)
    for dump in raw.DUMPS:
        found = [file for file in raw.files(bucket) if file.dump == dump]
        for file in found:
            _file(report, con, file, _latest(runs, file))
        _layers(report, lake, dump, runs)
    _rejected(report, cockpit, lake)


def bytes_of_rows(report: Report, lake: str, buckets: list[Path]) -> None:
    """Checks every bronze row of the text dumps against the raw bytes it names."""
    files = {(f.dump.table, f.sha256()): f for bucket in buckets for f in raw.files(bucket)}
    for table in TEXT_DUMPS:
        name = f"bronze.{table}"
        try:
            rows = lakes.read(lake, name).to_pylist()
        except Exception as error:  # Any reader error is the finding.
            report.check(f"{name}: bytes", False, str(error))
            continue
        by_file: dict[str, list[Row]] = {}
        for row in rows:
            by_file.setdefault(row["_file_sha256"], []).append(row)
        for sha, part in by_file.items():
            file = files.get((table, sha))
            if report.check(f"{name}: a file of the bucket has hash {sha[:12]}", file is not None):
                assert file is not None
                wrong = _wrong_slices(file, part)
                text = f"{name}: {len(part)} rows lie at their bytes of {file.name}"
                report.check(text, not wrong, "\n".join(wrong[:5]))


def _wrong_slices(file: raw.File, rows: list[Row]) -> list[str]:
    data = file.path.read_bytes()
    wrong = []
    end = 0
    for row in sorted(rows, key=lambda r: r["_byte_from"]):
        start, stop = row["_byte_from"], row["_byte_to"]
        said = f"record {row['_record']}, bytes {start} to {stop}"
        if start < end:
            wrong.append(f"{said}: begins before the record in front of it ends at {end}")
        end = stop
        text = data[start:stop].decode("utf-8", "replace").replace('""', '"')
        fields = [v for k, v in row.items() if not k.startswith("_") and isinstance(v, str) and v]
        lost = [v for v in fields if v.replace('""', '"') not in text]
        if not fields or lost or not str(row["_file"]).endswith(file.path.name):
            wrong.append(f"{said} of {row['_file']}: {lost[:3]} not in {text[:80]!r}")
    return wrong + _uncovered(file, data, rows)


def _uncovered(file: raw.File, data: bytes, rows: list[Row]) -> list[str]:
    """Bytes that belong to no record must be the header or ends of lines."""
    spans = sorted((r["_byte_from"], r["_byte_to"]) for r in rows)
    gaps = zip([0, *(s[1] for s in spans)], [*(s[0] for s in spans), len(data)], strict=True)
    rest = b"".join(data[a:b] for a, b in gaps).strip(b"\r\n\xef\xbb\xbf")
    header = data.split(b"\n", 1)[0].strip() if file.dump.header else b""
    lost = rest.replace(header, b"", 1).strip() if header else rest.strip()
    return [f"bytes in no record: {lost[:80]!r}"] if lost else []


def _closes(report: Report, runs: list[Row]) -> None:
    report.check("meta.runs has rows", bool(runs))
    wrong = [
        str(run)
        for run in runs
        if run["read"] != run["bronze"]
        or run["bronze"] != run["silver"] + run["rejected"] + run["superseded"]
        or run["closed"] is not True
    ]
    report.check(f"meta.runs: all {len(runs)} rows close", not wrong, "\n".join(wrong[:5]))


def _file(report: Report, con: duckdb.DuckDBPyConnection, file: raw.File, run: Row | None) -> None:
    if run is None:
        report.check(f"meta.runs: {file.name}", False, "no row with this file and this hash")
        return
    records = count_of(
        con, f"SELECT count(*) FROM raw.{file.dump.table} WHERE file = ?", [file.name]
    )
    report.equal(f"meta.runs: {file.name}: records read ({records})", run["read"], records)


def _layers(report: Report, lake: str, dump: raw.Dump, runs: list[Row]) -> None:
    """What the last books of every dump say must add up to the rows that are there."""
    silver = SILVER_OF[dump.table]
    last: dict[tuple[str, str], Row] = {}
    for run in sorted(_mine(runs, dump), key=lambda run: run["started_at"]):
        last[(run["file"], run["file_sha256"])] = run
    for table, count in [(f"bronze.{dump.table}", "bronze"), (f"silver.{silver}", "silver")]:
        said, rows = sum(run[count] for run in last.values()), _rows_of(lake, table)
        report.equal(f"meta.runs: rows of {table} ({rows}) by {len(last)} dumps", said, rows)


def _rejected(report: Report, cockpit: Cockpit, lake: str) -> None:
    """The public dumps hold no row that must be rejected."""
    try:
        rows = cockpit.query("SELECT count(*) AS n FROM silver.rejected", lake).to_pylist()
        report.equal("silver.rejected: rows", int(rows[0]["n"]), 0)
    except Exception as error:  # Any refusal of the program is the finding.
        report.check("silver.rejected: rows", False, str(error))


def _mine(runs: list[Row], dump: raw.Dump) -> list[Row]:
    """The runs of one source, named by its dump or by the silver table it feeds."""
    names = (dump.table, SILVER_OF[dump.table])
    mine = [run for run in runs if run["table_name"].split(".")[-1] in names]
    return [run for run in mine if run["file"].endswith(f"/{dump.file}")]


def _latest(runs: list[Row], file: raw.File) -> Row | None:
    """The last run that read this very file."""
    sha, name = file.sha256(), file.name.removeprefix("data/")
    mine = [
        run
        for run in _mine(runs, file.dump)
        if run["file_sha256"] == sha and run["file"].endswith(name) and run["read"] > 0
    ]
    return max(mine, key=lambda run: run["started_at"], default=None)


def _typed(row: Row) -> Row:
    counts = {k: int(row[k] or 0) for k in ("read", "bronze", "silver", "rejected", "superseded")}
    text = {k: row[k] or "" for k in ("table_name", "file", "file_sha256", "started_at")}
    return counts | text | {"closed": str(row["closed"]).lower() == "true"}


def _rows_of(lake: str, table: str) -> int:
    return int(lakes.read(lake, table, columns=[]).num_rows)


def count_of(con: duckdb.DuckDBPyConnection, sql: str, values: list[object]) -> int:
    row = con.execute(sql, values).fetchone()
    assert row is not None
    return int(row[0])
