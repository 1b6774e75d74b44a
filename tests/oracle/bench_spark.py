"""The cost of refining on Spark, of cleaning through Arrow, and of the client.

Promise: --rows records with the usual dirt land in bronze; `plant_cockpit.spark` and a job that is written by hand with
the functions of Spark (types, times, rejected records, the newest record of a key) make the same table from it, row by
row, and refuse the same records. Then the CPU time of both, start included, the CPU time of `Cleaner.clean` on the
batches of bronze beside that of the program, and the time in which the client has all rows as a Polars frame.

    python bench_spark.py --cockpit BIN --jars DIR --rows 10000000
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import plant_cockpit
import pyarrow.parquet as pq

import lake as lakes
from checks import Report
from spark_case import SETTINGS, Spark

TICKS = os.sysconf("SC_CLK_TCK")
DUMPS = 10
LIMIT_S = 3600
REPEATED, DIRTY = 50, 20
"""One record in so many repeats the key of an earlier one, or has a value that cannot be read."""

FILES = {
    "plant.toml": 'name = "Bench"\nzone = "UTC"\n',
    "bronze/result.toml": """description = "Results."
source = "mes"
paths = ["result/*.csv"]
format = "delimited"
delimiter = ","
header = true
supersede = "key"
nulls = ["", "None"]
columns = [
    { name = "id", type = "int", required = true },
    { name = "at", type = "time", formats = ["yyyy-MM-dd HH:mm:ss", "yyyy/MM/dd HH:mm:ss"], required = true },
    { name = "station", type = "text" },
    { name = "qty", type = "int", required = true },
    { name = "weight", type = "float" },
]
""",
    "silver/result.sql": """-- Results.
--
-- key: id
-- column id [1]: Number.
-- column at: When.
-- column station: Where.
-- column qty [1]: Quantity.
-- column weight [kg]: Weight.
SELECT id, at, station, qty, weight FROM typed.result
""",
}

BY_HAND = """
import sys
from pyspark.sql import SparkSession, Window, functions as f
lake, out = sys.argv[1:3]
builder = SparkSession.builder
for setting in sys.argv[3:]:
    name, _, value = setting.partition("=")
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
bronze = spark.read.format("delta").load(f"{lake}/bronze/result")
known = lambda name: f.when(~f.trim(name).isin("", "None"), f.trim(name))
at = "coalesce(try_to_timestamp(at_text, 'yyyy-MM-dd HH:mm:ss'), try_to_timestamp(at_text, 'yyyy/MM/dd HH:mm:ss'))"
texts = bronze.select("_file", "_record", "_dumped_at", "_modified_at", "_ingested_at",
                      *[known(it).alias(f"{it}_text") for it in ("id", "at", "station", "qty", "weight")])
typed = texts.selectExpr("*", "try_cast(id_text AS BIGINT) AS id", f"{at} AS at", "station_text AS station",
                         "try_cast(qty_text AS BIGINT) AS qty", "try_cast(weight_text AS DOUBLE) AS weight")
wrong = f.lit(None).cast("string")
for column in ("qty", "at", "id"):
    wrong = f.when(f.col(column).isNull(), f.lit(column)).otherwise(wrong)
judged = typed.withColumn("wrong", wrong).persist()
rejected = judged.where("wrong IS NOT NULL").select("_file", "_record", "wrong")
rejected.write.format("delta").save(f"{out}/rejected")
newest = Window.partitionBy("id").orderBy(f.desc("_dumped_at"), f.desc("_modified_at"), f.desc("_ingested_at"), f.desc("_record"))
kept = judged.where("wrong IS NULL").withColumn("place", f.row_number().over(newest)).where("place = 1")
kept.select("id", "at", "station", "qty", "weight", "_file", "_record").write.format("delta").save(f"{out}/result")
"""


def write(folder: Path, rows: int) -> None:
    """The plant, and dumps of which each is a second younger than the one before."""
    for name, text in FILES.items():
        path = folder / "plant" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "bucket" / "result").mkdir(parents=True)
    database = duckdb.connect()
    for dump in range(DUMPS):
        first, last = dump * rows // DUMPS, (dump + 1) * rows // DUMPS
        path = folder / "bucket" / "result" / f"{dump:03}.csv"
        database.execute(f"""COPY (SELECT
            CASE WHEN n % {REPEATED} = 1 THEN n // 2 ELSE n END AS id,
            CASE WHEN n % {DIRTY} = 3 THEN 'yesterday' WHEN n % 2 = 0
                THEN strftime(TIMESTAMP '2026-01-01' + to_seconds(n), '%Y/%m/%d %H:%M:%S')
                ELSE strftime(TIMESTAMP '2026-01-01' + to_seconds(n), '%Y-%m-%d %H:%M:%S') END AS at,
            CASE WHEN n % 7 = 0 THEN 'None' ELSE 'S' || n % 40 END AS station,
            CASE WHEN n % {DIRTY} = 7 THEN 'many' ELSE CAST(n % 100 AS VARCHAR) END AS qty,
            CAST(n % 1000 / 8.0 AS VARCHAR) AS weight
            FROM range({first}, {last}) r(n)) TO '{path}' (HEADER)""")
        os.utime(path, (1_700_000_000 + dump, 1_700_000_000 + dump))


def cpu_s(session: int) -> float:
    """The CPU seconds of all processes of a session, with those that they have waited for."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(values[3]) == session:
            total += sum(map(int, values[11:15]))
    return total / TICKS


