"""The sheets of each report of the reference plant, by report and query.

Promise: each function returns the expected rows of a report, computed by `report_truth` from silver. A query
that is missing here is not compared, and the case fails.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import lake as lakes
import oee
from report_truth import (
    IST,
    LANDED,
    LOSSES,
    SHIFT,
    STOPS,
    TIMELINE,
    UNKNOWN_ITEM,
    Plant,
    Rows,
    kpis,
    local,
    losses,
    ratio,
    runs,
)

Sheets = dict[str, Rows]


def clock(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None) + IST


def of_hours(found: dict) -> Rows:
    """Hour, planned, made, difference, difference so far."""
    rows, so_far = [], 0
    for hour, (planned, made) in sorted(found.items()):
        so_far += made - planned
        rows.append((f"{hour:02}:00", planned, made, made - planned, so_far))
    return rows


def of_losses(lost: dict, pbt_s: int, unit_ms: int) -> Rows:
    total: dict[str, int] = defaultdict(int)
    for (_, loss), ms in lost.items():
        total[loss] += ms
    rows = [
        (it.replace("_", " "), ms / unit_ms, ratio(ms, pbt_s * 1000)) for it, ms in total.items()
    ]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def shift_summary(plant: Plant, day: date) -> Sheets:
    in_shift = lambda it: it[0] == day and it[2] == SHIFT  # noqa: E731
    keys = plant.keys(day, day, SHIFT)
    total = plant.total(keys)
    plan = plant.planned_and_made(lambda it: it[3], in_shift)
    planned, made = sum(it[0] for it in plan.values()), sum(it[1] for it in plan.values())
    figures = kpis(total)
    states = [
        part
        for name in ("oee", "availability", "effectiveness", "quality")
        for part in figures[name]
    ]
    summary = (planned, made, ratio(made, planned), *states)
    counts = (total["gq"], total["rq"], total["sq"], total["verdict_unknown"])
    unknown = (total["unknown_s"] / 60, ratio(total["unknown_s"], total["pbt_s"]))
    units = []
    for key in sorted(keys, key=lambda key: key[2]):
        sums = plant.sums[key]
        it = kpis(sums)
        shares = (*it["oee"][:3], it["availability"][0], it["effectiveness"][0], it["quality"][0])
        head = (key[2], plan.get(key[2], [0, 0])[0], sums["pq"])
        units.append((*head, *shares, sums["breakdowns"], sums["adet_s"] / 60, it["oee"][3] or ""))
    all_runs = runs(plant, day)
    # A run of production without boards and without a plan is an hour of its own.
    hours = plant.planned_and_made(lambda it: it[1], in_shift)
    for run in all_runs:
        if run.state == "production":
            for hour in range(clock(run.from_s).hour, clock(run.to_s - 1).hour + 1):
                hours[hour][0] += 0
    stops = [run for run in all_runs if run.state in STOPS]
    stops.sort(key=lambda run: (run.from_s - run.to_s, run.from_s, run.unit))
    items = plant.planned_and_made(lambda it: it[4] or UNKNOWN_ITEM, in_shift)
    made_items = [(item, it[0], it[1], it[1] - it[0]) for item, it in items.items() if it[1] > 0]
    lost = losses(plant, day, day, SHIFT)
    return {
        "summary": [(*summary, *counts, *unknown)] if keys else [],
        "hours": of_hours(hours),
        "units": units,
        "losses": of_losses(lost, total["pbt_s"], 60_000),
        "timeline": timeline(plant, all_runs),
        "stops": [
            (
                run.unit,
                clock(run.from_s),
                clock(run.to_s),
                (run.to_s - run.from_s) / 60,
                (run.reason or run.state).replace("_", " "),
                run.order,
            )
            for run in stops[:10]
        ],
        "items": sorted(made_items, key=lambda row: (-row[2], row[0]))[:10],
        "alarms": alarms(plant, day),
    }


def timeline(plant: Plant, all_runs: list) -> Rows:
    """Seconds by unit and state; the case sums the sheet up likewise."""
    seconds: dict = defaultdict(int)
    for run in all_runs:
        name = (
            "unknown"
            if run.state is None
            else TIMELINE[oee.category(run.state, run.reason, run.order)]
        )
        seconds[run.unit, name] += run.to_s - run.from_s
    return [(*key, value) for key, value in sorted(seconds.items())]


def alarms(plant: Plant, day: date) -> Rows:
    found: dict = defaultdict(list)
    for row in plant.rows("alarm_event"):
        at = local(row["at"])
        is_raised = row["transition"] == "raised" or (
            row["transition"] == "shelving_expired" and row["to_state"] == "unacknowledged"
        )
        if is_raised and at.date() == day and 9 <= at.hour < 21:
            found[row["priority"], row["rule"], row["object"]].append(at)
    rows = [(*key, len(times), min(times), max(times)) for key, times in found.items()]
    return sorted(rows, key=lambda row: (row[0], -row[3], row[1], row[2]))[:20]


def daily_production(plant: Plant, day: date) -> Sheets:
    of_day = lambda it: it[0] == day  # noqa: E731
    cells = plant.planned_and_made(lambda it: it, of_day)
    plans = {
        tuple(
            row[name]
            for name in ("day_local", "hour_local", "shift", "station", "item", "work_order")
        )
        for row in plant.plan
    }
    off_plan: dict = defaultdict(int)
    for key, (_, made) in cells.items():
        off_plan[key[3]] += made if key not in plans else 0
    planned, made = sum(it[0] for it in cells.values()), sum(it[1] for it in cells.values())
    items = plant.planned_and_made(lambda it: (it[3], it[4]), of_day)
    stations = plant.planned_and_made(lambda it: it[3], of_day)
    by_item = plant.planned_and_made(lambda it: it[4], of_day)
    known = {item for _, item in items if item is not None}
    top = sorted((-it[1], item) for item, it in by_item.items() if it[1] > 0 and item is not None)
    attained = lambda it: ratio(it[1], it[0])  # noqa: E731
    hours = of_hours(plant.planned_and_made(lambda it: it[1], of_day))
    return {
        "summary": [
            (
                planned,
                made,
                made - planned,
                ratio(made, planned),
                sum(off_plan.values()),
                len(known),
                len(stations),
            )
        ]
        if cells
        else [],
        "hours": [(*row, ratio(row[2], row[1])) for row in hours],
        "stations": [
            (
                station,
                *it,
                it[1] - it[0],
                off_plan[station],
                attained(it),
                len({item for of, item in items if of == station and item is not None}),
            )
            for station, it in sorted(stations.items())
        ],
        "top_items": [(rank, item, -made) for rank, (made, item) in enumerate(top[:10], 1)],
        "items": sorted(
            (
                (key[0], key[1] or UNKNOWN_ITEM, *it, it[1] - it[0], attained(it))
                for key, it in items.items()
            ),
            key=lambda row: (row[0], -row[3], -row[2], row[1]),
        ),
    }


def weekly_oee(plant: Plant, monday: date) -> Sheets:
    last = monday + timedelta(days=6)
    summary = []
    for name, start in (("this week", monday), ("week before", monday - timedelta(days=7))):
        keys = plant.keys(start, start + timedelta(days=6))
        if not keys:
            continue
        total, days = plant.total(keys), sorted(date.fromisoformat(key[0]) for key in keys)
        it = kpis(total)
        states = [
            part for kpi in ("oee", "availability", "effectiveness", "quality") for part in it[kpi]
        ]
        counts = (total["pq"], total["pbt_s"] / 3600, total["breakdowns"])
        summary.append((name, days[0], days[-1], *states, *counts, it["mtbf"][0], it["mttr"][0]))
    keys = plant.keys(monday, last)
    lost = losses(plant, monday, last, any)
    return {
        "summary": summary,
        "days": [
            (
                date.fromisoformat(day),
                *of_unit(plant, [key for key in keys if key[0] == day], False),
            )
            for day in sorted({key[0] for key in keys})
        ],
        "units": [
            (unit, *of_unit(plant, [key for key in keys if key[2] == unit], True))
            for unit in sorted({key[2] for key in keys})
        ],
        "losses": of_losses(lost, plant.total(keys)["pbt_s"], 3_600_000),
        "losses_by_unit": [losses_of(lost, unit) for unit in sorted({unit for unit, _ in lost})],
    }


def of_unit(plant: Plant, keys: list, has_times: bool) -> tuple:
    total = plant.total(keys)
    it = kpis(total)
    shares = (*it["oee"][:3], it["availability"][0], it["effectiveness"][0], it["quality"][0])
    times = (it["mtbf"][0], it["mttr"][0]) if has_times else ()
    return (total["pq"], *shares, total["breakdowns"], *times, it["oee"][3] or "")


def losses_of(lost: dict, unit: str) -> tuple:
    hours = lambda *names: sum(lost.get((unit, name), 0) for name in names) / 3_600_000  # noqa: E731
    known = [hours(name) for name in LOSSES]
    whole = sum(ms for (of, _), ms in lost.items() if of == unit) / 3_600_000
    return (unit, *known, hours("scrap", "rework"), hours("unknown_time", "verdict_unknown"), whole)


def quality(plant: Plant, day: date, unit: str, days: int) -> Sheets:
    first = day - timedelta(days=days - 1)
    keys = plant.keys(first, day)

    def row(sums: Any, is_short: bool = False) -> tuple:
        it = kpis(sums)["yield"]
        counts = (sums["pq"], sums["gq"], sums["rq"], sums["sq"], sums["verdict_unknown"])
        return (sums["pq"], sums["rq"], sums["sq"], it[0]) if is_short else (*counts, *it[:3])

    def by(part: int) -> Rows:
        names = sorted({key[part] for key in keys})
        sums = [(name, plant.total([key for key in keys if key[part] == name])) for name in names]
        return [(name, *row(it)) for name, it in sums if it["pq"] > 0]

    boards = [board for board in plant.boards if first <= board.production_day <= day]
    names = {"good": "gq", "rework": "rq", "scrap": "sq", None: "verdict_unknown"}
    items: dict = defaultdict(lambda: defaultdict(int))
    defects: dict = defaultdict(lambda: [0, 0])
    for board in boards:
        items[board.item or UNKNOWN_ITEM]["pq"] += 1
        items[board.item or UNKNOWN_ITEM][names[board.verdict]] += 1
        if board.verdict in ("rework", "scrap"):
            defects[(board.defect or "not recorded").replace("_", " ")][
                board.verdict == "scrap"
            ] += 1
    total = plant.total(keys)
    figures = kpis(total)
    states = [part for name in ("yield", "rework", "scrap") for part in figures[name]]
    known = [
        (item, *row(it, True)) for item, it in items.items() if it["pq"] > it["verdict_unknown"]
    ]
    return {
        "summary": [(*row(total)[:5], *states)] if boards else [],
        "days": [(date.fromisoformat(it[0]), *it[1:]) for it in by(0)],
        "units": by(2),
        "items": sorted(known, key=lambda it: (it[4], it[0]))[:10],
        "defects": sorted(
            ((defect, sum(it), *it) for defect, it in defects.items()),
            key=lambda it: (-it[1], it[0]),
        ),
        "control": control(plant, day, unit),
    }


RULES = [
    "beyond three sigma",
    "nine on one side",
    "six rising or falling",
    "fourteen alternating",
    "two of three beyond two sigma",
    "four of five beyond one sigma",
    "fifteen within one sigma",
    "eight beyond one sigma",
]


def control(plant: Plant, day: date, unit: str) -> Rows:
    points = [
        (key[0], sums["pq"] - sums["verdict_unknown"], sums["gq"])
        for key, sums in plant.sums.items()
        if key[1] == SHIFT and key[2] == unit and sums["pq"] > sums["verdict_unknown"]
    ]
    points.sort()
    rows, z, values = [], [], []
    centre = ratio(sum(it[2] for it in points), sum(it[1] for it in points))
    for of_day, size, good in points:
        sigma = (centre * (1 - centre) / size) ** 0.5
        values.append(good / size)
        z.append((values[-1] - centre) / sigma if sigma > 0 else None)
        broken = [
            text
            for text, is_broken in zip(RULES, oee.rules(z, values).values(), strict=True)
            if is_broken
        ]
        limits = (max(0.0, centre - 3 * sigma), centre, min(1.0, centre + 3 * sigma))
        rows.append(
            (
                date.fromisoformat(of_day),
                SHIFT,
                size,
                values[-1],
                *limits,
                broken[0] if broken else "",
            )
        )
    return [row for row in rows if row[0] <= day][-30:]


def data_quality(plant: Plant, day: date) -> Sheets:
    """Of a lake whose dumps landed once, on `day`: every record is in bronze, and silver has what is left."""
    rejected: dict = defaultdict(int)
    for row in plant.rows("rejected"):
        if local(row["_rejected_at"]).date() == day:
            key = (
                row["table_name"],
                row["column_name"] or "",
                row["reason"].replace("_", " "),
                row["rule"] or "",
            )
            rejected[key] += 1
    balance = []
    for table, bronze in sorted(LANDED.items()):
        if f"bronze.{bronze}" not in lakes.tables(plant.lake):
            continue
        read = (
            lakes.open_table(plant.lake, f"bronze.{bronze}")
            .to_pyarrow_table(columns=["_run"])
            .num_rows
        )
        silver = len(plant.rows(table))
        lost = sum(count for key, count in rejected.items() if key[0] == table)
        balance.append((table, read, silver, read - silver - lost, lost, ratio(lost, read), 0))
    reasons: dict = defaultdict(int)
    for key, count in rejected.items():
        reasons[key[2]] += count
    return {
        "balance": balance,
        "reasons": sorted(reasons.items(), key=lambda it: (-it[1], it[0])),
        "rejected": sorted(
            ((*key, n) for key, n in rejected.items()), key=lambda it: (-it[4], *it[:4])
        ),
    }
