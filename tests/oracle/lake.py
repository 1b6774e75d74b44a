"""Reads the lake the way any outsider would: as Delta tables in folders, local or on S3.

Promise: no word of the program is trusted here; a table is what its `_delta_log` says it is.
"""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pyarrow as pa
from deltalake import DeltaTable

LAYERS = ("bronze", "silver", "gold", "meta")
S3_KEYS = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_ALLOW_HTTP",
)


def is_s3(lake: str) -> bool:
    return lake.startswith("s3://")


def storage_options() -> dict[str, str]:
    """What the environment says about S3."""
    return {key: os.environ[key] for key in S3_KEYS if key in os.environ}


def uri(lake: str, table: str) -> str:
    """Where `layer.name` lies."""
    return f"{lake.rstrip('/')}/{table.replace('.', '/')}"


def open_table(lake: str, table: str) -> DeltaTable:
    options = storage_options() if is_s3(lake) else None
    return DeltaTable(uri(lake, table), storage_options=options)


def read(lake: str, table: str, columns: list[str] | None = None) -> pa.Table:
    return open_table(lake, table).to_pyarrow_table(columns=columns)


def tables(lake: str, layers: tuple[str, ...] = LAYERS) -> list[str]:
    """Every `layer.name` that has a Delta log."""
    names = _tables_s3(lake) if is_s3(lake) else _tables_local(Path(lake))
    return sorted(name for name in names if name.split(".")[0] in layers)


def _tables_local(lake: Path) -> set[str]:
    logs = lake.glob("*/*/_delta_log")
    return {f"{log.parent.parent.name}.{log.parent.name}" for log in logs}


def _tables_s3(lake: str) -> set[str]:
    return {
        ".".join(key.split("/")[:2]) for key in keys(lake) if key.split("/")[2:3] == ["_delta_log"]
    }


def keys(lake: str) -> list[str]:
    """Paths of all objects below an S3 prefix, relative to it."""
    bucket, _, prefix = lake.removeprefix("s3://").rstrip("/").partition("/")
    client = boto3.client("s3", region_name=os.environ.get("AWS_REGION", "us-east-1"))
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    return [item["Key"][len(prefix) + 1 :] for page in pages for item in page.get("Contents", [])]