def measured(words: list[str], environment: dict[str, str], log: Path) -> tuple[float, float, int]:
    """CPU seconds and seconds of a command with its children, and its exit code."""
    begun, used = time.monotonic(), 0.0
    with log.open("w") as out:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=out, start_new_session=True)
        while process.poll() is None and time.monotonic() - begun < LIMIT_S:
            used = max(used, cpu_s(process.pid))
            time.sleep(0.1)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return used, time.monotonic() - begun, process.wait()


def same(report: Report, lake: Path, hand: Path) -> None:
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    own = lakes.read(str(lake), "silver.result")
    names = 'id, "at", station, qty, weight, _file, _record'
    compared = {
        "rows": (own, lakes.read(str(hand.parent), f"{hand.name}.result"), names, names),
        "rejected records": (
            lakes.read(str(lake), "silver.rejected"),
            lakes.read(str(hand.parent), f"{hand.name}.rejected"),
            "_file, _record, column_name",
            "_file, _record, wrong",
        ),
    }
    for what, (left, right, of_left, of_right) in compared.items():
        database.register("l", left)
        database.register("r", right)
        pair = [f"SELECT {of_left} FROM l", f"SELECT {of_right} FROM r"]
        differ = [database.execute(f"SELECT count(*) FROM ({a} EXCEPT ALL {b})").fetchone() for a, b in (pair, pair[::-1])]
        report.check(f"{what}: {left.num_rows} are equal", differ == [(0,), (0,)], f"{differ} of {right.num_rows}")


def through_arrow(lake: Path, plant: Path) -> tuple[float, int]:
    """CPU seconds of `Cleaner.clean` on the batches of bronze, and their records."""
    loaded = plant_cockpit.load_plant(plant)
    cleaner = plant_cockpit.Cleaner(loaded, "result", key=["id"])
    used, records = 0.0, 0
    for file in lakes.open_table(str(lake), "bronze.result").file_uris():
        for batch in pq.ParquetFile(file).iter_batches(8_192):
            begun = time.process_time()
            records += len(cleaner.clean(batch))
            used += time.process_time() - begun
    return used, records


def in_program(program: Path, folder: Path) -> str:
    """What cleaning costs in the program, from `--timings` of a second lake."""
    words = [program, "ingest", "--once", "--timings", "--plant", folder / "plant"]
    words += ["--bucket", folder / "bucket", "--lake", folder / "timed"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    lines = [it for it in (done.stdout + done.stderr).splitlines() if re.search(r"clean|interpret|typ", it)]
    return "\n".join(lines)


def client(report: Report, program: Path, folder: Path, rows: int) -> None:
    words = [program, "serve", "--no-ingest", "--listen", "127.0.0.1:0", "--plant", folder / "plant"]
    environment = os.environ | {"COCKPIT_FILE_ROWS_MAX": str(2 * rows)}
    with subprocess.Popen(
        [*words, "--lake", folder / "timed"], stdout=subprocess.PIPE, text=True, env=environment, cwd=folder
    ) as service:
        try:
            url = (service.stdout.readline() if service.stdout else "").rpartition(" ")[2].strip()
            own = plant_cockpit.Cockpit(url, timeout_s=LIMIT_S)
            begun = time.monotonic()
            frame = own.query_polars("SELECT id, at, station, qty, weight FROM silver.result")
            print(f"client: {frame.height} rows into Polars in {time.monotonic() - begun:.2f} s")
            report.check("the client has the rows", frame.height > rows // 2, str(frame.height))
        finally:
            service.terminate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--jars", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    report, program = Report(), args.cockpit.resolve()
    with tempfile.TemporaryDirectory(prefix="bench-spark-", dir=args.folder) as name:
        folder = Path(name)
        write(folder, args.rows)
        lake, hand = folder / "lake", folder / "hand"
        land = [program, "ingest", "--once", "--only", "land", "--plant", folder / "plant", "--bucket", folder / "bucket"]
        subprocess.run([*land, "--lake", lake], check=True, timeout=LIMIT_S, stdout=subprocess.DEVNULL)
        spark = Spark(args.jars, None)
        environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
        own = [sys.executable, "-m", "plant_cockpit.spark", "--plant", str(folder / "plant"), "--lake", str(lake)]
        own_cpu, own_s, code = measured([*own, *spark.words], environment, folder / "own.log")
        report.equal("plant_cockpit.spark ends", code, 0)
        (folder / "by_hand.py").write_text(BY_HAND)
        settings = [f"{key}={value}" for key, value in (SETTINGS | {"spark.jars": spark.jars}).items()]
        by_hand = [sys.executable, str(folder / "by_hand.py"), str(lake), str(hand), *settings]
        hand_cpu, hand_s, code = measured(by_hand, environment, folder / "hand.log")
        report.check("the job by hand ends", code == 0, (folder / "hand.log").read_text()[-2000:])
        same(report, lake, hand)
        print(f"Spark, {args.rows} records: plant_cockpit {own_cpu:.1f} CPU s in {own_s:.1f} s, "
              f"by hand {hand_cpu:.1f} CPU s in {hand_s:.1f} s: {own_cpu / hand_cpu:.2f} times")
        arrow_s, records = through_arrow(lake, folder / "plant")
        lines = in_program(program, folder)
        print(f"clean through Arrow: {records} records in {arrow_s:.2f} CPU s; in the program:\n{lines}")
        client(report, program, folder, args.rows)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
