"""Silver tables from bronze dumps: cleaned on the workers, superseded records left out, rejects with their reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .._native import Cleaned, Cleaner, Plant, PlantError, __version__
from . import files, meta
from .delta import Change, DataFile, Definition, State
from .dialect import translate
from .dumps import Counting, Version, choose

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from .run import Run

REJECTED = "silver.rejected"
REJECTED_DESCRIPTION = "Records that are not in their table, each with its reason."

#: Pointers that a cleaned table keeps.
KEPT = ["_file", "_file_sha256", "_dump", "_record", "_dumped_at", "_modified_at", "_ingested_at"]

#: Further columns of bronze that rejects and the choice of dumps need, with their types.
FURTHER = {
    "_source": "STRING",
    "_byte_from": "BIGINT",
    "_byte_to": "BIGINT",
    "_row_group": "INT",
    "_row": "BIGINT",
    "_continues": "BIGINT",
}
VERDICT = ["_reject_column", "_reject_reason", "_reject_raw", "_reject_rule"]

#: Repairs of a batch as JSON, in its first row.
REPAIRED = "_repaired"

#: The columns of ``silver.rejected``.
REJECTED_SCHEMA = """table_name STRING, column_name STRING, reason STRING, raw STRING, rule STRING, _source STRING,
    _file STRING, _file_sha256 STRING, _dump BIGINT, _record BIGINT, _byte_from BIGINT, _byte_to BIGINT,
    _row_group INT, _row BIGINT, _topic STRING, _partition INT, _offset BIGINT, _element INT,
    _rejected_at TIMESTAMP, _run STRING"""

#: How often replacing rejects is tried while consumers of streams append theirs.
ATTEMPTS = 5

SOURCE = re.compile(r"\bFROM\s+typed\.(\w+)(\s+(?:AS\s+)?\w+)?\s*;?\s*$", re.IGNORECASE)


def refine(run: Run, name: str) -> bool:
    """Brings a cleaned table up to its bronze table. Returns whether its rows changed."""
    model = run.plant.models[name]
    upstream = f"bronze.{model.cleans}"
    source = run.lake.table(upstream).load()
    if source is None:
        return False
    table = run.lake.table(name)
    state = table.load()
    fingerprint = run.plant.definition(name, run.today)
    is_redefined = state is None or state.fingerprint != fingerprint
    is_current = not is_redefined and state is not None and state.checkpoint(upstream) == source.version
    if is_current and meta.is_balanced(run, name):
        return False
    files.delete_uncommitted(run.lake, table)
    contract = run.plant.contract(str(model.cleans))
    key = [] if contract.supersede == "dump" else model.key
    cleaned = _persist(judge(run, name, run.read(upstream, source)))
    try:
        versions = _versions(cleaned)
        counting = choose(contract, versions)
        judged = _with_rank(run, cleaned, counting)
        if is_current:
            # A run ended before it counted the rows.
            meta.balance(run, name, judged, counting, source)
            return False
        _replace_rejected(run, name, judged)
        rows = _counting_rows(judged, key)
        if state is not None and not is_redefined and _same(run, name, state, rows):
            run.commit(table, state, Change(checkpoints={upstream: source.version}))
            meta.balance(run, name, judged, counting, source)
            return False
        written = files.write(run.spark, run.lake, table, rows, run.id)
        _check_balance(name, judged, versions, counting, written, key)
        change = Change(adds=written, checkpoints={upstream: source.version})
        change.removes = [] if state is None else state.files()
        if is_redefined:
            change.definition = Definition(rows.schema.json(), model.description, fingerprint)
        run.commit(table, state, change)
        meta.balance(run, name, judged, counting, source)
        run.book.changed[name] = (sum(it.rows for it in versions), _repairs(cleaned))
    finally:
        cleaned.unpersist()
    return True


def _repairs(cleaned: DataFrame) -> dict[str, int]:
    """For each column the number of unreadable values that became null in accepted rows."""
    counts: dict[str, int] = {}
    for (text,) in cleaned.where("_repaired IS NOT NULL").select("_repaired").collect():
        for column, count in json.loads(text).items():
            counts[column] = counts.get(column, 0) + count
    return counts


def _persist(frame: DataFrame) -> DataFrame:
    """The rows kept by the workers, where the cluster permits that; otherwise they are computed for each use."""
    try:
        return frame.persist()
    except Exception:  # Serverless compute refuses it with an error of its own.
        return frame


def judge(run: Run, name: str, bronze: DataFrame) -> DataFrame:
    """The records of a bronze table with the columns of the model, its pointers, and why a row is rejected."""
    from pyspark.sql import functions as f

    model = run.plant.models[name]
    typed = clean(run.plant, str(model.cleans), bronze)
    view = f"cockpit_typed_{model.cleans}"
    typed.createOrReplaceTempView(view)
    kept = ", ".join([*KEPT, *FURTHER, *VERDICT, REPAIRED])
    statement, found = SOURCE.subn(rf", {kept} FROM {view} AS \1", translate(run.statement(name), "typed.{name}"))
    if found != 1:
        raise PlantError(f"{name}: a table that reads a typed table must end with FROM typed.NAME")
    rows = run.spark.sql(statement)
    broken, missing = f.lit(None).cast("string"), f.lit(None).cast("string")
    for rule, condition, action in reversed(model.expectations):
        if action == "reject":
            broken = f.when(~f.expr(translate(condition)), f.lit(rule)).otherwise(broken)
    for column in reversed(model.key):
        missing = f.when(f.col(column).isNull(), f.lit(column)).otherwise(missing)
    rows = rows.withColumn("_broken", f.when(f.col("_reject_reason").isNull(), broken))
    is_whole = f.col("_reject_reason").isNull() & f.col("_broken").isNull()
    rows = rows.withColumn("_missing", f.when(is_whole, missing))
    reason = f.when(f.col("_broken").isNotNull(), "expectation").when(f.col("_missing").isNotNull(), "missing")
    return (
        rows.withColumn("_reject_column", f.coalesce("_reject_column", "_missing"))
        .withColumn("_reject_reason", f.coalesce("_reject_reason", reason))
        .withColumn("_reject_rule", f.coalesce("_reject_rule", "_broken"))
        .drop("_broken", "_missing")
    )


def clean(plant: Plant, contract: str, bronze: DataFrame) -> DataFrame:
    """The records of a bronze table typed by the program's own code, on the workers."""
    from pyspark.sql import functions as f

    cleaner = Cleaner(plant, contract)
    columns = [*plant.contract(contract).columns, "_fault", "_rest", *KEPT]
    further = [
        f.col(name) if name in bronze.columns else f.lit(None).cast(kind).alias(name) for name, kind in FURTHER.items()
    ]
    schema = ddl(cleaner.schema) + "".join(f", {name} STRING" for name in VERDICT)
    schema += "".join(f", {name} {kind}" for name, kind in FURTHER.items()) + f", {REPAIRED} STRING"
    version = __version__

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        check_version(version)
        for batch in batches:
            cleaned = cleaner.clean(batch)
            if cleaned.needs_passes:
                raise PlantError(
                    f"the dumps of {contract} have times in an hour that the clock shows twice; the order of the "
                    "whole dump resolves them, which only the program does: refine this table with `cockpit ingest`"
                )
            further = [batch.column(name) for name in FURTHER]
            arrays = [*cleaned.rows.columns, *cleaned.verdicts.columns, *further, _note(cleaned)]
            names = [*cleaned.rows.schema.names, *cleaned.verdicts.schema.names, *FURTHER, REPAIRED]
            yield pa.RecordBatch.from_arrays(arrays, names)

    return bronze.select(*columns, *further).mapInArrow(run, schema)


