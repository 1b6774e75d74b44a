"""The refining of the two big dumps, as one would write it with Polars.

Promise: reads with types, keeps the last record of each key, counts the boards of surface 1 by day,
hour, station and work order, writes silver and gold as Parquet; prints cost and checksum as JSON.

    python bench_polars.py --bucket DIR --out DIR
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "2")

import polars as pl

import bench
import raw

WHOLE = {"Id", "Status", "Deviation", "ReInspectionNeeded", "RoutingStatus", "CavityID"}
STAMP = "%Y-%m-%d %H:%M:%S"


def board_result(bucket: Path) -> pl.LazyFrame:
    schema = {c: pl.Int64 if c in WHOLE else pl.String for c in raw.RESULTS}
    frame = pl.scan_csv(
        bucket / bench.RESULTS, has_header=False, schema=schema, null_values=bench.UNKNOWN
    )
    local = pl.col("InspectionDate").str.to_datetime(STAMP)
    hour = local.dt.hour().cast(pl.Int64)
    return frame.unique(subset="Id", keep="last").select(
        pl.col("Id").alias("result_id"),
        pl.col("Status").alias("status"),
        pl.col("BoardId").alias("board_id"),
        pl.col("BatchId").alias("batch_id"),
        pl.col("WorkOrderId").alias("work_order"),
        pl.col("RoutingStageId").alias("routing_stage_id"),
        pl.col("SubWorkCenter").alias("station"),
        pl.col("Operator").alias("operator"),
        pl.col("Deviation").alias("deviation"),
        _utc(local).alias("inspected_at"),
        local.dt.date().alias("day_local"),
        hour.alias("hour_local"),
        pl.when((hour >= 9) & (hour < 21)).then(pl.lit("G")).alias("shift"),
        _utc(pl.col("LastModifiedDate").str.to_datetime(STAMP)).alias("modified_at"),
        (pl.col("ReInspectionNeeded") == 1).alias("needs_reinspection"),
        pl.col("RoutingStatus").alias("routing_status"),
    )


def routing_stage(bucket: Path) -> pl.LazyFrame:
    return (
        pl.scan_parquet(bucket / bench.STAGES)
        .unique(subset="id", keep="last")
        .select(
            pl.col("id").alias("routing_stage_id"),
            _known("BatchId").alias("batch_id"),
            _known("WorkOrderId").alias("work_order"),
            _known("Name").alias("name"),
            pl.col("Surface").alias("surface"),
            pl.col("OperationNo").alias("operation_no"),
            pl.col("NextOperationNo").alias("next_operation_no"),
            pl.col("PreviousOperationNo").alias("previous_operation_no"),
            pl.col("EstimatedTime").alias("estimated_time"),
            (pl.col("IsOptionalStage") == 1).alias("is_optional"),
            _utc(pl.col("StartTime").str.to_datetime(STAMP)).alias("stage_started_at"),
        )
    )


def production_hourly(out: Path) -> pl.LazyFrame:
    made = pl.scan_parquet(out / "routing_stage.parquet").filter(pl.col("surface") == 1)
    boards = pl.scan_parquet(out / "board_result.parquet")
    joined = boards.join(made.select("routing_stage_id"), on="routing_stage_id")
    keys = ["day_local", "hour_local", "station", "work_order"]
    return joined.group_by(keys).agg(pl.len().cast(pl.Int64).alias("actual"))


def refine(bucket: Path, out: Path, threads: int) -> None:
    if threads != pl.thread_pool_size():
        sys.exit(f"set POLARS_MAX_THREADS={threads}; Polars runs with {pl.thread_pool_size()}")
    _write(board_result(bucket), out / "board_result.parquet")
    _write(routing_stage(bucket), out / "routing_stage.parquet")
    _write(production_hourly(out), out / "production_hourly.parquet")


def _utc(local: pl.Expr) -> pl.Expr:
    return local.dt.offset_by(f"-{bench.OFFSET_MIN}m").dt.replace_time_zone("UTC")


def _known(column: str) -> pl.Expr:
    return pl.when(~pl.col(column).is_in(bench.UNKNOWN)).then(pl.col(column))


def _write(frame: pl.LazyFrame, to: Path) -> None:
    frame.sink_parquet(to, compression="zstd")


if __name__ == "__main__":
    bench.measure("polars", refine)
