"""Quality gate: fails if the share of rejected records of a table is above the limit."""

import argparse
import sys

from plant_cockpit.spark.delta import Lake
from pyspark.sql import SparkSession

parser = argparse.ArgumentParser()
parser.add_argument("--lake", required=True)
parser.add_argument("--reject-at-most", type=float, default=0.2)
arguments = parser.parse_args()

spark, lake = SparkSession.builder.getOrCreate(), Lake(arguments.lake)
rejected = spark.read.format("delta").load(lake.table("silver.rejected").spark_path)
failed = []
for row in rejected.groupBy("table_name").count().collect():
    stored = spark.read.format("delta").load(lake.table(f"silver.{row[0]}").spark_path).count()
    share = row[1] / (row[1] + stored)
    print(f"silver.{row[0]}: {row[1]} rejected, {share:.2%}")
    if share > arguments.reject_at_most:
        failed.append(row[0])
sys.exit(f"too many rejected records: {', '.join(failed)}" if failed else 0)