def _note(cleaned: Cleaned) -> pa.Array:
    """The repairs of a batch in its first row, which the rows of a table do not keep."""
    text = json.dumps(cleaned.repaired) if cleaned.repaired else None
    return pa.array([text, *[None] * (len(cleaned) - 1)][: len(cleaned)], pa.string())


def check_version(expected: str) -> None:
    """Raises an error if the package of this worker is not that of the driver."""
    from .._native import __version__ as own

    if own != expected:
        raise PlantError(f"plant-cockpit {own} on a worker, {expected} on the driver: install one version on both")


def ddl(schema: pa.Schema) -> str:
    """The columns of an Arrow schema as Spark writes them."""
    return ", ".join(f"`{field.name}` {_type(field.type)}" for field in schema)


def _type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP"
    names = {
        pa.string(): "STRING",
        pa.int32(): "INT",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
        pa.binary(): "BINARY",
    }
    return names[kind]


def _versions(judged: DataFrame) -> list[Version]:
    from pyspark.sql import functions as f

    times = [f.unix_micros(name) for name in ("_dumped_at", "_modified_at", "_ingested_at")]
    good = f.sum(f.when(f.col("_reject_reason").isNull(), 1).otherwise(0))
    grouped = judged.groupBy("_file", "_dump", "_continues", *times).agg(f.count(f.lit(1)), good)
    return [Version(*row) for row in grouped.collect()]


