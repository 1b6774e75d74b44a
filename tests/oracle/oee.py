"""Computes `gold.oee_shift` and `gold.spc` anew from the silver tables and compares every row.

Promise: written from the formulas of ISO 22400-2 and the calendar of the reference plant, second by
second in numpy; no SQL of the plant is read. Exit code 1 if anything differs.

    python oee.py --lake DIR
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import lake as lakes
import numpy as np
from checks import Report

# The reference plant: one shift from 09:00 to 21:00, and a clock that never changes.
OFFSET_S = 19_800
SHIFT = ("G", 9 * 3600, 21 * 3600)
DAY_S = 86_400
STATES = ("production", "setup", "planned_stop", "unplanned_stop", "minor_stop", "idle")
REST = ("off_shift", "holiday")
SHOWN_ROWS = 5


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def production_day(at_s: int) -> int:
    """The day since 1970 whose shift began last."""
    return (at_s + OFFSET_S - SHIFT[1]) // DAY_S


def is_in_shift(at_s: int) -> bool:
    return SHIFT[1] <= (at_s + OFFSET_S) % DAY_S < SHIFT[2]


def day_text(day: int) -> str:
    return str(date(1970, 1, 1) + timedelta(days=day))


def rows_of(lake: str, table: str) -> list[dict]:
    """The rows of a table; none of a table that the plant has no dump for."""
    if table not in lakes.tables(lake):
        return []
    return lakes.read(lake, table).to_pylist()


def time_sums(lake: str, sums: dict) -> None:
    """Adds the seconds of every unit, each to the state that began last of those that have it."""
    events = defaultdict(list)
    for event in rows_of(lake, "silver.machine_event"):
        events[event["unit"]].append(event)
    seen = defaultdict(list)
    for board in rows_of(lake, "silver.board_result"):
        if board["station"] is not None:
            seen[board["station"]].append(seconds(board["inspected_at"]))
    for unit in set(events) | set(seen):
        own = sorted(events[unit], key=lambda event: event["started_at"])
        ends = [seconds(event["started_at"]) for event in own] + seen[unit]
        ends += [seconds(event["ended_at"]) - 1 for event in own]
        # The ledger covers the time from the first known second of the unit to the last, no more.
        origin, end = min(ends), max(ends) + 1
        owner = np.full(end - origin, -1)
        claims = np.zeros(len(owner), dtype=int)
        for number, event in enumerate(own):
            place = slice(seconds(event["started_at"]) - origin, seconds(event["ended_at"]) - origin)
            owner[place] = number
            claims[place] += 1
        local = np.arange(origin, end) + OFFSET_S
        in_shift = (local % DAY_S >= SHIFT[1]) & (local % DAY_S < SHIFT[2])
        days = (local - SHIFT[1]) // DAY_S
        said = [(event["state"], event["reason"], event["work_order"]) for event in own]
        for day in range(production_day(origin), production_day(end - 1) + 1):
            for shift, wanted in ((SHIFT[0], True), (None, False)):
                places = np.flatnonzero((days == day) & (in_shift == wanted))
                if len(places) > 0:
                    add_seconds(sums[day_text(day), shift, unit], owner, claims, places, said)


def add_seconds(into: Counter, owner: np.ndarray, claims: np.ndarray, places, said: list) -> None:
    into["calendar_s"] += len(places)
    into["overlap_s"] += int(np.maximum(claims[places] - 1, 0).sum())
    numbers, counts = np.unique(owner[places], return_counts=True)
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        if number < 0:
            # A place tells by itself whether it lies within the shift: all of them do, or none.
            into["nobody_s"] += count
            continue
        state, reason, order = said[number]
        into[category(state, reason, order)] += count
        into["order_s"] += count if order is not None else 0
        if order is not None and state == "unplanned_stop":
            into["breakdown_s"] += count
        if order is not None and state == "minor_stop":
            into["minor_stop_s"] += count
    before = np.where(places > 0, owner[places - 1], -1)
    for place in places[before != owner[places]].tolist():
        number, last = int(owner[place]), int(owner[place - 1]) if place > 0 else -1
        is_failure = number >= 0 and said[number][0] == "unplanned_stop"
        if is_failure and said[number][2] is not None and (last < 0 or said[last] != said[number]):
            into["breakdowns"] += 1


def category(state: str, reason: str | None, order: str | None) -> str:
    if state not in STATES:
        raise ValueError(f"{state} is no state")
    if state == "production":
        return "apt_s"
    if state == "setup":
        return "aust_s"
    if state == "planned_stop":
        return "no_production_planned_s" if reason in REST else "planned_stop_s"
    return "adot_s" if order is None else "adet_s"


def board_sums(lake: str, sums: dict) -> int:
    """Adds the boards made; returns the longest ideal time."""
    surfaces = {row["routing_stage_id"]: row["surface"] for row in rows_of(lake, "silver.routing_stage")}
    items = {row["work_order"]: row["item"] for row in rows_of(lake, "silver.work_order")}
    verdicts = {row["inspection"]: row["verdict"] for row in rows_of(lake, "silver.board_inspection")}
    cycles = {row["item"]: row["ideal_cycle_ms"] for row in rows_of(lake, "silver.cycle_time")}
    for board in rows_of(lake, "silver.board_result"):
        if surfaces.get(board["routing_stage_id"]) != 1:
            continue
        at_s = seconds(board["inspected_at"])
        shift = SHIFT[0] if is_in_shift(at_s) else None
        into = sums[day_text(production_day(at_s)), shift, board["station"]]
        verdict = verdicts.get(board["result_id"])
        ideal_ms = cycles.get(items.get(board["work_order"]))
        into["pq"] += 1
        names = {"good": "gq", "scrap": "sq", "rework": "rq", None: "verdict_unknown"}
        into[names[verdict]] += 1
        into["ideal_unknown"] += ideal_ms is None
        into["ideal_pq_ms"] += ideal_ms or 0
        into["ideal_gq_ms"] += (ideal_ms or 0) if verdict == "good" else 0
        into["ideal_verdict_unknown_ms"] += (ideal_ms or 0) if verdict is None else 0
    return max(cycles.values(), default=0)


def finished(sums: dict, longest_ms: int) -> dict:
    """The rows as the table has them."""
    boards = Counter()
    for (day, _, _), into in sums.items():
        boards[day] += into["pq"]
    rows = {}
    for (day, shift, unit), into in sums.items():
        nobody_s = into.pop("nobody_s", 0)
        into["unknown_s" if shift is not None else "no_production_planned_s"] += nobody_s
        into["pot_s"] = into["calendar_s"] - into["no_production_planned_s"]
        into["pbt_s"] = into["pot_s"] - into["planned_stop_s"]
        open_s = into["apt_s"] + into["unknown_s"]
        into["no_boards_ms"] = open_s * 1000 + longest_ms if open_s > 0 and boards[day] == 0 else 0
        rows[day, shift, unit] = into
    return rows


def close(left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return left is right
    return abs(left - right) < 1e-9


def rules(z: list, values: list[float]) -> dict:
    """The rules of Nelson for the last of the given points, by looking back point by point."""

    def last(count: int) -> list | None:
        return z[-count:] if len(z) >= count else None

    def side(count: int, least: int, beyond: float) -> bool | None:
        points = last(count)
        if points is None:
            return None
        above = sum(it is not None and it > beyond for it in points)
        below = sum(it is not None and it < -beyond for it in points)
        return max(above, below) >= least

    steps = [right - left for left, right in zip(values, values[1:], strict=False)]
    six, fourteen = steps[-5:], steps[-13:]
    within, beyond = last(15), last(8)
    return {
        "nelson_1": None if z[-1] is None else abs(z[-1]) > 3,
        "nelson_2": side(9, 9, 0),
        "nelson_3": None
        if len(z) < 6
        else all(it > 0 for it in six) or all(it < 0 for it in six),
        "nelson_4": None
        if len(z) < 14
        else all(a * b < 0 for a, b in zip(fourteen, fourteen[1:], strict=False)),
        "nelson_5": side(3, 2, 2),
        "nelson_6": side(5, 4, 1),
        "nelson_7": None if within is None else all(it is not None and abs(it) < 1 for it in within),
        "nelson_8": None if beyond is None else all(it is not None and abs(it) > 1 for it in beyond),
    }


def charts(report: Report, lake: str, shifts: dict) -> None:
    """Compares the p charts of first pass yield, every row and rule."""
    points = defaultdict(list)
    for (day, shift, unit), into in shifts.items():
        inspected = into["pq"] - into["verdict_unknown"]
        if shift is not None and inspected > 0:
            points[unit].append((day, shift, inspected, into["gq"]))
    given = {
        (row["subject"], str(row["production_day"]), row["shift"]): row
        for row in rows_of(lake, "gold.spc")
        if row["chart"] == "first_pass_yield"
    }
    wrong = []
    for unit, shifts_of in points.items():
        centre = sum(it[3] for it in shifts_of) / sum(it[2] for it in shifts_of)
        z: list = []
        values: list[float] = []
        for day, shift, inspected, good in sorted(shifts_of):
            sigma = (centre * (1 - centre) / inspected) ** 0.5
            values.append(good / inspected)
            z.append((values[-1] - centre) / sigma if sigma > 0 else None)
            row = given.pop((unit, day, shift), None)
            expected = rules(z, values)
            is_same = row is not None and close(row["z"], z[-1]) and close(row["centre"], centre)
            if not is_same or any(row[name] != value for name, value in expected.items()):
                wrong.append(f"{unit} {day} {shift}: is {row}, must be {z[-1]}, {expected}")
    wrong += [f"{key}: must not be there" for key in given]
    reason = "\n".join([f"{len(wrong)} differ", *wrong[:SHOWN_ROWS]])
    report.check(f"gold.spc ({sum(map(len, points.values()))} rows)", not wrong, reason)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--lake", required=True)
    lake = arguments.parse_args().lake
    report = Report()
    sums: dict = defaultdict(Counter)
    time_sums(lake, sums)
    wanted = finished(sums, board_sums(lake, sums))
    charts(report, lake, wanted)
    wrong = []
    given = rows_of(lake, "gold.oee_shift")
    for row in given:
        key = (str(row.pop("production_day")), row.pop("shift"), row.pop("unit"))
        row.pop("line")
        expected = wanted.pop(key, None)
        if expected is None:
            wrong.append(f"{key}: must not be there")
            continue
        wrong += [
            f"{key} {name}: is {value}, must be {expected[name]}"
            for name, value in row.items()
            if value != expected[name]
        ]
    wrong += [f"{key}: is not there" for key in wanted]
    reason = "\n".join([f"{len(wrong)} differ", *wrong[:SHOWN_ROWS]])
    report.check("there are rows to compare", len(given) > 0)
    report.check(f"gold.oee_shift ({len(given)} rows)", not wrong, reason)
    return report.finish()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Threads of Arrow that still end while the interpreter does can abort it: everything is said.
    os._exit(code)
