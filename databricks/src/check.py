"""Landing check: the plant folder has no mistakes, its statements mean the same on Spark, and bronze exists."""

import argparse
import sys

import plant_cockpit
from plant_cockpit.spark import find_differences
from plant_cockpit.spark.delta import Lake

parser = argparse.ArgumentParser()
parser.add_argument("--plant")
parser.add_argument("--lake", required=True)
arguments = parser.parse_args()

found = [repr(it) for it in plant_cockpit.check(arguments.plant)]
plant = plant_cockpit.load_plant(arguments.plant)
for name, model in plant.models.items():
    found += [f"{name}:{it.line}: {it.message}; {it.remedy}" for it in find_differences(model.sql)]
lake = Lake(arguments.lake)
if not any(lake.table(f"bronze.{name}").load() for name in plant.contracts):
    found.append(f"{arguments.lake} has no bronze table: land dumps with `cockpit ingest` first")
print("\n".join(found) or "the plant folder and bronze can be refined")
sys.exit(1 if found else 0)
