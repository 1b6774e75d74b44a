"""The expected sheets of the reports of stock and of work orders, computed from silver."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from report_truth import UNKNOWN_ITEM, Plant, Rows, prices, ratio, value_of

Sheets = dict[str, Rows]

AGES = [
    (0, "0-30"),
    (31, "31-60"),
    (61, "61-90"),
    (91, "91-180"),
    (181, "181-365"),
    (366, "366-540"),
]
AGES += [(541, "541-720"), (721, "over 720")]


def stock(plant: Plant, as_of: date, top: int, old_days: int) -> Sheets:
    entries, mean = plant.rows("warehouse_entry"), prices(plant)
    materials = {row["item_no"]: row for row in plant.rows("material")}
    buckets, bins, groups, lots = (defaultdict(list) for _ in range(4))
    for entry in entries:
        age = (as_of - entry["registered_on"]).days
        bucket = max((it for it in AGES if it[0] <= age), default=(-1, "after the as-of day"))
        material = materials.get(entry["item_no"], {})
        buckets[bucket].append(entry)
        bins[entry["bin"]].append(entry)
        groups[material.get("disc_group"), material.get("posting_group")].append(entry)
        lots[entry["lot_no"], entry["item_no"], material.get("description")].append(entry)
    whole = value_of(entries, mean)
    old = sum(value_of(of, mean)[2] or 0 for (age, _), of in buckets.items() if age > old_days)
    by_value = lambda row: (-(row[-2] or 0), *row[:-3])  # noqa: E731
    by_lot = lambda row: (-(row[-1] or 0), row[0] == "no lot", row[0], row[1])  # noqa: E731
    ageing = [(name, *value_of(of, mean)) for (_, name), of in sorted(buckets.items())]
    lot_rows = [
        (
            lot or "no lot",
            item,
            text,
            min(it["registered_on"] for it in of),
            *value_of(of, mean)[1:3],
        )
        for (lot, item, text), of in lots.items()
    ]
    return {
        "summary": [(as_of, *whole, old, ratio(old, whole[2] or 0))] if entries else [],
        "ageing": [(*row[:4], ratio(row[3] or 0, whole[2] or 0), row[4]) for row in ageing],
        "bins": sorted(
            ((name or "no bin", *value_of(of, mean)) for name, of in bins.items()), key=by_value
        ),
        "groups": sorted(
            (
                (
                    *(name or "none" for name in key),
                    len({it["item_no"] for it in of}),
                    *value_of(of, mean),
                )
                for key, of in groups.items()
            ),
            key=by_value,
        ),
        "lots": sorted(lot_rows, key=by_lot)[:top],
    }


def late_orders(plant: Plant, day: date, at_least: int, still_days: int) -> Sheets:
    until = lambda it: it[0] <= day and it[5] is not None  # noqa: E731
    found = plant.planned_and_made(lambda it: it[5], until)
    planned_on, made_on = {}, {}
    for row in plant.plan:
        if row["day_local"] <= day and row["quantity"] > 0:
            order = row["work_order"]
            planned_on[order] = min(planned_on.get(order, row["day_local"]), row["day_local"])
    for board in plant.boards:
        if board.day <= day:
            made_on[board.order] = max(made_on.get(board.order, board.day), board.day)
    said = lambda order: plant.orders.get(order, {})  # noqa: E731
    is_open = lambda order: said(order).get("closure_status") != 1  # noqa: E731
    behind = [
        (
            order,
            said(order).get("item") or UNKNOWN_ITEM,
            said(order).get("quantity"),
            planned,
            made,
            planned - made,
            made / planned,
            planned_on.get(order),
            made_on.get(order),
            bool(said(order).get("is_blocked")),
        )
        for order, (planned, made) in found.items()
        if planned - made >= at_least and is_open(order)
    ]
    behind.sort(key=lambda row: (-row[5], row[0]))
    still = []
    for order, (_, made) in found.items():
        quantity, last = said(order).get("quantity"), made_on.get(order)
        if (
            order in plant.orders
            and is_open(order)
            and quantity is not None
            and quantity > made
            and last
        ) and (day - last).days >= still_days:
            item = said(order).get("item") or UNKNOWN_ITEM
            still.append((order, item, quantity, made, quantity - made, last, (day - last).days))
    open_orders = [order for order in found if is_open(order)]
    blocked = sum(bool(said(order).get("is_blocked")) for order in open_orders)
    return {
        "summary": [
            (len(found), len(open_orders), len(behind), sum(row[5] for row in behind), blocked)
        ]
        if found
        else [],
        "behind": behind,
        "worst": [(row[0], row[5]) for row in behind[:12]],
        "still": sorted(still, key=lambda row: (-row[6], -row[4], row[0])),
    }
