"""Silver and gold up to bronze, with the session of the cluster."""

import argparse
import logging

from plant_cockpit.spark import refine
from pyspark.sql import SparkSession

parser = argparse.ArgumentParser()
parser.add_argument("--plant")
parser.add_argument("--lake", required=True)
arguments = parser.parse_args()

logging.basicConfig(level=logging.INFO)
refined = refine(SparkSession.builder.getOrCreate(), arguments.plant, arguments.lake)
print(f"{len(refined.changed)} tables changed, {len(refined.unchanged)} unchanged")
for note in refined.notes:
    print(note)
