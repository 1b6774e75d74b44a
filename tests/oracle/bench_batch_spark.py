"""The refining of the two big dumps, as one would write it with Spark.

Promise: reads with types, keeps the last record of each key, counts the boards of surface 1 by day,
hour, station and work order, writes silver and gold as Parquet; prints cost and checksum as JSON. The CPU time and
the peak memory are those of Python and Java together, start included.

    ORACLE_PACKAGES=DIR python bench_batch_spark.py --bucket DIR --out DIR

ORACLE_PACKAGES is the folder of the oracle's packages, which hold the client of Spark Connect under the name of Spark:
they are searched after those of the Python that runs this.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

sys.path.append(os.environ["ORACLE_PACKAGES"])

import duckdb

import bench
import raw
from bench_stream_spark import peak_mib

WHOLE = {"Id", "Status", "Deviation", "ReInspectionNeeded", "RoutingStatus", "CavityID"}
HEAP = "6g"
SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.memory": HEAP,
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
STAMP = "yyyy-MM-dd HH:mm:ss"
UNKNOWN = ", ".join(f"'{word}'" for word in bench.UNKNOWN)


def known(column: str) -> str:
    return f"CASE WHEN {column} NOT IN ({UNKNOWN}) THEN {column} END"


def utc(moment: str) -> str:
    return f"{moment} - INTERVAL {bench.OFFSET_MIN} MINUTE"


def last_of(frame: DataFrame, key: str) -> DataFrame:
    """The last record of each key, in the order of the file."""
    placed = frame.selectExpr("*", "monotonically_increasing_id() AS place")
    newest = placed.groupBy(key).agg({"place": "max"}).withColumnRenamed("max(place)", "place")
    return placed.join(newest, [key, "place"])


def board_result(spark: SparkSession, bucket: Path) -> DataFrame:
    fields = ", ".join(f"`{name}` STRING" for name in raw.RESULTS)
    read = spark.read.schema(fields).option("escape", '"').csv(str(bucket / bench.RESULTS))
    typed = [
        f"CAST({known(name)} AS BIGINT) AS {name}" if name in WHOLE else f"{known(name)} AS {name}" for name in raw.RESULTS
    ]
    records = last_of(read.selectExpr(*typed), "Id")
    local, modified = (f"to_timestamp({name}, '{STAMP}')" for name in ("InspectionDate", "LastModifiedDate"))
    return records.selectExpr(
        *("Id AS result_id", "Status AS status", "BoardId AS board_id", "BatchId AS batch_id"),
        *("WorkOrderId AS work_order", "RoutingStageId AS routing_stage_id", "SubWorkCenter AS station"),
        *("Operator AS operator", "Deviation AS deviation", f"{utc(local)} AS inspected_at"),
        *(f"CAST({local} AS DATE) AS day_local", f"CAST(hour({local}) AS BIGINT) AS hour_local"),
        f"CASE WHEN hour({local}) >= 9 AND hour({local}) < 21 THEN 'G' END AS shift",
        f"{utc(modified)} AS modified_at",
        *("ReInspectionNeeded = 1 AS needs_reinspection", "RoutingStatus AS routing_status"),
    )


def routing_stage(spark: SparkSession, bucket: Path) -> DataFrame:
    records = last_of(spark.read.parquet(str(bucket / bench.STAGES)), "id")
    return records.selectExpr(
        *("id AS routing_stage_id", f"{known('BatchId')} AS batch_id", f"{known('WorkOrderId')} AS work_order"),
        *(f"{known('Name')} AS name", "Surface AS surface", "OperationNo AS operation_no"),
        *("NextOperationNo AS next_operation_no", "PreviousOperationNo AS previous_operation_no"),
        *("EstimatedTime AS estimated_time", "IsOptionalStage = 1 AS is_optional"),
        f"{utc('CAST(StartTime AS TIMESTAMP)')} AS stage_started_at",
    )


def refine(spark: SparkSession, bucket: Path, out: Path) -> None:
    boards, stages, gold = (str(out / f"{name}.spark") for name in bench.OUTPUTS)
    board_result(spark, bucket).write.mode("overwrite").parquet(boards)
    routing_stage(spark, bucket).write.mode("overwrite").parquet(stages)
    made = spark.read.parquet(stages).where("surface = 1").select("routing_stage_id")
    joined = spark.read.parquet(boards).join(made, "routing_stage_id")
    hours = joined.groupBy("day_local", "hour_local", "station", "work_order").count()
    hours.withColumnRenamed("count", "actual").write.mode("overwrite").parquet(gold)


def main(bucket: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    builder = SparkSession.builder.appName("batch")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    gateway = spark.sparkContext._gateway
    refine(spark, bucket, out)
    peak = peak_mib(gateway.proc.pid)
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    wall_s = time.perf_counter() - begun
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cost = {
        "engine": "spark",
        "wall_s": round(wall_s, 2),
        "cpu_s": round(sum(part.ru_utime + part.ru_stime for part in parts), 2),
        "peak_memory_mib": peak,
    }
    con = duckdb.connect()
    for name in bench.OUTPUTS:
        rows = f"'{out}/{name}.spark/*.parquet'"
        con.execute(f"COPY (FROM {rows}) TO '{out}/{name}.parquet' (FORMAT parquet)")
        shutil.rmtree(out / f"{name}.spark")
    print(json.dumps(cost | bench.result(out)), flush=True)


if __name__ == "__main__":
    if sys.argv[1::2] != ["--bucket", "--out"]:
        sys.exit(__doc__)
    main(Path(sys.argv[2]), Path(sys.argv[4]))
