"""A topic into bronze and silver: what it costs the program, what Spark needs for the same topic, and
DuckDB and Polars for the same messages out of a file.

Promise: produces the messages once, reads them with the program to the end of the topic, checks that
every one of them has its fate, hands the same payloads to the others, refuses to compare what is not
equal, and prints cost and messages per CPU second of each. The program and those who read a file take
turns, for a shared machine is fast in one minute and slow in the next; of each the run of median CPU
time is printed, with the least and the greatest. The program reads over the network, keeps
each payload, and commits as often as it would in operation. So does Spark, if it is asked for by the
Python and the jars it runs with, in batches of its own. The others read a file and write Parquet.

    python bench_stream.py --cockpit BIN --brokers HOST:PORT --work DIR [--messages 8000000]
        [--rounds 5] [--spark PYTHON JARS]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable

import lake as lakes
from program import PLANT

HERE = Path(__file__).parent
FROM = "2026-11-20T00:00:00Z"
SENSORS = 20_000
STREAM = "silver/temperature.sql"
SPARK_TABLES = {"bronze": "bronze.temperature_message", "silver": "silver.temperature"}


def produce(cockpit: Path, brokers: str, messages: int) -> dict[str, Any]:
    plan = ["--sensors", str(SENSORS), "--from", FROM, "--messages", str(messages)]
    return cost("producer", [cockpit, "simulate", "--kafka", brokers, *plan], messages)


def read(name: str, cockpit: Path, brokers: str, lake: Path, plant: Path, messages: int) -> Any:
    shutil.rmtree(lake, ignore_errors=True)
    places = ["--kafka", brokers, "--lake", lake, "--plant", plant]
    found = cost(name, [cockpit, "ingest", "--once", *places], messages)
    return found | counts(lake)


def counts(lake: Path) -> dict[str, int]:
    names = ("bronze.temperature_message", "silver.temperature", "silver.rejected")
    return {name: rows(lakes.open_table(str(lake), name)) for name in names}


def rows(table: DeltaTable) -> int:
    files = table.file_uris()
    if not files:
        return 0
    found = duckdb.sql(f"SELECT count(*) FROM read_parquet({files})").fetchone()
    return found[0] if found else 0


def cost(name: str, command: list[Any], messages: int) -> dict[str, Any]:
    """Runs a program to its end and says what it took."""
    begun = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{name} ended with {process.returncode}")
    cpu_s = used.ru_utime + used.ru_stime
    return {
        "engine": name,
        "wall_s": round(time.perf_counter() - begun, 2),
        "cpu_s": round(cpu_s, 2),
        "peak_memory_mib": used.ru_maxrss // 1024,
        "per_cpu_s": round(messages / cpu_s),
    }


def without_gold(work: Path) -> Path:
    """The plant with the stream alone: no dumps, no gold."""
    plant = work / "plant"
    shutil.rmtree(plant, ignore_errors=True)
    for kept in ("plant.toml", "bronze/temperature_message.toml", STREAM):
        (plant / kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PLANT / kept, plant / kept)
    return plant


def dump(lake: Path, out: Path) -> None:
    """The payloads as lines of a file, in the order of partition and offset."""
    files = [str(f) for f in lakes.open_table(str(lake), "bronze.temperature_message").file_uris()]
    con = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    con.execute(
        f"""COPY (SELECT decode(payload) FROM read_parquet({files})) TO '{out}'
        (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"""
    )


def beside(work: Callable[..., None], *words: Any) -> None:
    """Does work in a process of its own: the system counts the memory this one had at its greatest for
    each program it starts."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=words)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"{work.__name__} ended with {process.exitcode}")


def engine(name: str, messages: Path, out: Path, count: int) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    found = cost(name, [sys.executable, HERE / f"bench_stream_{name}.py", messages, out], count)
    con = duckdb.connect()
    rows = con.sql(f"SELECT count(*) FROM '{out}/silver.parquet'").fetchone()
    return found | {"silver.temperature": rows[0] if rows else 0}


def spark(python: str, jars: str, brokers: str, out: Path, messages: int) -> dict[str, Any]:
    """Spark over the topic itself; its Java process is waited for and counts."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    script = HERE / "bench_stream_spark.py"
    found = cost("spark", [python, script, brokers, jars, out], messages)
    tables = SPARK_TABLES.items()
    return found | {name: rows(DeltaTable(str(out / folder))) for folder, name in tables}


def median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of median CPU time."""
    runs = sorted(runs, key=lambda run: run["cpu_s"])
    bounds = {"cpu_s_least": runs[0]["cpu_s"], "cpu_s_greatest": runs[-1]["cpu_s"]}
    return runs[len(runs) // 2] | bounds | {"runs": len(runs)}


def is_agreed(runs: list[dict[str, Any]], messages: int) -> bool:
    """Whether every run found what all others did, and lost nothing."""
    for run in runs:
        bronze = run.get("bronze.temperature_message", messages)
        rejected = run.get("silver.rejected", messages - run["silver.temperature"])
        if bronze != messages or run["silver.temperature"] + rejected != messages:
            print(f"the books do not close: {json.dumps(run)}")
            return False
    if len({run["silver.temperature"] for run in runs}) > 1:
        print("the engines do not agree on silver")
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--messages", type=int, default=8_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spark", nargs=2, metavar=("PYTHON", "JARS"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    place = (args.cockpit, args.brokers)
    costs = [produce(*place, args.messages)]
    stream = without_gold(args.work)
    costs.append(read("with gold", *place, args.work / "lake-gold", PLANT, args.messages))
    messages = args.work / "messages.jsonl"
    beside(dump, args.work / "lake-gold", messages)
    others = ("duckdb", "polars")
    rounds: dict[str, list[dict[str, Any]]] = {it: [] for it in ("cockpit", *others)}
    for _ in range(args.rounds):
        rounds["cockpit"].append(
            read("cockpit", *place, args.work / "lake", stream, args.messages)
        )
        for other in others:
            rounds[other].append(engine(other, messages, args.work / other, args.messages))
    costs += [median(runs) for runs in rounds.values()]
    if args.spark:
        costs.append(spark(*args.spark, args.brokers, args.work / "spark", args.messages))
    ours = next(cost for cost in costs if cost["engine"] == "cockpit")
    for cost in costs:
        cost["ratio"] = round(cost["per_cpu_s"] / ours["per_cpu_s"], 2)
        print(json.dumps(cost))
    runs = costs[1:] + [run for runs in rounds.values() for run in runs]
    return 0 if is_agreed(runs, args.messages) else 1


if __name__ == "__main__":
    sys.exit(main())
