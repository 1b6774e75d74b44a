"""A topic into bronze and silver, as one would write it with Spark Structured Streaming and Delta Lake.

Promise: reads the topic from its beginning to its end in batches, lands each message as it is, reads time
by its four formats, leaves out what the plant's rules leave out and what repeats a reading of this batch
or an earlier one, and writes both tables under the number of the batch, so that a batch that is tried
again lands once. Waits for its Java process, whose CPU time then counts as its own; prints its own figures
of that process as JSON.

    python bench_stream_spark.py BROKERS JARS OUT
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

TOPIC = "IOTTemperatureStream01"
APP = "temperature"
BATCH_MESSAGES = 1_000_000
HEAP = "4g"
BRONZE = ["payload", "topic", "partition", "offset", "timestamp"]
KEY = ["sensor", "at", "temp_c"]
SETTINGS = {
    "spark.driver.memory": HEAP,
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
MESSAGE = (
    "plant_name STRING, lane_number STRING, timestamp STRING, temperature STRING, "
    "component_info STRUCT<component_type: STRING, component_manufacturer: STRING>"
)
AT = """CASE WHEN length(m.timestamp) = 14 THEN try_to_timestamp(m.timestamp, 'yyyyMMddHHmmss')
    WHEN contains(m.timestamp, '-') THEN try_to_timestamp(m.timestamp, 'yyyy-MM-dd HH:mm:ss')
    WHEN contains(m.timestamp, '/') THEN try_to_timestamp(m.timestamp, 'yyyy/MM/dd HH:mm:ss')
    ELSE timestamp_seconds(try_cast(m.timestamp AS BIGINT)) END"""
SAID = {
    "plant": "m.plant_name",
    "lane": "m.lane_number",
    "component": "m.component_info.component_type",
    "manufacturer": "m.component_info.component_manufacturer",
}
"""Where a message says which sensor speaks."""
UNKNOWN = "('', 'None', 'NULL', 'null')"
RULES = """plant IS NOT NULL AND lane IS NOT NULL AND component IS NOT NULL
    AND manufacturer IS NOT NULL AND at IS NOT NULL AND temp_c BETWEEN -50 AND 300
    AND year(at) >= 2015 AND at <= timestamp + INTERVAL 1 HOUR"""


def session(jars: Path) -> SparkSession:
    builder = SparkSession.builder.master("local[2]").appName(APP)
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    found = ",".join(str(jar) for jar in sorted(jars.glob("*.jar")))
    return builder.config("spark.jars", found).getOrCreate()


def typed(batch: DataFrame) -> DataFrame:
    """Messages as they came, and beside them the columns of a reading."""
    payload = f.col("value").alias("payload")
    came = batch.select(payload, *BRONZE[1:])
    read = came.select("*", f.from_json(f.col("payload").cast("string"), MESSAGE).alias("m"))
    columns = [
        f.expr(f"CASE WHEN {way} NOT IN {UNKNOWN} THEN {way} END").alias(name)
        for name, way in SAID.items()
    ]
    temp_c = f.expr("try_cast(m.temperature AS DOUBLE)").alias("temp_c")
    return read.select(*BRONZE, *columns, f.expr(AT).alias("at"), temp_c)


def silver(messages: DataFrame) -> DataFrame:
    """The readings among messages, each once."""
    sensor = f.concat_ws(".", *SAID).alias("sensor")
    readings = messages.where(RULES).select(sensor, *SAID, "at", "temp_c")
    return readings.dropDuplicates(KEY)


def unknown(spark: SparkSession, readings: DataFrame, table: str) -> DataFrame:
    """Those that no earlier batch has landed. Only files that may hold one of their moments are read."""
    if not Path(table, "_delta_log").is_dir():
        return readings
    first = readings.agg(f.min("at")).first()
    known = spark.read.format("delta").load(table).select(*KEY)
    if first and first[0]:
        known = known.where(f.col("at") >= f.lit(first[0]))
    return readings.join(known, KEY, "left_anti")


def run(spark: SparkSession, brokers: str, out: Path, landed: Callable[[], None]) -> None:
    """Reads to the end of the topic; `landed` is called after each batch."""
    bronze_table, silver_table = str(out / "bronze"), str(out / "silver")

    def write(rows: DataFrame, table: str, number: int) -> None:
        once = rows.write.format("delta").mode("append")
        once.option("txnAppId", APP).option("txnVersion", number).save(table)

    def land(batch: DataFrame, number: int) -> None:
        # Both tables are made of them, and no message is to be fetched and read twice.
        messages = typed(batch).persist()
        bronze = messages.select(*BRONZE, f.to_date("timestamp").alias("day"))
        write(bronze, bronze_table, number)
        write(unknown(spark, silver(messages), silver_table), silver_table, number)
        messages.unpersist()
        landed()

    stream = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", brokers)
        .option("subscribe", TOPIC)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", BATCH_MESSAGES)
        .load()
    )
    begun = stream.writeStream.foreachBatch(land).trigger(availableNow=True)
    begun.option("checkpointLocation", str(out / "checkpoint")).start().awaitTermination()


def cpu_s(process_id: int) -> float:
    """CPU time a process has used so far, by the kernel's own word."""
    used = Path(f"/proc/{process_id}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(process_id: int) -> int:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def main(brokers: str, jars: str, out: str) -> None:
    spark = session(Path(jars))
    gateway = spark.sparkContext._gateway
    java = gateway.proc.pid
    spent = [cpu_s(java)]
    run(spark, brokers, Path(out), lambda: spent.append(cpu_s(java)))
    figures = {
        "java_cpu_s": round(cpu_s(java), 1),
        "of_start_and_each_batch": [
            round(after - before, 1) for before, after in pairwise([0, *spent])
        ],
        "java_peak_mib": peak_mib(java),
    }
    print(json.dumps(figures), file=sys.stderr, flush=True)
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
