"""The Python package beside the program: cleaning, rejected rows, and the client, on one lake.

Promise: with the cleaner of the package and the plant's own SQL in DuckDB, every row of silver that is cleaned from
dumps comes out of bronze again, value for value, and every rejected row with its column and reason; the client reads
every table of gold with the rows of its files.

Runs in an environment that has only the package and what it needs, beside `deltalake` and `duckdb`.

    python python_case.py --cockpit BIN
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import plant_cockpit
import pyarrow as pa

import lake as lakes
from checks import Report
from doors import expected, fill, is_near, numeric_columns, open_world, sums_of, token

TYPED = re.compile(r"\bFROM typed\.(\w+)\s*$")
ROW = ["_file_sha256", "_record"]
DAYS = 4
README = Path(__file__).parents[2] / "python/README.md"
ACTIONS = ["read_tables", "run_sql", "download", "follow_live"]
# What the package decides; keys that occur twice and numbers of other rows are the lake's.
REASONS_OF_LAKE = {"duplicate", "superseded"}


def model_name(table: str) -> str:
    """The name of a table without its layer."""
    return table.partition(".")[2]


def models(plant: plant_cockpit.Plant) -> Iterator[tuple[str, plant_cockpit.Model, str]]:
    """The silver tables that are cleaned from dumps, with their contract."""
    for name, model in plant.models.items():
        found = TYPED.search(model.sql.strip())
        if found:
            yield name, model, found[1]


def cleaned(lake: str, cleaner: plant_cockpit.Cleaner, contract: str) -> tuple[pa.Table, pa.Table]:
    """The accepted rows of a bronze table, and the rejected ones with their place."""
    accepted, rejected = [], []
    bronze = lakes.read(lake, f"bronze.{contract}").combine_chunks()
    for batch in bronze.to_batches(max_chunksize=50_000):
        result = cleaner.clean(batch)
        accepted.append(result.accepted)
        found = pa.table(result.rejected)
        place = batch.select(ROW).take(found["row"].combine_chunks())
        columns = [*place.columns, *found.columns]
        rejected.append(pa.table(columns, names=[*ROW, *found.column_names]))
    return pa.Table.from_batches(accepted, cleaner.schema), pa.concat_tables(rejected)


def rows_of(table: pa.Table, columns: list[str]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The values of the columns by the place of the row in its dump."""
    values = zip(*(table[name].to_pylist() for name in [*ROW, *columns]), strict=True)
    return {row[: len(ROW)]: row[len(ROW) :] for row in values}


def select(model: plant_cockpit.Model, contract: str, accepted: pa.Table) -> pa.Table:
    """The plant's statement, with the place of each row."""
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'; CREATE SCHEMA typed")
    database.register("accepted", accepted)
    database.execute(f"CREATE VIEW typed.{contract} AS SELECT * FROM accepted")
    statement = TYPED.sub(f", {', '.join(ROW)} FROM typed.{contract}", model.sql.strip())
    return database.execute(statement).fetch_arrow_table()


def compare_silver(report: Report, lake: str, plant: plant_cockpit.Plant) -> None:
    landed = set(lakes.tables(lake))
    rejected = lakes.read(lake, "silver.rejected").to_pylist()
    for name, model, contract in models(plant):
        if name not in landed or f"bronze.{contract}" not in landed:
            continue
        cleaner = plant_cockpit.Cleaner(plant, contract)
        accepted, refused = cleaned(lake, cleaner, contract)
        silver = lakes.read(lake, name)
        if not set(ROW) <= set(silver.column_names):
            continue
        columns = [column for column in silver.column_names if not column.startswith("_")]
        made = rows_of(select(model, contract, accepted), columns)
        stored = rows_of(silver, columns)
        differ = [(place, row, made.get(place)) for place, row in stored.items() if made.get(place) != row]
        report.check(f"{name}: {len(stored)} rows come out of bronze", not differ, str(differ[:2]))
        own = [it for it in rejected if it["table_name"] == model_name(name)]
        compare_rejected(report, name, refused.to_pylist(), own)


def compare_rejected(report: Report, name: str, found: list[dict[str, Any]], stored: list[dict[str, Any]]) -> None:
    """Rejected rows of formats and required columns, by place, column, reason and text."""
    reasons = {row["reason"] for row in found}
    own = Counter((*(row[it] for it in ROW), row["column"], row["reason"], row["raw"]) for row in found)
    stored_own = Counter(
        (*(row[it] for it in ROW), row["column_name"], row["reason"], row["raw"])
        for row in stored
        if row["reason"] in reasons
    )
    report.check(
        f"{name}: {sum(own.values())} rejected rows have their reason",
        own == stored_own,
        f"only here {list((own - stored_own).items())[:2]}, only there {list((stored_own - own).items())[:2]}",
    )


def compare_client(report: Report, program: Path, folder: Path, lake: Path, plant: Path) -> None:
    folder.mkdir()
    service = open_world(program, folder, lake, plant).start()
    try:
        secret = token(service, service.login().cookie, ACTIONS)
        client = plant_cockpit.Cockpit(f"http://127.0.0.1:{service.port}", secret)
        compare_tables(report, client, str(lake))
        run_readme(report, service.port, secret)
    finally:
        service.stop()


def compare_tables(report: Report, client: plant_cockpit.Cockpit, lake: str) -> None:
    for entry in client.tables():
        name = f"{entry['schema']}.{entry['table']}"
        if entry["schema"] not in ("silver", "gold"):
            continue
        stored = expected(lake, name)
        found = sums_of(client.table(name), numeric_columns(lake, name))
        counted = client.query(f"SELECT count(*) AS rows FROM {name}")["rows"][0].as_py()
        same = counted == stored["rows"] and is_near(found, stored)
        report.check(f"client: rows and sums of {name}", same, f"is {found}, {counted}, must be {stored}")
    report.check("client: KPIs", bool(client.kpis(level="line", granularity="day")))
    try:
        client.query("SELECT * FROM gold.nothing")
        report.check("client: an unknown table is an error", False)
    except plant_cockpit.CockpitError as error:
        report.check("client: an unknown table is an error", error.status == 400, str(error))


def run_readme(report: Report, port: int, secret: str) -> None:
    """The lines of the package's README about a service, but those that wait for readings."""
    section = README.read_text().partition("## Tables and SQL of a service\n")[2].partition("\n## ")[0]
    lines = "\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL)).partition("\nfor reading")[0]
    lines = lines.replace("https://cockpit.plant.example", f"http://127.0.0.1:{port}").replace("pck_…", secret)
    known: dict[str, Any] = {}
    for line in lines.splitlines():
        try:
            exec(line, known)
        except plant_cockpit.CockpitError as error:
            # A service that does not ingest manages no alarms.
            report.check(f"README: {line}", error.code == "no_alarms" and ".alarms(" in line, str(error))
    report.check("README: rows of the query", len(known["made"]) > 0)
    report.check("README: a report", known["pdf"].startswith(b"%PDF"))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cockpit", type=Path, required=True)
    program = parser.parse_args().cockpit.resolve()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="python-case-") as name:
        folder = Path(name)
        plant, lake = fill(program, folder, DAYS)
        compare_silver(report, str(lake), plant_cockpit.load_plant(plant))
        compare_client(report, program, folder / "world", lake, plant)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
