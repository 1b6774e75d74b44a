"""Rows as Parquet files of a table, written by Spark and not yet committed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .delta import DataFile, Lake, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: Settings of the session while it refines. Times are UTC, in microseconds.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.databricks.delta.formatCheck.enabled": "false",
}

#: Folders of files that Spark writes, below that of their table.
FOLDER = "spark-"


def write(spark: SparkSession, lake: Lake, table: Table, frame: DataFrame, run: str) -> list[DataFile]:
    """Writes rows into files of their own; a commit makes them part of the table."""
    folder = f"{FOLDER}{run}"
    path = f"{table.spark_path}/{folder}"
    writer = frame.write.mode("overwrite").option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    writer.parquet(path)
    written = spark.read.schema(frame.schema).parquet(path)
    counted = written.groupBy("_metadata.file_name", "_metadata.file_size").count().collect()
    files = [DataFile(f"{folder}/{row[0]}", row[1], row[2]) for row in counted]
    kept = {f"{table.folder}/{file.path}" for file in files}
    for key, _ in lake.store.list(f"{table.folder}/{folder}"):
        if key not in kept:
            lake.store.delete(key)
    return files


def delete_uncommitted(lake: Lake, table: Table) -> None:
    """Deletes the files of runs that ended without a commit. Call it with the lease only.

    Files that a commit has removed are kept for readers of older versions; they are deleted once the log no longer
    lists them.
    """
    found = [key for key, _ in lake.store.list(table.folder) if f"/{FOLDER}" in key]
    if not found:
        return
    logged = _logged(lake, table)
    for key in found:
        if key.removeprefix(f"{table.folder}/") not in logged:
            lake.store.delete(key)


def _logged(lake: Lake, table: Table) -> set[str]:
    """The paths of files of Spark in the entries of the log, and the active ones."""
    state = table.load()
    logged = set() if state is None else {file.path for file in state.files()}
    for key, _ in lake.store.list(f"{table.folder}/_delta_log"):
        content = lake.store.get(key) if key.endswith(".json") else None
        if content is None or FOLDER.encode() not in content:
            continue
        for line in content.splitlines():
            action = json.loads(line)
            file = action.get("add") or action.get("remove")
            if file is not None:
                logged.add(file["path"])
    return logged


def digest(frame: DataFrame) -> tuple[int, int, int]:
    """Count and two order-independent hashes of rows: equal for the same rows, each as often."""
    from pyspark.sql import functions as f

    # The hash of a null is that of no column, so whether a value is null is hashed, too.
    values = [it for name in frame.columns for it in (f.col(f"`{name}`"), f.col(f"`{name}`").isNull())]
    hashed = frame.select(f.xxhash64(*values).alias("a"), f.xxhash64(f.lit(1), *values).alias("b"))
    sums = [f.sum(f.col(name).cast("decimal(38,0)")) for name in ("a", "b")]
    row = hashed.agg(f.count(f.lit(1)), *sums).collect()[0]
    return (row[0], int(row[1] or 0), int(row[2] or 0))
