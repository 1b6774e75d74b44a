"""Silver and gold on Apache Spark, by the rules of the program.

``refine`` brings the tables of a lake up to bronze on any Spark 4: a session of its own, Spark Connect, or Databricks.
Workers clean records with the program's own code, so the package must be installed there, too. The program and Spark
can take turns on one lake: both hold the same lease and continue from the same checkpoints.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._native import Plant, find_differences, load_plant
from . import files, gold, meta, silver
from .delta import CommitConflict, Lake
from .dialect import translate
from .lease import Lease, LeaseHeld, LeaseLost
from .run import Run, explain, new_id, order

if TYPE_CHECKING:
    from os import PathLike

    from pyspark.sql import SparkSession

__all__ = [
    "CommitConflict",
    "LeaseHeld",
    "LeaseLost",
    "Refined",
    "find_differences",
    "refine",
    "translate",
]


@dataclass
class Refined:
    """The result of a run."""

    #: Tables whose rows changed.
    changed: list[str] = field(default_factory=list)
    #: Tables that had their rows already.
    unchanged: list[str] = field(default_factory=list)
    #: Tables that only the program refines, with the reason.
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def refine(
    spark: SparkSession,
    plant: Plant | str | PathLike[str] | None,
    lake: str,
    *,
    spark_url: str | None = None,
    tables: list[str] | None = None,
) -> Refined:
    """Brings silver and gold up to bronze.

    ``plant`` is a plant or its folder, without one the reference plant. ``lake`` is a folder or ``s3://bucket/prefix``;
    ``spark_url`` is its address in Spark if that is another one. ``tables`` restricts the run to some tables. Tables
    of streams stay with the program, which commits them with their offsets.
    """
    plant = plant if isinstance(plant, Plant) else load_plant(plant)
    place, run_id, now_ms = Lake(lake, spark_url), new_id(), int(time.time() * 1000)
    refined = Refined()
    before = {name: spark.conf.get(name, None) for name in files.SETTINGS}
    for name, value in files.SETTINGS.items():
        spark.conf.set(name, value)
    try:
        with Lease(place.store, run_id) as lease:
            run = Run(spark, plant, place, lease, run_id, now_ms)
            for name in order(plant):
                if tables is None or name in tables:
                    _refine_table(run, name, refined)
            meta.write(run)
            refined.notes = run.notes
    finally:
        for name, old in before.items():
            spark.conf.unset(name) if old is None else spark.conf.set(name, old)
    return refined


def _refine_table(run: Run, name: str, refined: Refined) -> None:
    cleans = run.plant.models[name].cleans
    if cleans is not None and run.plant.contract(cleans).is_stream:
        refined.skipped[name] = "its records are messages, which the program lands with their offsets"
        return
    run.check_writer(name)
    run.check_rows(name)
    if cleans is not None:
        run.check_rows(f"bronze.{cleans}")
    step = gold.refine if cleans is None else silver.refine
    try:
        is_changed = step(run, name)
    except Exception as error:
        known = explain(error, name)
        if known is None:
            raise
        raise known from error
    if is_changed:
        run.book.changed.setdefault(name, (0, {}))
    (refined.changed if is_changed else refined.unchanged).append(name)
