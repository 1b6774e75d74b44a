"""The expected sheets of the reports, computed from silver alone.

Promise: written from the definitions of the KPIs and of the tables, not from the statements of the reports.
A sheet is a list of rows in the order of its columns.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import oee

IST = timedelta(seconds=oee.OFFSET_S)
SHIFT = oee.SHIFT[0]
UNKNOWN_ITEM = "unknown item"
STOPS = ("unplanned_stop", "minor_stop", "idle")
TIMELINE = {
    "apt_s": "running",
    "aust_s": "setup",
    "planned_stop_s": "planned",
    "no_production_planned_s": "planned",
    "adet_s": "stopped",
    "adot_s": "idle",
}
LOSSES = ("breakdown", "setup", "minor_stop", "no_order", "reduced_speed")
LANDED = {
    "board_inspection": "quality",
    "board_result": "results",
    "bom_line": "production",
    "cycle_time": "cycle_times",
    "item": "items",
    "machine_event": "machine_events",
    "material_record": "item",
    "production_plan": "plans_shift_wise",
    "routing_stage": "routing_stages",
    "temperature": "temperature_message",
    "warehouse_entry": "warehouse",
    "work_order": "workorders",
}

Rows = list[tuple]


@dataclass(frozen=True)
class Board:
    """A board made, with its verdict and its ideal time."""

    unit: str
    item: str | None
    order: str | None
    day: date
    production_day: date
    hour: int
    shift: str | None
    verdict: str | None
    defect: str | None
    ideal_ms: int | None


@dataclass(frozen=True)
class Run:
    """A time of a unit in one state, within a shift; `state` is None for time without a record."""

    unit: str
    from_s: int
    to_s: int
    state: str | None
    reason: str | None
    order: str | None


def local(at: datetime) -> datetime:
    return (at + IST).replace(tzinfo=None)


def ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None


class Plant:
    """Silver, read once, and what follows from it."""

    def __init__(self, lake: str) -> None:
        self.lake = lake
        self.orders = {row["work_order"]: row for row in self.rows("work_order")}
        self.boards = self._boards()
        self.plan = self.rows("production_plan")
        sums: dict = defaultdict(Counter)
        oee.time_sums(lake, sums)
        self.sums = oee.finished(sums, oee.board_sums(lake, sums))

    def rows(self, table: str) -> list[dict]:
        return oee.rows_of(self.lake, f"silver.{table}")

    def _boards(self) -> list[Board]:
        surfaces = {it["routing_stage_id"]: it["surface"] for it in self.rows("routing_stage")}
        cycles = {it["item"]: it["ideal_cycle_ms"] for it in self.rows("cycle_time")}
        looked = {it["inspection"]: it for it in self.rows("board_inspection")}
        boards = []
        for row in self.rows("board_result"):
            if surfaces.get(row["routing_stage_id"]) != 1:
                continue
            at, order = local(row["inspected_at"]), self.orders.get(row["work_order"])
            item = order["item"] if order else None
            inspection = looked.get(row["result_id"], {})
            boards.append(
                Board(
                    unit=row["station"],
                    item=item,
                    order=row["work_order"],
                    day=at.date(),
                    production_day=(at - timedelta(hours=9)).date(),
                    hour=at.hour,
                    shift=SHIFT if 9 <= at.hour < 21 else None,
                    verdict=inspection.get("verdict"),
                    defect=inspection.get("defect"),
                    ideal_ms=cycles.get(item),
                )
            )
        return boards

    def total(self, keys: list) -> Counter:
        total: Counter = Counter()
        for key in keys:
            total.update(self.sums[key])
        return total

    def keys(self, first: date, last: date, shift: Any = any, unit: str | None = None) -> list:
        return [
            key
            for key in sorted(self.sums, key=str)
            if str(first) <= key[0] <= str(last)
            and (shift is any or key[1] == shift)
            and unit in (None, key[2])
        ]

    def planned_and_made(self, key: Any, keep: Any) -> dict:
        """Boards planned and made by `key`, of those to `keep`: both see day, hour, shift, station, item, order."""
        found: dict = defaultdict(lambda: [0, 0])
        for row in self.plan:
            it = tuple(
                row[name]
                for name in ("day_local", "hour_local", "shift", "station", "item", "work_order")
            )
            if keep(it):
                found[key(it)][0] += row["quantity"]
        for board in self.boards:
            it = (board.day, board.hour, board.shift, board.unit, board.item, board.order)
            if keep(it):
                found[key(it)][1] += 1
        return found


def kpis(s: Counter) -> dict[str, tuple]:
    """Value, bounds and reason of each KPI over summed columns."""
    no_events = s["unknown_s"] > 0 and s["apt_s"] + s["aust_s"] + s["adet_s"] + s["adot_s"] == 0
    no_ideal = s["pq"] > 0 and s["ideal_unknown"] == s["pq"]
    no_verdict = s["pq"] > 0 and s["verdict_unknown"] == s["pq"]
    empty = s["unknown_s"] > 0 and s["unknown_s"] == s["pbt_s"] and s["pq"] == 0
    known_s = s["pbt_s"] if s["no_boards_ms"] > 0 and s["pq"] == 0 else s["pbt_s"] - s["unknown_s"]

    def kpi(value: tuple, low: tuple, high: tuple, reasons: list, none: str) -> tuple:
        reason = next((say for when, say in reasons if when), None)
        if reason is not None:
            return None, None, None, reason
        return ratio(*value), ratio(*low), ratio(*high), none if value[1] == 0 else None

    events, verdicts = (
        (no_events, "no machine events"),
        (no_verdict, "no verdicts of the quality system"),
    )
    ideal = (no_ideal, "no ideal cycle times")
    good, pbt_ms = s["ideal_gq_ms"], s["pbt_s"] * 1000
    best = good + s["ideal_verdict_unknown_ms"] + s["no_boards_ms"]
    shares = {
        name: kpi(
            (s[of], over),
            (s[of], s["pq"]),
            (s[of] + s["verdict_unknown"], s["pq"]),
            [verdicts],
            "no boards",
        )
        for name, of, over in [
            ("quality", "gq", s["pq"]),
            ("yield", "gq", s["pq"] - s["verdict_unknown"]),
            ("rework", "rq", s["pq"]),
            ("scrap", "sq", s["pq"]),
        ]
    }
    failures = s["breakdowns"]
    return shares | {
        "oee": kpi(
            (good, pbt_ms),
            (good, pbt_ms),
            (best, known_s * 1000),
            [ideal, verdicts, (empty, "no machine events and no boards")],
            "no planned time",
        ),
        "availability": kpi(
            (s["apt_s"], s["pbt_s"]),
            (s["apt_s"], s["pbt_s"]),
            (s["apt_s"] + s["unknown_s"], s["pbt_s"]),
            [events],
            "no planned time",
        ),
        "effectiveness": kpi(
            (s["ideal_pq_ms"], s["apt_s"] * 1000),
            (s["ideal_pq_ms"], (s["apt_s"] + s["unknown_s"]) * 1000),
            (s["ideal_pq_ms"] + s["no_boards_ms"], s["apt_s"] * 1000),
            [(s["unknown_s"] > 0 and s["apt_s"] == 0, "no machine events"), ideal],
            "no production",
        ),
        "mtbf": kpi((s["apt_s"] / 60, failures), (0, 1), (0, 1), [events], "no failure"),
        "mttr": kpi((s["breakdown_s"] / 60, failures), (0, 1), (0, 1), [events], "no failure"),
    }


def runs(plant: Plant, day: date) -> list[Run]:
    """What each unit did in the shift of a day: each second belongs to the event that began last."""
    events, seen = defaultdict(list), defaultdict(list)
    for event in plant.rows("machine_event"):
        events[event["unit"]].append(event)
    for row in plant.rows("board_result"):
        if row["station"] is not None:
            seen[row["station"]].append(oee.seconds(row["inspected_at"]))
    midnight = (
        int((datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)).total_seconds())
        - oee.OFFSET_S
    )
    found = []
    for unit in sorted(set(events) | set(seen)):
        own = sorted(events[unit], key=lambda event: event["started_at"])
        spans = [(oee.seconds(it["started_at"]), oee.seconds(it["ended_at"])) for it in own]
        known = seen[unit] + [span[0] for span in spans] + [span[1] - 1 for span in spans]
        from_s = max(midnight + oee.SHIFT[1], min(known))
        to_s = min(midnight + oee.SHIFT[2], max(known) + 1)
        owner = [-1] * max(0, to_s - from_s)
        for number, (begin, end) in enumerate(spans):
            for second in range(max(begin, from_s), min(end, to_s)):
                owner[second - from_s] = number
        start = 0
        for at in range(1, len(owner) + 1):
            if at == len(owner) or owner[at] != owner[start]:
                event = own[owner[start]] if owner[start] >= 0 else {}
                found.append(
                    Run(
                        unit,
                        from_s + start,
                        from_s + at,
                        event.get("state"),
                        event.get("reason"),
                        event.get("work_order"),
                    )
                )
                start = at
    return found


def losses(plant: Plant, first: date, last: date, shift: Any) -> dict[tuple[str, str], int]:
    """Milliseconds lost by unit and loss; those without a loss are left out."""
    lost: Counter = Counter()
    names: set = set()
    for key in plant.keys(first, last, shift):
        s = plant.sums[key]
        parts = {
            "breakdown": (s["adet_s"] - s["minor_stop_s"]) * 1000,
            "setup": s["aust_s"] * 1000,
            "minor_stop": s["minor_stop_s"] * 1000,
            "no_order": s["adot_s"] * 1000,
            "unknown_time": s["unknown_s"] * 1000,
            "reduced_speed": s["apt_s"] * 1000 - s["ideal_pq_ms"],
        }
        for loss, ms in parts.items():
            lost[key[2], loss] += ms
            names |= {(key[2], loss)} if ms else set()
    for board in plant.boards:
        is_within = first <= board.production_day <= last and (shift is any or board.shift == shift)
        if is_within and board.verdict != "good" and board.ideal_ms is not None:
            name = board.unit, board.verdict or "verdict_unknown"
            lost[name] += board.ideal_ms
            names.add(name)
    return {name: lost[name] for name in names}


def prices(plant: Plant) -> dict[str, Decimal | None]:
    """The mean unit price of each item number, to four places."""
    found = defaultdict(list)
    for row in plant.rows("material_record"):
        found[row["item_no"]].append(row["unit_price"])
    mean = {}
    for item, values in found.items():
        known = [Decimal(value) for value in values if value is not None]
        price = sum(known) / len(known) if known else None
        mean[item] = price and price.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return mean


def value_of(entries: list[dict], mean: dict) -> tuple:
    """Entries, quantity, value and quantity without a price."""
    value, unpriced, quantity, has_price = Decimal(0), Decimal(0), Decimal(0), False
    for entry in entries:
        pieces, price = Decimal(entry["quantity_base"]), mean.get(entry["item_no"])
        quantity += pieces
        if price is None:
            unpriced += pieces
        else:
            has_price = True
            value += (pieces * price).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return len(entries), float(quantity), float(value) if has_price else None, float(unpriced)
