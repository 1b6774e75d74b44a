"""Tables derived from others by the statements of the plant, and the time ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from .._native import __version__, ledger
from . import files
from .delta import Change, Definition, State
from .dialect import translate
from .silver import check_version, clean, nullable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from .run import Run

#: Columns that closing adds to the claims of a ledger.
LEDGER = """duration_s BIGINT, overlap_s BIGINT, begins BOOLEAN, day_local DATE, hour_local INT, shift STRING,
    production_day DATE"""

#: The journal of alarms, which the service writes; an empty table until then.
ALARM_EVENT = """number BIGINT, at TIMESTAMP, hour_at TIMESTAMP, at_day_local DATE, at_hour_local INT, at_shift STRING,
    at_production_day DATE, rule STRING, object STRING, occurrence BIGINT, transition STRING, from_state STRING,
    to_state STRING, priority INT, value DOUBLE, value_limit DOUBLE, reading_at TIMESTAMP, actor STRING,
    comment STRING, evidence STRING"""


def refine(run: Run, name: str) -> bool:
    """Brings a derived table up to its upstreams. Returns whether its rows changed."""
    model = run.plant.models[name]
    stored = [it for it in model.upstreams if not it.startswith("plant.")]
    states = {it: run.lake.table(it).load() for it in stored}
    checkpoints = {it: state.version for it, state in states.items() if state is not None}
    table = run.lake.table(name)
    state = table.load()
    fingerprint = run.plant.definition(name, run.today)
    is_redefined = state is None or state.fingerprint != fingerprint
    if state is not None and not is_redefined:
        if all(state.checkpoint(it) == version for it, version in checkpoints.items()):
            return False
    files.delete_uncommitted(run.lake, table)
    rows = nullable(run.pin(_rows(run, name, states), None if is_redefined else state))
    if state is not None and not is_redefined and _same(run, name, state, rows):
        run.commit(table, state, Change(checkpoints=checkpoints))
        return False
    if state is not None and not is_redefined and model.final_after is not None:
        run.note(f"{name}: changed figures of past days are recorded in meta.restatements by the program only")
    change = Change(adds=files.write(run.spark, run.lake, table, rows, run.id), checkpoints=checkpoints)
    change.removes = [] if state is None else state.files()
    if is_redefined:
        change.definition = Definition(rows.schema.json(), model.description, fingerprint)
    run.commit(table, state, change)
    return True


def _rows(run: Run, name: str, states: dict[str, State | None]) -> DataFrame:
    model = run.plant.models[name]
    for upstream in model.upstreams:
        schema, _, table = upstream.partition(".")
        _upstream(run, upstream, states.get(upstream)).createOrReplaceTempView(f"cockpit_{schema}_{table}")
    rows = run.spark.sql(translate(run.statement(name), "cockpit_{schema}_{name}"))
    return _close(run, rows) if model.is_ledger else rows


def _upstream(run: Run, name: str, state: State | None) -> DataFrame:
    """An upstream as it is, without pointers; without rows if it does not exist yet."""
    if name == "plant.unit":
        columns = "enterprise STRING, site STRING, area STRING, line STRING, unit STRING"
        return run.spark.createDataFrame(run.plant.units, columns)
    if name == "plant.alias":
        return run.spark.createDataFrame(run.plant.aliases, "kind STRING, alias STRING, unit STRING")
    if state is not None:
        frame = run.read(name, state)
        return frame.select(*[f"`{it}`" for it in frame.columns if not it.startswith("_")])
    if name == "silver.alarm_event":
        return run.spark.createDataFrame([], ALARM_EVENT)
    return empty(run, name)


def empty(run: Run, name: str) -> DataFrame:
    """No rows, with the columns that the statement of a table gives."""
    model = run.plant.models[name]
    if model.cleans is None:
        return _rows(run, name, {}).where("false")
    contract = run.plant.contract(model.cleans)
    from .._native import Cleaner
    from .silver import ddl

    columns = ddl(Cleaner(run.plant, model.cleans).schema)
    if contract.is_stream and "received_at" not in columns:
        columns += ", received_at TIMESTAMP"
    run.spark.createDataFrame([], columns).createOrReplaceTempView(f"cockpit_typed_{model.cleans}")
    return run.spark.sql(translate(run.statement(name), "cockpit_{schema}_{name}"))


def _close(run: Run, claims: DataFrame) -> DataFrame:
    """The closed ledger of each unit: every second has one category."""
    plant, version = run.plant, __version__

    def close(of_unit: pa.Table) -> pa.Table:
        check_version(version)
        return pa.Table.from_batches(ledger(of_unit, plant))

    schema = ", ".join(f"`{it.name}` {it.dataType.simpleString()}" for it in claims.schema.fields)
    return claims.where("unit IS NOT NULL").groupBy("unit").applyInArrow(close, f"{schema}, {LEDGER}")


def _same(run: Run, name: str, state: State, rows: DataFrame) -> bool:
    before = run.read(name, state)
    return set(before.columns) == set(rows.columns) and files.digest(before.select(*rows.columns)) == files.digest(rows)


__all__ = ["clean", "empty", "refine"]
