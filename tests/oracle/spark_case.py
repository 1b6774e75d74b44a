"""Silver and gold refined by Apache Spark, beside the program.

Promise: from the bronze tables of the plant's dumps Spark makes every silver, rejected and gold table with the rows,
columns and types that the program makes, each row as often; after a second dump of one day too. What one engine has
refined, the other finds up to date. A Spark that is killed leaves the lake as it was, and the next run completes it.
Spark runs as its users run it: `python -m plant_cockpit.spark`.

    python spark_case.py --cockpit BIN --bucket DIR --jars DIR [--remote local[2]] [--kills N] [--short]
    python spark_case.py --cockpit BIN --days N --jars DIR …    dumps of simulated days with the usual dirt
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

import lake as lakes
from checks import Report
from deltalake import DeltaTable

JARS = ("delta", "antlr4")
SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": "2g",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
INGEST_S, SPARK_S = 300, 900
REFINED = ("silver", "gold")
OF_THE_RUN = {"_rejected_at", "_run"}
"""Columns that differ in every run."""
SHOWN = 3
KILL_AFTER_S = (6.0, 40.0)
SEED = 26


class Spark:
    """Runs of Spark over one lake."""

    def __init__(self, jars: Path, remote: str | None) -> None:
        found = [str(jar) for jar in sorted(jars.glob("*.jar")) if jar.name.startswith(JARS)]
        self.jars = ",".join(found)
        settings = SETTINGS | {"spark.jars": self.jars}
        if remote:
            del settings["spark.master"]
        self.words = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        self.words += ["--remote", remote] if remote else []
        self.worker = sys.executable

    def start(self, lake: Path, errors: Path) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "plant_cockpit.spark", "--lake", str(lake), *self.words]
        environment = os.environ | {"PYSPARK_PYTHON": self.worker, "PYSPARK_DRIVER_PYTHON": sys.executable}
        with errors.open("w") as file:
            return subprocess.Popen(
                words, env=environment, text=True, stdout=subprocess.PIPE, stderr=file, start_new_session=True
            )

    def refine(self, lake: Path) -> tuple[int, str, str]:
        """Exit code, output, and the end of the log."""
        log = lake.parent / "spark.log"
        process = self.start(lake, log)
        try:
            output, _ = process.communicate(timeout=SPARK_S)
        finally:
            stop(process)
        return process.returncode, output, log.read_text()[-4000:]

    def kill(self, lake: Path, after_s: float) -> bool:
        """Starts a run and kills it with its workers. Returns whether it was still running."""
        process = self.start(lake, lake.parent / "killed.log")
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            stop(process)
            return True
        return False


def stop(process: subprocess.Popen[str]) -> None:
    """Kills a run with its workers, if it still exists."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def ingest(program: Path, bucket: Path, lake: Path) -> None:
    words = [program, "ingest", "--once", "--bucket", bucket, "--lake", lake]
    subprocess.run(words, check=True, timeout=INGEST_S, stdout=subprocess.DEVNULL)


def copy_bronze(source: Path, to: Path) -> None:
    """What only the program writes, the dumps and the journal of alarms, into another lake. Its commits only grow."""
    for name in ("bronze", "silver/alarm_event", "meta/files"):
        if (source / name).is_dir():
            shutil.copytree(source / name, to / name, dirs_exist_ok=True)


def compare(report: Report, phase: str, expected: Path, actual: Path) -> None:
    wanted, found = lakes.tables(str(expected), REFINED), lakes.tables(str(actual), REFINED)
    report.equal(f"{phase}: tables", found, wanted)
    for name in wanted:
        if name in found:
            compare_table(report, phase, name, expected, actual)


