"""The tables of ``meta`` after a run: row balances, quality, and the versions of tables, as the program writes them.

Each side of a balance is counted from the tables, and superseded records are found by comparing bronze with the stored
rows, so a lost record shows as an unbalanced row. Repairs of values are counted where Spark cleans; times that the
clock shows twice are refused before. Columns, lineage and the definitions of KPIs stay with the program.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from .delta import Change, CommitConflict, DataFile, Definition, State
from .dialect import translate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from .dumps import Counting, VersionId
    from .run import Run

Row = dict[str, Any]

#: How often a commit is tried while other processes append to the same table.
ATTEMPTS = 20

UTC = pa.timestamp("us", "UTC")

#: What a type is called in a fingerprint and in Delta.
NAMES = {
    pa.string(): ("Utf8", "string"),
    pa.int64(): ("Int64", "long"),
    pa.float64(): ("Float64", "double"),
    pa.bool_(): ("Boolean", "boolean"),
    UTC: ('Timestamp(µs, "UTC")', "timestamp"),
}

COUNTS = ("read", "bronze", "silver", "rejected", "superseded")
"""What a balance compares."""


@dataclass(frozen=True)
class MetaTable:
    """A table of ``meta`` as the program defines it."""

    name: str
    description: str
    schema: pa.Schema

    @property
    def definition(self) -> Definition:
        """Its definition; the fingerprint is that of the program, which would rebuild a table with another one."""
        fields = [{"name": it.name, "type": NAMES[it.type][1], "nullable": True, "metadata": {}} for it in self.schema]
        fingerprint = ", ".join(f"{it.name} {NAMES[it.type][0]}" for it in self.schema)
        return Definition(json.dumps({"type": "struct", "fields": fields}), self.description, fingerprint)


def _schema(text: str, others: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema([(name, others.get(name, pa.string())) for name in text.split()])


_LONGS = {name: pa.int64() for name in ("dump", *COUNTS, "checked", "failed", "rows", "size_bytes", "version")}
_TIMES = {name: UTC for name in ("started_at", "ended_at", "measured_at", "updated_at")}
_OTHERS = _LONGS | _TIMES | {"closed": pa.bool_(), "share": pa.float64()}

RUNS = MetaTable(
    "meta.runs",
    "The row balance of every run: for each dump it touched, the fate of its records.",
    _schema(
        "run started_at ended_at table_name file file_sha256 dump read bronze silver rejected superseded closed", _OTHERS
    ),
)
QUALITY = MetaTable(
    "meta.quality",
    "How many rows of each table fulfil each expectation.",
    _schema("table_name expectation rule action checked failed share run measured_at", _OTHERS),
)
TABLES = MetaTable(
    "meta.tables",
    "Every table of the lake.",
    _schema("schema_name table_name kind description grain rows size_bytes version updated_at", _OTHERS),
)


@dataclass
class Book:
    """What a run has to enter in ``meta``."""

    balances: list[Row] = field(default_factory=list)
    #: Tables whose rows changed, with the number of records and the repairs by column.
    changed: dict[str, tuple[int, dict[str, int]]] = field(default_factory=dict)


def now() -> datetime:
    return datetime.now(timezone.utc)


def last_balances(run: Run, name: str) -> dict[VersionId, Row]:
    """The last row balance of each dump of a table."""
    last: dict[VersionId, Row] = {}
    for row in _rows(run, RUNS.name):
        id = (row["file"], row["dump"])
        is_own = row["table_name"] == name.partition(".")[2]
        if is_own and (id not in last or last[id]["ended_at"] <= row["ended_at"]):
            last[id] = row
    return last


def is_balanced(run: Run, name: str) -> bool:
    """Whether every dump of a table that has landed has a row balance."""
    return {(it["file"], it["dump"]) for it in _files(run, name)} <= set(last_balances(run, name))


def balance(run: Run, name: str, judged: DataFrame, counting: Counting, source: State) -> None:
    """Counts every dump of a cleaned table, and enters the balances that differ from the last ones.

    ``judged`` are the records of ``source``, the state of bronze that the table contains.
    """
    started_at = now()
    read = {(it["file"], it["dump"]): it for it in _files(run, name)}
    bronze = _by_dump(run.read(f"bronze.{run.plant.models[name].cleans}", source))
    silver, rejected = _stored(run, name), _stored(run, "silver.rejected", name)
    last = last_balances(run, name)
    in_silver = {} if silver is None else _by_dump(silver)
    in_rejected = {} if rejected is None else _by_dump(rejected)
    rows = []
    # Without a row in `meta.files` a dump is landed now by another program, which records it next.
    for id in sorted(set(bronze) & set(read)):
        counts = [read[id]["records"], bronze[id], in_silver.get(id, 0), in_rejected.get(id, 0)]
        row = dict(zip(COUNTS, [*counts, 0], strict=True))
        known = last.get(id)
        if known is None or not known["closed"] or any(known[it] != row[it] for it in COUNTS[:-1]):
            rows.append((id, row))
    if any(_is_open(row) for _, row in rows):
        superseded = _superseded(run, name, judged, counting, silver, bronze)
        for id, row in rows:
            row["superseded"] = superseded.get(id, 0) if _is_open(row) else 0
    for id, row in rows:
        known = last.get(id)
        if known is not None and all(known[it] == row[it] for it in COUNTS):
            continue
        fates = row["silver"] + row["rejected"] + row["superseded"]
        row |= {"run": run.id, "started_at": started_at, "ended_at": now(), "table_name": name.partition(".")[2]}
        row |= {"file": id[0], "dump": id[1], "file_sha256": read[id]["sha256"]}
        row["closed"] = row["read"] == row["bronze"] == fates
        run.book.balances.append(row)


def write(run: Run) -> None:
    """Writes what the run has to enter. Without a change nothing is written."""
    book = run.book
    if book.balances:
        _put(run, RUNS, lambda _: book.balances, is_whole=False)
    if not book.balances and not book.changed:
        return
    measured = {name: _measure(run, name) for name in run.plant.models if name in book.changed}
    known = {row["table_name"] for row in _rows(run, QUALITY.name)}
    for name in run.plant.models:
        if name not in known and name not in measured and _stored(run, name) is not None:
            measured[name] = _measure(run, name)

    def quality(before: list[Row]) -> list[Row]:
        kept = [row for row in before if row["table_name"] not in measured]
        return kept + [row for rows in measured.values() for row in rows]

    _put(run, QUALITY, quality)
    _put(run, TABLES, lambda before: _tables(run, before))


def _is_open(row: Row) -> bool:
    return row["bronze"] > row["silver"] + row["rejected"]


def _superseded(
    run: Run, name: str, judged: DataFrame, counting: Counting, silver: DataFrame | None, bronze: dict[VersionId, int]
) -> dict[VersionId, int]:
    """The records of each dump that a newer stored record supersedes, or whose dump does not count."""
    from pyspark.sql import functions as f

    found = {id: bronze[id] for id in counting.continued if id in bronze}
    if silver is None:
        return found
    place = ["_file", "_dump", "_record"]
    good = judged.where(f.col("_reject_reason").isNull() & ~f.col("_is_continued"))
    missing = good.join(silver.select(*place), place, "left_anti")
    gone = missing.where(f.col("_rank").isNull())
    contract = run.plant.contract(str(run.plant.models[name].cleans))
    key = [] if contract.supersede == "dump" else run.plant.models[name].key
    if key:
        ranks = run.spark.createDataFrame(
            [(*id, rank) for id, rank in counting.ranks.items()], "_file STRING, _dump BIGINT, _rank INT"
        )
        newest = silver.select(*key, *place).join(f.broadcast(ranks), ["_file", "_dump"])
        newest = newest.select(*key, f.col("_rank").alias("_by_rank"), f.col("_record").alias("_by_record"))
        counted = missing.where(f.col("_rank").isNotNull()).join(newest, key)
        is_older = f.col("_rank") > f.col("_by_rank")
        is_before = (f.col("_rank") == f.col("_by_rank")) & (f.col("_record") < f.col("_by_record"))
        gone = gone.select(*place).unionByName(counted.where(is_older | is_before).select(*place))
    for id, count in _by_dump(gone).items():
        found[id] = found.get(id, 0) + count
    return found


def _by_dump(rows: DataFrame) -> dict[VersionId, int]:
    return {(row[0], row[1]): row[2] for row in rows.groupBy("_file", "_dump").count().collect()}


def _stored(run: Run, name: str, rejected_of: str | None = None) -> DataFrame | None:
    from pyspark.sql import functions as f

    state = run.lake.table(name).load()
    if state is None:
        return None
    rows = run.read(name, state)
    return rows if rejected_of is None else rows.where(f.col("table_name") == rejected_of.partition(".")[2])


def _files(run: Run, name: str) -> list[Row]:
    """The dumps of a cleaned table that have landed."""
    contract = run.plant.models[name].cleans
    rows = _rows(run, "meta.files")
    return [it for it in rows if it["table_name"] == contract and it["status"] == "landed"]


def _measure(run: Run, name: str) -> list[Row]:
    """The expectations of a table, that of its grain, and the repairs of this run."""
    model, rows = run.plant.models[name], _stored(run, name)
    if rows is None:
        return []
    rules = [(expectation, rule, action) for expectation, rule, action in model.expectations]
    wanted = ["count(*)"] + [f"count(*) FILTER (WHERE NOT ({translate(rule)}))" for _, rule, _ in rules]
    if model.grain:
        rules.append(("grain_is_unique", f"({', '.join(model.grain)}) differs in every row", "warn"))
    counts = list(rows.selectExpr(*wanted).collect()[0])
    if model.grain:
        counts.append(counts[0] - rows.select(*model.grain).distinct().count())
    of_rules = _rejected_by_rule(run, name)
    found = []
    for (expectation, rule, action), failed in zip(rules, counts[1:], strict=True):
        more = of_rules.get(expectation, 0)
        found.append(_quality(run, name, (expectation, rule, action), (counts[0] + more, failed + more)))
    records, repaired = run.book.changed.get(name, (0, {}))
    for column, count in sorted(repaired.items()):
        rule = f"{column} can be read by its contract, otherwise it is null"
        found.append(_quality(run, name, (f"{column}_is_readable", rule, "repair"), (records, count)))
    return found


def _quality(run: Run, name: str, rule: tuple[str, str, str], counts: tuple[int, int]) -> Row:
    (expectation, text, action), (checked, failed) = rule, counts
    share = failed / checked if checked > 0 else None
    row = {"table_name": name, "expectation": expectation, "rule": text, "action": action}
    return row | {"checked": checked, "failed": failed, "share": share, "run": run.id, "measured_at": now()}


def _rejected_by_rule(run: Run, name: str) -> dict[str, int]:
    rejected = _stored(run, "silver.rejected", name)
    if rejected is None:
        return {}
    return dict(rejected.where("rule IS NOT NULL").groupBy("rule").count().collect())


def _tables(run: Run, before: list[Row]) -> list[Row]:
    """The tables of the lake with their newest versions. What the program describes otherwise stays."""
    described = {(row["schema_name"], row["table_name"]): row for row in before}
    for name, model in run.plant.models.items():
        kind, grain = "derived" if model.cleans is None else "cleaned", model.key or model.grain
        _describe(described, name, kind, model.description, ", ".join(grain) or None)
    for name in run.plant.contracts:
        contract = run.plant.contract(name)
        grain = "_topic, _partition, _offset" if contract.is_stream else "_file, _dump, _record"
        _describe(described, f"bronze.{name}", "landed", contract.description, grain)
    text = "Records that did not reach their table, each with its reason."
    _describe(described, "silver.rejected", "ledger", text, None)
    rows = []
    for (schema, name), row in described.items():
        state = run.lake.table(f"{schema}.{name}").load()
        if state is not None:
            rows.append(row | _figures(state))
    return rows


def _describe(described: dict[tuple[str, str], Row], name: str, kind: str, description: str, grain: str | None) -> None:
    schema, _, table = name.partition(".")
    row = {"schema_name": schema, "table_name": table, "kind": kind, "description": description, "grain": grain}
    described[(schema, table)] = row


def _figures(state: State) -> Row:
    files = state.files()
    modified_ms = max((it.modified_ms for it in files), default=None)
    updated_at = None if modified_ms is None else datetime.fromtimestamp(modified_ms / 1000, timezone.utc)
    rows, size_bytes = sum(it.rows for it in files), sum(it.size for it in files)
    return {"rows": rows, "size_bytes": size_bytes, "version": state.version, "updated_at": updated_at}


def _rows(run: Run, name: str) -> list[Row]:
    state = run.lake.table(name).load()
    return [] if state is None else state.rows()


def _put(run: Run, meta: MetaTable, rows: Any, is_whole: bool = True) -> None:
    """Replaces the rows of a table by ``rows`` of the ones before, or adds them."""
    table = run.lake.table(meta.name)
    for attempt in range(ATTEMPTS):
        state = table.load()
        before = [] if state is None or not is_whole else state.rows()
        file = _write(run, meta, rows(before))
        change = Change(adds=[file])
        if state is None or state.fingerprint != meta.definition.fingerprint:
            change.definition = meta.definition
        if is_whole and state is not None:
            change.removes = state.files()
        try:
            run.commit(table, state, change)
            return
        except CommitConflict:
            if attempt + 1 == ATTEMPTS:
                raise


def _write(run: Run, meta: MetaTable, rows: Iterable[Row]) -> DataFile:
    content = pa.Table.from_pylist([{name: row.get(name) for name in meta.schema.names} for row in rows], meta.schema)
    buffer = io.BytesIO()
    pq.write_table(content, buffer, compression="zstd")
    path = f"part-{run.id}-{uuid.uuid4().hex}.parquet"
    run.lake.store.create(f"{meta.name.replace('.', '/')}/{path}", buffer.getvalue())
    return DataFile(path, len(buffer.getvalue()), content.num_rows)


__all__ = ["QUALITY", "RUNS", "TABLES", "Book", "balance", "is_balanced", "write"]
