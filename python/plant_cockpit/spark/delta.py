"""Delta tables of a lake: their state, and the commit that changes rows and checkpoints together.

A commit has the rows, the checkpoints (``txn`` actions) and, when the table is new or defined otherwise, its
definition. Its file in the log is created once, so of two writers at the same time one fails.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from .._native import PlantError, Store, __version__

#: Property with the SHA-256 of the definition that the rows were computed by.
DEFINITION = "cockpit.definition"

#: Entry of a commit with the version of its writer.
WRITER = "cockpitVersion"

#: The properties that the program gives every table, so that both engines treat the log alike.
PROPERTIES = {
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 1 days",
}

#: How the program names itself in commits that it writes entry by entry.
ENGINE = "cockpit:"

S3_VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ALLOW_HTTP",
)


class CommitConflict(RuntimeError):
    """Another process has committed to the table since it was read. Nothing was changed; the next run is right."""


@dataclass(frozen=True)
class DataFile:
    """A Parquet file of a table. ``path`` is below the folder of the table."""

    path: str
    size: int
    rows: int
    #: When it was written, in milliseconds since 1970 UTC; 0 before the commit.
    modified_ms: int = 0


@dataclass(frozen=True)
class Definition:
    """What defines a table. ``schema`` is the JSON of a Spark schema, which is that of Delta."""

    schema: str
    description: str
    fingerprint: str


@dataclass
class Change:
    """What one commit changes."""

    adds: list[DataFile] = field(default_factory=list)
    removes: list[DataFile] = field(default_factory=list)
    #: For each upstream its version that the table contains after the commit.
    checkpoints: dict[str, int] = field(default_factory=dict)
    definition: Definition | None = None


class State:
    """A table at one version."""

    def __init__(self, table: DeltaTable) -> None:
        self._table = table
        self.version: int = table.version()
        #: The version of the program or the package that committed last, if it says so.
        self.writer: str | None = (table.history(1) or [{}])[0].get(WRITER)
        self.fingerprint: str | None = table.metadata().configuration.get(DEFINITION)

    def checkpoint(self, upstream: str) -> int | None:
        """The version of ``upstream`` that the table contains."""
        return self._table.transaction_version(upstream)

    def files(self) -> list[DataFile]:
        """The active data files."""
        found = pa.table(self._table.get_add_actions(flatten=True)).to_pylist()
        return [_data_file(it) for it in found]

    def rows(self) -> list[dict[str, Any]]:
        """All rows, of a table that fits into memory."""
        return self._table.to_pyarrow_table().to_pylist()

    def columns(self) -> dict[str, str]:
        """The columns of the table with their types, as Spark writes them."""
        fields = json.loads(self._table.schema().to_json())["fields"]
        return {it["name"]: it["type"] for it in fields}


class Table:
    """A table of the lake, which need not exist."""

    def __init__(self, lake: Lake, name: str) -> None:
        self.name = name
        self.folder = name.replace(".", "/")
        self._lake = lake

    @property
    def spark_path(self) -> str:
        """Its folder as Spark opens it."""
        return f"{self._lake.spark_path}/{self.folder}"

    def load(self) -> State | None:
        """Its newest state, or ``None`` if it has never been committed to."""
        if not self._lake.store.list(f"{self.folder}/_delta_log"):
            return None
        return State(DeltaTable(f"{self._lake.path}/{self.folder}", storage_options=self._lake.options))

    def refuse_foreign_changes(self, state: State) -> None:
        """Raises an error if another program changed rows after the last commit of the program or the package.

        A change that a later commit takes back, such as a restored version, is none.
        """
        first: tuple[int, dict[str, Any]] | None = None
        added: set[str] = set()
        removed: set[str] = set()
        for version, actions in self._foreign_entries(state.version):
            for action in actions:
                for name, takes_back, files in (("add", removed, added), ("remove", added, removed)):
                    file = action.get(name)
                    if file is None or not file.get("dataChange", True):
                        continue
                    first = first or (version, _info(actions))
                    key = json.dumps([file["path"], file.get("deletionVector")])
                    takes_back.discard(key) if key in takes_back else files.add(key)
        if first is not None and (added or removed):
            version, info = first
            operation = f"{info.get('operation', 'a commit')} by {info.get('engineInfo', 'an unnamed program')}"
            remedy = "compute it again with `cockpit rebuild`"
            if self.name.startswith("bronze."):
                remedy = f"restore version {version - 1} of it, for example by `DeltaTable.restore({version - 1})`"
            raise PlantError(
                f"another program changed rows of {self.name} (version {version}, {operation}); {remedy}; nothing was "
                "changed"
            )

    def _foreign_entries(self, newest: int) -> list[tuple[int, list[dict[str, Any]]]]:
        """The entries of the log after the last own one, oldest first."""
        found: list[tuple[int, list[dict[str, Any]]]] = []
        is_unmarked = True
        for version in range(newest, -1, -1):
            content = self._lake.store.get(f"{self.folder}/_delta_log/{version:020}.json")
            if content is None:
                break
            actions = [json.loads(line) for line in content.splitlines() if line.strip()]
            if _is_own(actions):
                is_unmarked = not _is_marked(actions)
                break
            found.append((version, actions))
        if is_unmarked:
            found = [entry for entry in found if not _may_be_of_older_version(entry[1])]
        return found[::-1]

    def commit(self, state: State | None, change: Change, now_ms: int) -> int:
        """Commits a change on top of ``state``; the version after it is returned."""
        version = 0 if state is None else state.version + 1
        actions = [_commit_info(change, now_ms), *_transactions(change, now_ms)]
        if state is None:
            actions.append({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
        if change.definition is not None:
            actions.append(self._metadata(change.definition, now_ms))
        actions += [_remove(file, now_ms) for file in change.removes]
        actions += [_add(file, now_ms) for file in change.adds]
        self._lake.store.sync([f"{self.folder}/{file.path}" for file in change.adds])
        content = "\n".join(json.dumps(action, separators=(",", ":")) for action in actions)
        if not self._lake.store.create(f"{self.folder}/_delta_log/{version:020}.json", content.encode()):
            raise CommitConflict(
                f"another process has committed version {version} of {self.name}; nothing was changed, run again"
            )
        return version

    def discard(self, files: list[DataFile]) -> None:
        """Deletes data files that were written and will not be committed."""
        for file in files:
            self._lake.store.delete(f"{self.folder}/{file.path}")

    def _metadata(self, definition: Definition, now_ms: int) -> dict[str, Any]:
        return {
            "metaData": {
                "id": str(uuid.uuid4()),
                "name": self.name.partition(".")[2],
                "description": definition.description,
                "format": {"provider": "parquet", "options": {}},
                "schemaString": definition.schema,
                "partitionColumns": [],
                "createdTime": now_ms,
                "configuration": {DEFINITION: definition.fingerprint, **PROPERTIES},
            }
        }


class Lake:
    """The tables of a lake, in a folder or a bucket.

    ``spark_url`` is the lake as Spark opens it, if its address differs there, such as ``abfss://`` or a volume.
    """

    def __init__(self, url: str, spark_url: str | None = None) -> None:
        self.store = Store(url)
        folder = self.store.folder
        self.path = str(folder) if folder is not None else self.store.url.rstrip("/")
        own = f"file://{folder}" if folder is not None else self.path.replace("s3://", "s3a://", 1)
        self.spark_path = (spark_url or own).rstrip("/")
        variables = {name: os.environ[name] for name in S3_VARIABLES if name in os.environ}
        if variables.get("AWS_ENDPOINT_URL", "").startswith("http://"):
            variables.setdefault("AWS_ALLOW_HTTP", "true")
        self.options = None if folder is not None else variables

    def table(self, name: str) -> Table:
        """The table ``layer.name``."""
        return Table(self, name)


def _data_file(action: dict[str, Any]) -> DataFile:
    # Milliseconds or a time, depending on the version of deltalake.
    modified = action.get("modification_time") or 0
    modified_ms = modified if isinstance(modified, int) else int(modified.timestamp() * 1000)
    return DataFile(action["path"], action["size_bytes"], action.get("num_records") or 0, modified_ms)


def _info(actions: list[dict[str, Any]]) -> dict[str, Any]:
    return next((action["commitInfo"] for action in actions if "commitInfo" in action), {})


def _is_own(actions: list[dict[str, Any]]) -> bool:
    """Whether the program or the package wrote a commit: older versions committed their checkpoints with the rows."""
    return _is_marked(actions) or any("txn" in action for action in actions)


def _is_marked(actions: list[dict[str, Any]]) -> bool:
    info = _info(actions)
    return WRITER in info or str(info.get("engineInfo", "")).startswith(ENGINE)


def _may_be_of_older_version(actions: list[dict[str, Any]]) -> bool:
    """Whether a commit may be an append of a version of the program that did not mark its commits."""
    is_library = str(_info(actions).get("engineInfo", "")).startswith("delta-rs:")
    return is_library and not any("remove" in action for action in actions)


def _commit_info(change: Change, now_ms: int) -> dict[str, Any]:
    mode = "Overwrite" if change.removes else "Append"
    return {
        "commitInfo": {
            "timestamp": now_ms,
            "operation": "WRITE",
            "operationParameters": {"mode": mode},
            "engineInfo": f"plant-cockpit-spark/{__version__}",
            WRITER: __version__,
        }
    }


def _transactions(change: Change, now_ms: int) -> list[dict[str, Any]]:
    checkpoints = sorted(change.checkpoints.items())
    return [{"txn": {"appId": app, "version": version, "lastUpdated": now_ms}} for app, version in checkpoints]


def _remove(file: DataFile, now_ms: int) -> dict[str, Any]:
    return {
        "remove": {
            "path": file.path,
            "deletionTimestamp": now_ms,
            "dataChange": True,
            "extendedFileMetadata": True,
            "partitionValues": {},
            "size": file.size,
        }
    }


def _add(file: DataFile, now_ms: int) -> dict[str, Any]:
    return {
        "add": {
            "path": file.path,
            "partitionValues": {},
            "size": file.size,
            "modificationTime": now_ms,
            "dataChange": True,
            "stats": json.dumps({"numRecords": file.rows}),
        }
    }
