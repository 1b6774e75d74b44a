"""Registers the tables of a lake in Unity Catalog as external tables."""

import argparse

from plant_cockpit import load_plant
from plant_cockpit.spark.register import statements
from pyspark.sql import SparkSession

parser = argparse.ArgumentParser()
parser.add_argument("--plant")
parser.add_argument("--lake", required=True)
parser.add_argument("--catalog", required=True)
arguments = parser.parse_args()

spark = SparkSession.builder.getOrCreate()
for statement in statements(load_plant(arguments.plant), arguments.lake, arguments.catalog):
    spark.sql(statement)
