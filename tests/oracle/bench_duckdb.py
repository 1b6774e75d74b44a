"""The refining of the two big dumps, as one would write it with DuckDB.

Promise: reads with types, keeps the last record of each key, counts the boards of surface 1 by day,
hour, station and work order, writes silver and gold as Parquet; prints cost and checksum as JSON.

    python bench_duckdb.py --bucket DIR --out DIR
"""

from __future__ import annotations

from pathlib import Path

import duckdb

import bench
import raw

WHOLE = {"Id", "Status", "Deviation", "ReInspectionNeeded", "RoutingStatus", "CavityID"}
TIMES = {"InspectionDate", "LastModifiedDate"}

BOARD_RESULT = """
    SELECT Id AS result_id, Status AS status, BoardId AS board_id, BatchId AS batch_id,
        WorkOrderId AS work_order, RoutingStageId AS routing_stage_id, SubWorkCenter AS station,
        Operator AS "operator", Deviation AS deviation,
        (InspectionDate - INTERVAL {offset} MINUTE) AT TIME ZONE 'UTC' AS inspected_at,
        CAST(InspectionDate AS DATE) AS day_local, hour(InspectionDate) AS hour_local,
        CASE WHEN hour(InspectionDate) >= 9 AND hour(InspectionDate) < 21 THEN 'G' END AS shift,
        (LastModifiedDate - INTERVAL {offset} MINUTE) AT TIME ZONE 'UTC' AS modified_at,
        ReInspectionNeeded = 1 AS needs_reinspection, RoutingStatus AS routing_status
    FROM record JOIN (SELECT Id, max(place) AS place FROM record GROUP BY Id) USING (Id, place)"""

ROUTING_STAGE = """
    SELECT id AS routing_stage_id, {known_batch} AS batch_id, {known_order} AS work_order,
        {known_name} AS name, Surface AS surface, OperationNo AS operation_no,
        NextOperationNo AS next_operation_no, PreviousOperationNo AS previous_operation_no,
        EstimatedTime AS estimated_time, IsOptionalStage = 1 AS is_optional,
        (CAST(StartTime AS TIMESTAMP) - INTERVAL {offset} MINUTE) AT TIME ZONE 'UTC' AS stage_started_at
    FROM stage JOIN (SELECT id, max(place) AS place FROM stage GROUP BY id) USING (id, place)"""

PRODUCTION_HOURLY = """
    SELECT day_local, hour_local, station, b.work_order, count(*) AS actual
    FROM '{out}/board_result.parquet' b
    JOIN (FROM '{out}/routing_stage.parquet' WHERE surface = 1) s USING (routing_stage_id)
    GROUP BY day_local, hour_local, station, b.work_order"""


def refine(bucket: Path, out: Path, threads: int) -> None:
    con = duckdb.connect(str(out / "bench.duckdb"), config={"threads": threads})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(
        f"CREATE OR REPLACE TABLE record AS SELECT *, row_number() OVER () AS place FROM {_csv(bucket)}"
    )
    _write(con, BOARD_RESULT.format(offset=bench.OFFSET_MIN), out / "board_result.parquet")
    con.execute("DROP TABLE record")
    con.execute(
        f"CREATE VIEW stage AS SELECT *, file_row_number AS place FROM read_parquet('{bucket / bench.STAGES}', file_row_number=true)"
    )
    known = {
        "known_batch": _known("BatchId"),
        "known_order": _known("WorkOrderId"),
        "known_name": _known("Name"),
    }
    _write(
        con, ROUTING_STAGE.format(offset=bench.OFFSET_MIN, **known), out / "routing_stage.parquet"
    )
    _write(con, PRODUCTION_HOURLY.format(out=out), out / "production_hourly.parquet")
    con.close()
    (out / "bench.duckdb").unlink()


def _csv(bucket: Path) -> str:
    kinds = {
        c: "BIGINT" if c in WHOLE else "TIMESTAMP" if c in TIMES else "VARCHAR" for c in raw.RESULTS
    }
    columns = ", ".join(f"'{c}': '{kind}'" for c, kind in kinds.items())
    return (
        f"read_csv('{bucket / bench.RESULTS}', delim=',', header=false, auto_detect=false, "
        f"nullstr={bench.UNKNOWN}, timestampformat='%Y-%m-%d %H:%M:%S', columns={{{columns}}})"
    )


def _known(column: str) -> str:
    listed = ", ".join(f"'{word}'" for word in bench.UNKNOWN)
    return f"CASE WHEN {column} NOT IN ({listed}) THEN {column} END"


def _write(con: duckdb.DuckDBPyConnection, sql: str, to: Path) -> None:
    con.execute(f"COPY ({sql}) TO '{to}' (FORMAT parquet, COMPRESSION zstd)")


if __name__ == "__main__":
    bench.measure("duckdb", refine)
