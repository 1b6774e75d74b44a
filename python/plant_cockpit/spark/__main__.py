"""``python -m plant_cockpit.spark --plant DIR --lake URL [--remote sc://HOST]``: refines a lake on Spark."""

from __future__ import annotations

import argparse
import logging
import sys

from .._native import PlantError, load_plant
from . import CommitConflict, LeaseHeld, LeaseLost, find_differences, refine


def main() -> int:
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if arguments.check:
        return check(arguments.plant)
    if arguments.lake is None:
        print("--lake is missing: a folder or s3://bucket/prefix", file=sys.stderr)
        return 2
    try:
        spark = _session(arguments)
        refined = refine(spark, arguments.plant, arguments.lake, spark_url=arguments.spark_url)
    except (PlantError, CommitConflict, LeaseHeld, LeaseLost) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(refined.changed)} tables changed, {len(refined.unchanged)} unchanged")
    for name, reason in refined.skipped.items():
        print(f"skipped {name}: {reason}")
    return 0


def check(folder: str | None) -> int:
    """Prints what Spark reads differently in the statements of a plant."""
    count = 0
    for name, model in load_plant(folder).models.items():
        for found in find_differences(model.sql):
            count += 1
            print(f"{name.replace('.', '/')}.sql:{found.line}: {found.message}; {found.remedy}")
    print(f"{count} differences")
    return 1 if count else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m plant_cockpit.spark", description="Refines a lake on Spark.")
    parser.add_argument("--plant", help="plant folder; without it the reference plant")
    parser.add_argument("--lake", help="folder or s3://bucket/prefix")
    parser.add_argument("--spark-url", help="address of the lake in Spark, if it differs")
    parser.add_argument("--remote", help="Spark Connect: sc://HOST[:PORT][/;token=...]")
    parser.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE", help="setting of the session")
    parser.add_argument("--check", action="store_true", help="list what Spark reads differently, and end")
    return parser


def _session(arguments: argparse.Namespace):  # noqa: ANN202
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("plant-cockpit")
    if arguments.remote:
        builder = builder.remote(arguments.remote)
    else:
        builder = builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        catalog = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        builder = builder.config("spark.sql.catalog.spark_catalog", catalog)
    for setting in arguments.conf:
        name, _, value = setting.partition("=")
        builder = builder.config(name, value)
    return builder.getOrCreate()


if __name__ == "__main__":
    sys.exit(main())