def compare_table(report: Report, phase: str, name: str, expected: Path, actual: Path) -> None:
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    tables = {side: lakes.read(str(lake), name) for side, lake in (("wanted", expected), ("found", actual))}
    columns = {side: {it.name: str(it.type) for it in table.schema} for side, table in tables.items()}
    if not report.equal(f"{phase}: {name}: columns", sorted(columns["found"].items()), sorted(columns["wanted"].items())):
        return
    names = ", ".join(f'"{it}"' for it in columns["wanted"] if it not in OF_THE_RUN)
    for side, table in tables.items():
        database.register(side, table)
    lacking = database.execute(f"SELECT {names} FROM wanted EXCEPT ALL SELECT {names} FROM found").fetchall()
    surplus = database.execute(f"SELECT {names} FROM found EXCEPT ALL SELECT {names} FROM wanted").fetchall()
    reason = f"{len(lacking)} lacking {lacking[:SHOWN]}\n{len(surplus)} too many {surplus[:SHOWN]}"
    report.check(f"{phase}: {name}: {tables['wanted'].num_rows} rows", not lacking and not surplus, reason)


META = {
    "meta.runs": ("table_name", "file", "dump", "file_sha256", "read", "bronze", "silver", "rejected", "superseded", "closed"),
    "meta.quality": ("table_name", "expectation", "rule", "action", "checked", "failed", "share"),
    "meta.tables": ("schema_name", "table_name", "kind", "description", "grain", "rows"),
}
"""What both engines enter alike; run, times, versions and sizes differ."""
NEWEST = "QUALIFY row_number() OVER (PARTITION BY table_name, file, dump ORDER BY ended_at DESC) = 1"


def compare_meta(report: Report, phase: str, expected: Path, actual: Path) -> None:
    """Row balances, quality and tables; of the balances of a dump the last one."""
    for name, columns in META.items():
        found = {side: meta_rows(lake, name, columns, phase) for side, lake in (("w", expected), ("f", actual))}
        lacking, surplus = sorted(found["w"] - found["f"]), sorted(found["f"] - found["w"])
        reason = f"{len(lacking)} lacking {lacking[:SHOWN]}\n{len(surplus)} too many {surplus[:SHOWN]}"
        report.check(f"{phase}: {name}: {len(found['w'])} rows", bool(found["w"]) and not lacking and not surplus, reason)
        fingerprints = [lakes.open_table(str(lake), name).metadata().configuration for lake in (expected, actual)]
        report.equal(f"{phase}: {name}: definition", *[it["cockpit.definition"] for it in reversed(fingerprints)])


def meta_rows(lake: Path, name: str, columns: tuple[str, ...], phase: str) -> set[tuple[str, ...]]:
    database = duckdb.connect()
    database.register("meta", lakes.read(str(lake), name))
    sql = f"SELECT {', '.join(columns)} FROM meta"
    if name == "meta.runs":
        sql += f" {NEWEST}"
    if name == "meta.tables":
        sql += " WHERE schema_name IN ('bronze', 'silver', 'gold') AND table_name <> 'alarm_event'"
    if name == "meta.quality" and phase != "first":
        # The program counts the repairs of the dumps that it reads, Spark those of all.
        sql += " WHERE action <> 'repair'"
    return {tuple(map(str, row)) for row in database.execute(sql).fetchall()}


def versions(lake: Path) -> dict[str, int]:
    """The versions of the tables that do not depend on the journal of alarms, which the program appends to."""
    names = [name for name in lakes.tables(str(lake), REFINED) if not name.partition(".")[2].startswith("alarm_")]
    return {name: lakes.open_table(str(lake), name).version() for name in names}


def refine(report: Report, phase: str, spark: Spark, lake: Path) -> str:
    begun = time.monotonic()
    code, output, log = spark.refine(lake)
    took = time.monotonic() - begun
    report.check(f"{phase}: Spark refines ({took:.0f} s)", code == 0, log)
    return output


def take_turns(report: Report, program: Path, spark: Spark, bucket: Path, lake: Path) -> None:
    """What one engine has refined, the other finds up to date."""
    before = versions(lake)
    said = refine(report, "again", spark, lake)
    report.check("again: no table changed", said.startswith("0 tables changed"), said)
    report.equal("again: no commit", versions(lake), before)
    balances = meta_rows(lake, "meta.runs", ("table_name", "file", "dump", "run"), "again")
    ingest(program, bucket, lake)
    report.equal("the program after Spark: no commit", versions(lake), before)
    after = meta_rows(lake, "meta.runs", ("table_name", "file", "dump", "run"), "again")
    report.equal("the program after Spark: no row balance differs", after, balances)


