"""Messages of a file into bronze and silver, as one would write it with Polars.

Promise: keeps each line as it is, reads time by its four formats, leaves out what lacks a field or
repeats a reading, writes both as Parquet.

    python bench_stream_polars.py MESSAGES OUT
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("POLARS_MAX_THREADS", "2")

import polars as pl

MESSAGE = pl.Struct(
    {
        "plant_name": pl.String,
        "lane_number": pl.String,
        "timestamp": pl.String,
        "temperature": pl.String,
        "component_info": pl.Struct(
            {"component_type": pl.String, "component_manufacturer": pl.String}
        ),
    }
)
SENSOR = ("plant", "lane", "component", "manufacturer")


def at() -> pl.Expr:
    time = pl.col("timestamp")

    def spelled(form: str) -> pl.Expr:
        return time.str.to_datetime(form, strict=False, time_unit="us")

    epoch = pl.from_epoch(time.cast(pl.Int64, strict=False), time_unit="s").cast(pl.Datetime("us"))
    formats = (
        pl.when(time.str.len_bytes() == 14)
        .then(spelled("%Y%m%d%H%M%S"))
        .when(time.str.contains("-", literal=True))
        .then(spelled("%Y-%m-%d %H:%M:%S"))
        .when(time.str.contains("/", literal=True))
        .then(spelled("%Y/%m/%d %H:%M:%S"))
        .otherwise(epoch)
    )
    return formats.dt.replace_time_zone("UTC").alias("at")


def silver(bronze: pl.LazyFrame) -> pl.LazyFrame:
    fields = bronze.select(pl.col("payload").str.json_decode(MESSAGE).alias("m")).unnest("m")
    columns = fields.unnest("component_info").select(
        pl.col("plant_name").alias("plant"),
        pl.col("lane_number").alias("lane"),
        pl.col("component_type").alias("component"),
        pl.col("component_manufacturer").alias("manufacturer"),
        at(),
        pl.col("temperature").cast(pl.Float64, strict=False).alias("temp_c"),
    )
    good = columns.drop_nulls().filter(pl.col("temp_c").is_between(-50, 300))
    named = good.with_columns(pl.concat_str(SENSOR, separator=".").alias("sensor"))
    return named.unique(["sensor", "at", "temp_c"])


def main(messages: str, out: str) -> None:
    lines = pl.scan_csv(
        messages, has_header=False, separator="\x01", quote_char=None, schema={"payload": pl.String}
    )
    lines.sink_parquet(f"{out}/bronze.parquet", compression="zstd")
    bronze = pl.scan_parquet(f"{out}/bronze.parquet")
    silver(bronze).sink_parquet(f"{out}/silver.parquet", compression="zstd")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
