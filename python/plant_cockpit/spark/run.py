"""One run: what every step works with, and the order of the steps."""

from __future__ import annotations

import logging
import re
import time
import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .._native import Plant, PlantError, __version__
from .delta import Change, CommitConflict, Lake, State, Table
from .lease import Lease
from .meta import Book

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger("plant_cockpit.spark")


class Run:
    """What the steps of one run work with."""

    def __init__(self, spark: SparkSession, plant: Plant, lake: Lake, lease: Lease, run: str, now_ms: int) -> None:
        self.spark = spark
        self.plant = plant
        self.lake = lake
        self.id = run
        self.now_ms = now_ms
        self.today: date = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(plant.zone)).date()
        self.notes: list[str] = []
        self.book = Book()
        self._lease = lease

    def statement(self, name: str) -> str:
        """The statement of a table with the values of its parameters."""
        return self.plant.statement(name, self.today)

    def read(self, name: str, state: State) -> DataFrame:
        """A table as it was at ``state``."""
        reader = self.spark.read.format("delta").option("versionAsOf", state.version)
        return reader.load(self.lake.table(name).spark_path)

    def pin(self, rows: DataFrame, state: State | None) -> DataFrame:
        """The rows in the types that the table has."""
        if state is None:
            return rows
        kinds = state.columns()
        fits = set(kinds) == set(rows.columns)
        return rows.selectExpr(*[f"CAST(`{it}` AS {kinds[it]}) AS `{it}`" for it in rows.columns]) if fits else rows

    def commit(self, table: Table, state: State | None, change: Change) -> None:
        """Commits a change. On a conflict the files are deleted, and the error names the remedy."""
        self._lease.check()
        try:
            version = table.commit(state, change, int(time.time() * 1000))
        except CommitConflict:
            table.discard(change.adds)
            raise
        log.info("committed table=%s version=%d files=%d", table.name, version, len(change.adds))

    def try_commit(self, table: Table, state: State | None, change: Change, is_last: bool) -> bool:
        """Commits a change. Returns ``False`` on a conflict, unless it is the last attempt."""
        try:
            self.commit(table, state, change)
        except CommitConflict:
            if is_last:
                raise
            return False
        return True

    def check_writer(self, name: str) -> None:
        """Raises an error if a newer version has written a table: it may know rules that this one does not."""
        state = self.lake.table(name).load()
        if state is not None and state.writer is not None and _parts(state.writer) > _parts(__version__):
            raise PlantError(
                f"{name} was written by version {state.writer}, and this is plant-cockpit {__version__}: install "
                f"plant-cockpit {state.writer} here and on every worker; the table is as it was"
            )

    def check_rows(self, name: str) -> None:
        """Raises an error if another program has changed rows of a table."""
        table = self.lake.table(name)
        state = table.load()
        if state is not None:
            table.refuse_foreign_changes(state)

    def note(self, text: str) -> None:
        """Adds a remark to the result."""
        self.notes.append(text)
        log.warning("%s", text)


def explain(error: Exception, table: str) -> PlantError | None:
    """The error of a worker in one sentence, if its cause is known. The text of Spark is a trace of two languages."""
    text = str(error)
    missing = re.search(r"No module named '(\w+)", text)
    if missing is not None:
        name = missing[1]
        return PlantError(
            f"{table}: a worker of Spark has no Python module `{name}`: install plant-cockpit {__version__} on every "
            "worker; the table is as it was"
        )
    own = re.search(r"\bPlantError: (.*)", text)
    return None if own is None else PlantError(f"{table}: {own[1]}; the table is as it was")


def _parts(version: str) -> list[int]:
    return [int(it) for it in re.findall(r"\d+", version)]


def new_id() -> str:
    """The identity of a run, in the names of its files."""
    return uuid.uuid4().hex


def order(plant: Plant) -> list[str]:
    """The tables of a plant, upstreams first."""
    models, done = plant.models, []

    def visit(name: str) -> None:
        if name in models and name not in done:
            for upstream in models[name].upstreams:
                visit(upstream)
            done.append(name)

    for name in models:
        visit(name)
    return done