def redump(report: Report, program: Path, spark: Spark, bucket: Path, folder: Path) -> None:
    """A second dump of one day, refined by the program in one lake and by Spark in the other."""
    second, script = folder / "bucket2", Path(__file__).with_name("redump.py")
    subprocess.run([sys.executable, script, "--from", bucket, "--to", second], check=True, timeout=INGEST_S)
    ingest(program, second, folder / "program")
    copy_bronze(folder / "program", folder / "spark")
    refine(report, "redump", spark, folder / "spark")
    compare(report, "redump", folder / "program", folder / "spark")
    compare_meta(report, "redump", folder / "program", folder / "spark")


def simulate(program: Path, bucket: Path, days: int) -> Path:
    words = [program, "simulate", "--days", str(days), "--dirt", "usual", "--out", bucket]
    subprocess.run(words, check=True, timeout=INGEST_S, stdout=subprocess.DEVNULL)
    return bucket


def kill(report: Report, spark: Spark, lake: Path, count: int) -> None:
    chance = random.Random(SEED)
    killed = [spark.kill(lake, chance.uniform(*KILL_AFTER_S)) for _ in range(count)]
    report.check(f"Spark was killed {sum(killed)} times", not count or any(killed))


def refuse(report: Report, jars: Path, lake: Path) -> None:
    """Workers without the package: a clear error, and no cleaned table."""
    spark = Spark(jars, None)
    spark.worker = sys._base_executable
    code, _, log = spark.refine(lake)
    wanted = "install plant-cockpit"
    report.check("workers without the package are an error", code == 1 and wanted in log, log)
    cleaned = [name for name in lakes.tables(str(lake), ("silver",)) if name != "silver.alarm_event"]
    report.equal("workers without the package: tables", cleaned, [])


def change_by_hand(report: Report, program: Path, spark: Spark, bucket: Path, lake: Path) -> None:
    """Rows that another program deleted are an error of both engines; restored rows are none."""
    name = "silver/work_order"
    table = DeltaTable(str(lake / name))
    version = table.version()
    table.delete("work_order IS NOT NULL")
    code, _, log = spark.refine(lake)
    wanted = f"another program changed rows of silver.work_order (version {version + 1}, DELETE"
    report.check("a table changed by hand is an error of Spark", code == 1 and wanted in log, log)
    words = [program, "ingest", "--once", "--bucket", bucket, "--lake", lake]
    done = subprocess.run(words, text=True, capture_output=True, timeout=INGEST_S)
    report.check("a table changed by hand is an error of the program", done.returncode != 0 and wanted in done.stderr, done.stderr)
    DeltaTable(str(lake / name)).restore(version)
    refine(report, "restored", spark, lake)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--bucket", type=Path)
    parser.add_argument("--days", type=int)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--jars", type=Path, required=True)
    parser.add_argument("--remote")
    parser.add_argument("--short", action="store_true")
    arguments = parser.parse_args()
    program = arguments.cockpit.resolve()
    report, spark = Report(), Spark(arguments.jars, arguments.remote)
    with tempfile.TemporaryDirectory(prefix="spark-case-") as name:
        folder = Path(name)
        days = arguments.days
        bucket = simulate(program, folder / "bucket", days) if days else arguments.bucket.resolve()
        ingest(program, bucket, folder / "program")
        copy_bronze(folder / "program", folder / "spark")
        refuse(report, arguments.jars, folder / "spark")
        kill(report, spark, folder / "spark", arguments.kills)
        refine(report, "first", spark, folder / "spark")
        compare(report, "first", folder / "program", folder / "spark")
        compare_meta(report, "first", folder / "program", folder / "spark")
        take_turns(report, program, spark, bucket, folder / "spark")
        change_by_hand(report, program, spark, bucket, folder / "spark")
        compare(report, "restored", folder / "program", folder / "spark")
        if not arguments.short and not days:
            redump(report, program, spark, bucket, folder)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
