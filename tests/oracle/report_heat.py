"""The expected sheets of the report of temperatures, computed from the readings in silver with Polars."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import polars as pl

import lake as lakes
from report_truth import IST, Rows

LIMIT_C = 50
KNOWN_DAYS = 7


def readings(lake: str) -> pl.DataFrame:
    if "silver.temperature" not in lakes.tables(lake):
        return pl.DataFrame()
    columns = ["sensor", "plant", "lane", "component", "manufacturer", "at", "temp_c"]
    frame = pl.from_arrow(lakes.read(lake, "silver.temperature", columns))
    local = (pl.col("at").dt.convert_time_zone("UTC").dt.replace_time_zone(None) + IST).alias(
        "local"
    )
    frame = frame.with_columns(
        local, pl.col("temp_c").cast(pl.Float64), pl.col("lane").cast(pl.String)
    )
    return frame.with_columns(
        pl.col("local").dt.truncate("1m").alias("minute"),
        pl.col("local").dt.truncate("1s").alias("second"),
    )


def temperatures(lake: str, day: date, silent_min: int) -> dict[str, Rows]:
    every = readings(lake)
    empty: dict[str, Rows] = {
        name: [] for name in ("summary", "hours", "hottest", "over_limit", "silent")
    }
    if every.is_empty():
        return empty
    of_day = every.filter(pl.col("local").dt.date() == day)
    over = of_day.filter(pl.col("temp_c") > LIMIT_C)
    minutes_over = lambda frame: frame.select("sensor", "minute").n_unique()  # noqa: E731
    seconds_over = lambda frame: frame.select("sensor", "second").n_unique()  # noqa: E731
    silent = gaps(every, day, silent_min)
    if of_day.is_empty():
        return empty | {"silent": silent}
    temp, minute = of_day["temp_c"], of_day["minute"]
    counts = (over["sensor"].n_unique(), minutes_over(over), seconds_over(over))
    hours = []
    for (hour,), frame in of_day.group_by(pl.col("local").dt.hour(), maintain_order=True):
        hot = minutes_over(over.filter(pl.col("local").dt.hour() == hour))
        temps = frame["temp_c"]
        hours.append(
            (
                f"{hour:02}:00",
                temps.max(),
                temps.mean(),
                hot,
                frame["sensor"].n_unique(),
                frame.height,
            )
        )
    hottest = []
    keys = ["plant", "lane", "component", "manufacturer"]
    for key, frame in of_day.group_by(["sensor", *keys]):
        peak = frame.filter(pl.col("temp_c") == frame["temp_c"].max())["minute"].min()
        hot = minutes_over(frame.filter(pl.col("temp_c") > LIMIT_C))
        raw = key[1], key[2], key[3].replace("_", " "), key[4]
        hottest.append((*raw, frame["temp_c"].max(), peak, frame["temp_c"].mean(), hot, key[3]))
    hottest.sort(key=lambda row: (-row[4], row[0], row[1], row[8], row[3]))
    above = [
        (
            sensor,
            frame["minute"].n_unique(),
            seconds_over(frame),
            frame["minute"].min(),
            frame["minute"].max(),
            frame["temp_c"].max(),
        )
        for (sensor,), frame in over.group_by("sensor")
    ]
    return {
        "summary": [
            (
                of_day["sensor"].n_unique(),
                of_day.height,
                minute.min(),
                minute.max(),
                temp.max(),
                temp.mean(),
                *counts,
            )
        ],
        "hours": sorted(hours),
        "hottest": [row[:8] for row in hottest[:15]],
        "over_limit": sorted(above, key=lambda row: (-row[2], row[0])),
        "silent": silent,
    }


def gaps(every: pl.DataFrame, day: date, silent_min: int) -> Rows:
    """Sensors without a reading for a while, minute by minute."""
    start = datetime.combine(day, time())
    end = start + timedelta(days=1)
    recent = every.filter(
        (pl.col("minute") >= start - timedelta(days=KNOWN_DAYS)) & (pl.col("minute") < end)
    )
    if recent.is_empty():
        return []
    first = max(start, recent["minute"].min())
    last = recent["minute"].max()
    length = int((last - first) / timedelta(minutes=1)) + 1
    rows = []
    for (sensor,), frame in recent.group_by("sensor"):
        heard = {
            int((at - first) / timedelta(minutes=1)) for at in frame["minute"].unique().to_list()
        }
        longest = run = missing = 0
        for minute in range(length):
            run = 0 if minute in heard else run + 1
            missing += minute not in heard
            longest = max(longest, run)
        if longest >= silent_min:
            rows.append((sensor, frame["minute"].max(), longest, missing))
    return sorted(rows, key=lambda row: (-row[2], row[0]))
