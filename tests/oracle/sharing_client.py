"""Reads shared tables with the client `delta-sharing`, in an environment of its own, and prints what it read.

    python sharing_client.py PROFILE COLUMNS
    python sharing_client.py PROFILE --changes TABLE FROM
"""

from __future__ import annotations

import json
import sys
from typing import Any

import delta_sharing
import pandas as pd
from delta_sharing.rest_client import DataSharingRestClient


def total(values: pd.Series) -> str:
    """The sum of a column as text; decimals exactly."""
    known = values.dropna()
    return str(known.sum()) if len(known) else "0"


def read(profile: str, table: str, columns: list[str], is_delta: bool) -> dict[str, Any]:
    url = f"{profile}#{table.split('.')[0]}.{table}"
    frame = delta_sharing.load_as_pandas(url, use_delta_format=is_delta)
    return {"rows": len(frame)} | {column: total(frame[column]) for column in columns}


def changes(profile: str, table: str, first: int) -> None:
    """Prints how many rows of each kind the change data feed has since a version, in both response formats."""
    url = f"{profile}#{table.split('.')[0]}.{table}"
    result: dict[str, Any] = {}
    for form, is_delta in (("parquet", False), ("delta", True)):
        frame = delta_sharing.load_table_changes_as_pandas(
            url, starting_version=first, use_delta_format=is_delta
        )
        kinds = frame.groupby(["_commit_version", "_change_type"]).size()
        result[form] = sorted([int(version), kind, int(rows)] for (version, kind), rows in kinds.items())
    print("RESULT " + json.dumps(result))


def main() -> int:
    if sys.argv[2] == "--changes":
        changes(sys.argv[1], sys.argv[3], int(sys.argv[4]))
        return 0
    profile, wanted = sys.argv[1], json.loads(sys.argv[2])
    client = delta_sharing.SharingClient(profile)
    result: dict[str, Any] = {
        "shares": sorted(share.name for share in client.list_shares()),
        "tables": sorted(f"{table.schema}.{table.name}" for table in client.list_all_tables()),
        "parquet": {table: read(profile, table, columns, False) for table, columns in wanted.items()},
        "delta": {table: read(profile, table, columns, True) for table, columns in wanted.items()},
    }
    first = next(iter(wanted))
    limited = delta_sharing.load_as_pandas(f"{profile}#gold.{first}", limit=3)
    result["limited"] = len(limited)
    result["version"] = delta_sharing.get_table_version(f"{profile}#gold.{first}")
    result["agent"] = DataSharingRestClient.USER_AGENT
    print("RESULT " + json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