def _with_rank(run: Run, judged: DataFrame, counting: Counting) -> DataFrame:
    """The records with the rank of their dump, null if it does not count, and whether another one continues it."""
    from pyspark.sql import functions as f

    known: list[tuple[Any, ...]] = [(*id, rank, False) for id, rank in counting.ranks.items()]
    known += [(*id, None, True) for id in counting.continued]
    schema = "_file STRING, _dump BIGINT, _rank INT, _is_continued BOOLEAN"
    ranks = run.spark.createDataFrame(known, schema)
    joined = judged.join(f.broadcast(ranks), ["_file", "_dump"], "left")
    return joined.withColumn("_is_continued", f.coalesce("_is_continued", f.lit(False)))


def _counting_rows(judged: DataFrame, key: list[str]) -> DataFrame:
    """The rows of the table: the newest record of each key, or all records of the newest dump."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    own = [name for name in judged.columns if not name.startswith("_")]
    good = judged.where(f.col("_reject_reason").isNull() & f.col("_rank").isNotNull())
    if key:
        newest = Window.partitionBy(*key).orderBy(f.col("_rank").asc(), f.col("_record").desc())
        good = good.withColumn("_place", f.row_number().over(newest)).where("_place = 1")
    return nullable(good.select(*own, *KEPT))


def nullable(frame: DataFrame) -> DataFrame:
    """The rows with every column nullable, as all tables of a lake have them."""
    from pyspark.sql.types import StructField, StructType

    fields = [StructField(it.name, it.dataType, True) for it in frame.schema.fields]
    return frame.to(StructType(fields))


def _same(run: Run, name: str, state: State, rows: DataFrame) -> bool:
    before = run.read(name, state)
    return set(before.columns) == set(rows.columns) and files.digest(before.select(*rows.columns)) == files.digest(rows)


def _replace_rejected(run: Run, name: str, judged: DataFrame) -> None:
    """Replaces the rejected records of one table. They are replaced before the table is committed: if the process
    dies in between, the next run replaces them by the same rows."""
    from pyspark.sql import functions as f

    table = run.lake.table(REJECTED)
    own = judged.where(f.col("_reject_reason").isNotNull() & ~f.col("_is_continued"))
    rejected = _rejected_rows(run, name, own)
    content = [name for name in rejected.columns if name not in ("_rejected_at", "_run")]
    for attempt in range(ATTEMPTS):
        state = table.load()
        kept = None
        if state is not None:
            before = run.read(REJECTED, state)
            mine = before.where(f.col("table_name") == name.partition(".")[2])
            if files.digest(mine.select(*content)) == files.digest(rejected.select(*content)):
                return
            kept = before.where(f.col("table_name") != name.partition(".")[2]).select(*rejected.columns)
        rows = rejected if kept is None else kept.unionByName(rejected)
        written = files.write(run.spark, run.lake, table, nullable(rows), f"{run.id}-{name.partition('.')[2]}-{attempt}")
        change = Change(adds=written, removes=[] if state is None else state.files())
        if state is None:
            change.definition = Definition(nullable(rows).schema.json(), REJECTED_DESCRIPTION, "rejected")
        if run.try_commit(table, state, change, is_last=attempt + 1 == ATTEMPTS):
            return


def _rejected_rows(run: Run, name: str, own: DataFrame) -> DataFrame:
    from pyspark.sql import functions as f

    nothing = f.lit(None)
    return own.select(
        f.lit(name.partition(".")[2]).alias("table_name"),
        f.col("_reject_column").alias("column_name"),
        f.col("_reject_reason").alias("reason"),
        f.col("_reject_raw").alias("raw"),
        f.col("_reject_rule").alias("rule"),
        *["_source", "_file", "_file_sha256", "_dump", "_record", "_byte_from", "_byte_to", "_row_group", "_row"],
        nothing.cast("string").alias("_topic"),
        nothing.cast("int").alias("_partition"),
        nothing.cast("bigint").alias("_offset"),
        nothing.cast("int").alias("_element"),
        f.timestamp_micros(f.lit(run.now_ms * 1000)).alias("_rejected_at"),
        f.lit(run.id).alias("_run"),
    )


def _check_balance(
    name: str,
    judged: DataFrame,
    versions: list[Version],
    counting: Counting,
    written: list[DataFile],
    key: list[str],
) -> None:
    """Raises an error unless every good record is in the table or superseded."""
    from pyspark.sql import functions as f

    stored = sum(file.rows for file in written)
    good = sum(version.good for version in versions if version.id in counting.ranks)
    if key:
        counted = judged.where(f.col("_reject_reason").isNull() & f.col("_rank").isNotNull())
        good = counted.select(*key).distinct().count()
    if stored != good:
        raise RuntimeError(f"{name}: {stored} rows were written, {good} count; nothing was committed")
