"""Makes a second dump of one day and says which gold rows it must change.

Promise: exactly 312 inspections of 2022-06-04 come again changed (a third moved to another station, a
third to another hour, a third to another work order) and 20 come new, with their routing stages. The
expectation is the difference of the truths of both buckets, computed here and not by the program.

    python redump.py --from BUCKET --to BUCKET2 [--mode folder|whole|stages] [--folder-date DATE] [--expect FILE]

Mode `folder` adds the day in a dated folder beside the old dump, `whole` writes the old files anew,
`stages` adds no inspection but the 312 routing stages with the other side of the board. The
folder's date is by default two days after the old dump, so that it is the later dump wherever midnight
lies; an earlier date makes an old dump that arrives late, whose changed rows must lose.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import raw
import truth

DAY = "2022-06-04"
CHANGED_ROWS = 312
NEW_ROWS = 20
RESULTS = Path("data/OperationsManagement/Results")
STAGES = Path("data/OperationsManagement/RoutingStages")
FIELD = {name: position for position, name in enumerate(raw.RESULTS)}
Record = list[str]


def copy(source: Path, to: Path) -> None:
    """Copies the bucket with its times; the copy can be written."""
    shutil.copytree(source, to)
    for path in [to, *to.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in source.rglob("*"):
        times = path.stat()
        os.utime(to / path.relative_to(source), ns=(times.st_atime_ns, times.st_mtime_ns))


def changed(records: list[Record], chance: random.Random) -> dict[str, Record]:
    """312 records of the day by their id, each changed in exactly one way."""
    of_day = [r for r in records if r[FIELD["InspectionDate"]].startswith(DAY)]
    stations = sorted({r[FIELD["SubWorkCenter"]] for r in of_day})
    orders = sorted({r[FIELD["WorkOrderId"]] for r in records})
    made = {}
    for number, old in enumerate(chance.sample(of_day, CHANGED_ROWS)):
        new = list(old)
        if number % 3 == 0:
            new[FIELD["SubWorkCenter"]] = _other(chance, stations, old[FIELD["SubWorkCenter"]])
        elif number % 3 == 1:
            new[FIELD["InspectionDate"]] = _other_hour(chance, old[FIELD["InspectionDate"]])
        else:
            new[FIELD["WorkOrderId"]] = _other(chance, orders, old[FIELD["WorkOrderId"]])
        new[FIELD["LastModifiedDate"]] = f"{DAY} 23:59:00"
        made[new[FIELD["Id"]]] = new
    return made


def added(records: list[Record], chance: random.Random) -> tuple[list[Record], dict[str, str]]:
    """20 new records of the day, and for each new routing stage the one it is like."""
    of_day = [r for r in records if r[FIELD["InspectionDate"]].startswith(DAY)]
    next_id = max(int(r[FIELD["Id"]]) for r in records) + 1
    made, like = [], {}
    for number, old in enumerate(chance.sample(of_day, NEW_ROWS)):
        new = list(old)
        stage = f"{old[FIELD['WorkOrderId']]}B-99999{number:06}"
        like[stage] = old[FIELD["RoutingStageId"]]
        new[FIELD["Id"]] = str(next_id + number)
        new[FIELD["BoardId"]] = f"{stage}_1"
        for name in ("BatchId", "RoutingStageId", "RoutingStageName"):
            new[FIELD[name]] = stage
        made.append(new)
    return made, like


def stages(table: pa.Table, ids: list[str] | None, like: dict[str, str]) -> pa.Table:
    """The stages `ids` (all if none are given) and new ones copied from those they are like."""
    kept = table if ids is None else table.filter(pc.is_in(table["id"], pa.array(ids)))
    where = {value: row for row, value in enumerate(table["id"].to_pylist())}
    copies = table.take(pa.array([where[old] for old in like.values()], pa.int64()))
    field = table.schema.field("id")
    named = copies.set_column(
        table.column_names.index("id"), field, pa.array(list(like), field.type)
    )
    return pa.concat_tables([kept, named])


def flipped(table: pa.Table, records: list[Record]) -> pa.Table:
    """The stages of some boards with the other side of the board."""
    mine = stages(table, [r[FIELD["RoutingStageId"]] for r in records], {})
    surface = mine.column_names.index("Surface")
    other = pc.cast(pc.subtract(3, mine["Surface"]), table.schema.field("Surface").type)
    return mine.set_column(surface, table.schema.field("Surface"), other)


def redump(source: Path, to: Path, mode: str, folder_date: date | None, seed: int) -> None:
    """Writes the second bucket."""
    copy(source, to)
    chance = random.Random(seed)
    lines = (source / RESULTS / "Results.csv").read_text().splitlines()
    records = [line.split(",") for line in lines]
    corrections = changed(records, chance)
    news, like = added(records, chance)
    now = [corrections.get(r[FIELD["Id"]], r) for r in records] + news
    table = pq.read_table(source / STAGES / "RoutingStages.parquet")
    if mode == "stages":
        day = folder_date or _dumped_on(source) + timedelta(days=2)
        _write_stages(to, day.isoformat(), flipped(table, list(corrections.values())))
        return
    if mode == "whole":
        _write(to, "", now, stages(table, None, like))
        return
    touched = [
        r
        for old, r in zip([*records, *news], now, strict=True)
        if old[FIELD["InspectionDate"]].startswith(DAY)
    ]
    ids = [r[FIELD["RoutingStageId"]] for r in touched]
    day = folder_date or _dumped_on(source) + timedelta(days=2)
    _write(to, day.isoformat(), touched, stages(table, ids, like))


def expectation(source: Path, to: Path, as_of: date) -> dict[str, Any]:
    """For each gold table the rows that must go and the rows that must come."""
    before, after = truth.build(source, as_of), truth.build(to, as_of)
    tables = {}
    for name in truth.GOLD:
        old = before.sql(f"FROM gold.{name}").fetch_arrow_table()
        after.register("old_arrow", old)
        kinds = {r[0]: r[1] for r in after.sql(f"DESCRIBE gold.{name}").fetchall()}
        goes = _texts(after, f"FROM old_arrow EXCEPT ALL FROM gold.{name}")
        comes = _texts(after, f"FROM gold.{name} EXCEPT ALL FROM old_arrow")
        tables[name] = {"columns": kinds, "goes": goes, "comes": comes}
    return {"as_of": as_of.isoformat(), "tables": tables}


def _texts(con: duckdb.DuckDBPyConnection, sql: str) -> list[list[str | None]]:
    """Rows as text, in order."""
    return sorted_rows(con.sql(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({sql})").fetchall())


def sorted_rows(rows: list[tuple[Any, ...]]) -> list[list[str | None]]:
    return [list(row) for row in sorted(rows, key=lambda row: [(v is None, v or "") for v in row])]


def _write(to: Path, folder: str, records: list[Record], table: pa.Table) -> None:
    (to / RESULTS / folder).mkdir(parents=True, exist_ok=True)
    text = "".join(",".join(record) + "\n" for record in records)
    (to / RESULTS / folder / "Results.csv").write_text(text)
    _write_stages(to, folder, table)


def _write_stages(to: Path, folder: str, table: pa.Table) -> None:
    (to / STAGES / folder).mkdir(parents=True, exist_ok=True)
    pq.write_table(table, to / STAGES / folder / "RoutingStages.parquet")


def _dumped_on(bucket: Path) -> date:
    return datetime.fromtimestamp((bucket / RESULTS / "Results.csv").stat().st_mtime).date()


def _other(chance: random.Random, words: list[str], word: str) -> str:
    return chance.choice([w for w in words if w != word])


def _other_hour(chance: random.Random, stamp: str) -> str:
    hour = _other(chance, [f"{h:02}" for h in range(24)], stamp[11:13])
    return f"{stamp[:11]}{hour}{stamp[13:]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--mode", choices=["folder", "whole", "stages"], default="folder")
    parser.add_argument("--folder-date", type=date.fromisoformat)
    parser.add_argument("--as-of", type=date.fromisoformat, default=truth.today_local())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--expect", type=Path, help="where to save the expectation as JSON")
    args = parser.parse_args()
    redump(args.source, args.to, args.mode, args.folder_date, args.seed)
    expected = expectation(args.source, args.to, args.as_of)
    text = json.dumps(expected, indent=1)
    if args.expect:
        args.expect.write_text(text)
        for name, table in expected["tables"].items():
            print(f"{name}: {len(table['goes'])} rows go, {len(table['comes'])} rows come")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
