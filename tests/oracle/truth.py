"""What every silver and gold table of the reference plant must hold, from the raw dumps alone.

Promise: each table is formulated here a second time from its stated definition (key, grain, units),
in DuckDB, without reading the plant's SQL. Times ending in `_at` are UTC without a zone.

    python truth.py --bucket DIR [--as-of 2022-12-31] [--out DIR]

prints the headline facts and every table's row count and sums as JSON; --out also writes Parquet.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

import raw

PLANT_OFFSET = timedelta(hours=5, minutes=30)

MACROS = """
CREATE MACRO known(x) AS CASE WHEN x IN ('', 'None', 'NULL', 'null', '_RARE_') THEN NULL ELSE x END;
CREATE MACRO whole(x) AS CAST(known(x) AS BIGINT);
CREATE MACRO exact(x) AS CAST(known(x) AS DECIMAL(18, 4));
CREATE MACRO flag(x) AS CASE known(x) WHEN '1' THEN true WHEN '0' THEN false END;
CREATE MACRO utc(t) AS t - INTERVAL 330 MINUTE;
CREATE MACRO mes_time(x) AS strptime(known(x), '%Y-%m-%d %H:%M:%S');
CREATE MACRO order_time(x) AS strptime(known(x), '%d-%m-%Y %H:%M:%S');
CREATE MACRO excel_time(x) AS
    TIMESTAMP '1899-12-30 00:00:00' + to_seconds(CAST(round(CAST(x AS DOUBLE) * 86400) AS BIGINT));
CREATE MACRO erp_time(x) AS coalesce(
    try_strptime(known(x), ['%d-%m-%Y %H:%M', '%d-%m-%Y']),
    CASE WHEN regexp_full_match(known(x), '[0-9]+([.][0-9]+)?') THEN excel_time(known(x)) END);
CREATE MACRO shift_of(t) AS
    CASE WHEN CAST(t AS TIME) >= TIME '09:00:00' AND CAST(t AS TIME) < TIME '21:00:00' THEN 'G' END;
CREATE MACRO nearest(total, n) AS
    CAST(sign(total) * ((2 * abs(total) + n) // (2 * n)) AS BIGINT);
"""


def latest(table: str, key: str) -> str:
    """The record of each key in the dump made last; within one dump the one written last."""
    return (
        f"(SELECT unnest(arg_max(t, {{d: dumped_at, f: file, r: record}})) FROM raw.{table} t "
        f'GROUP BY "{key}")'
    )


def newest(table: str) -> str:
    """The records of the newest dump alone."""
    return f"(FROM raw.{table} WHERE dumped_at = (SELECT max(dumped_at) FROM raw.{table}))"


SILVER = {
    "production_plan": f"""
        SELECT whole(ID) AS plan_id, known(ItemNo) AS item, CAST(known(Date) AS DATE) AS day_local,
            CAST(substr(Hour, 12, 2) AS BIGINT) AS hour_local, known(Shift) AS shift,
            known(Station) AS station, whole(Quantity) AS quantity, known(LineLeader) AS line_leader,
            known(Bay) AS bay, whole(DivisionId) AS division_id,
            utc(mes_time(CreationDateTime)) AS created_at, whole(BreakTime) AS break_min,
            known(WorkOrderId) AS work_order
        FROM {latest("plans_shift_wise", "ID")} WHERE whole(Quantity) >= 0""",
    "work_order": f"""
        SELECT known(Id) AS work_order, known(ItemId) AS item, whole(LineNo) AS line_no,
            whole(Quantity) AS quantity, flag(Started) AS is_started,
            utc(order_time(StartDate)) AS started_at, utc(order_time(EndDate)) AS ended_at,
            flag(Isblocked) AS is_blocked, whole(BatchProceedStatus) AS batch_proceed_status,
            whole(WorkOrderClosureStatus) AS closure_status,
            whole(ShortClosedQuantity) AS short_closed_quantity,
            whole(ERPClosureStatus) AS erp_closure_status, whole(RoutingVersionId) AS routing_version_id,
            exact(UnitPrice) AS unit_price
        FROM {latest("workorders", "Id")} WHERE whole(Quantity) >= 0""",
    "board_result": f"""
        SELECT whole(Id) AS result_id, whole(Status) AS status, known(BoardId) AS board_id,
            known(BatchId) AS batch_id, known(WorkOrderId) AS work_order,
            known(RoutingStageId) AS routing_stage_id, known(SubWorkCenter) AS station,
            known(Operator) AS operator, whole(Deviation) AS deviation,
            utc(mes_time(InspectionDate)) AS inspected_at,
            CAST(mes_time(InspectionDate) AS DATE) AS day_local,
            hour(mes_time(InspectionDate)) AS hour_local, shift_of(mes_time(InspectionDate)) AS shift,
            CAST(mes_time(InspectionDate) - INTERVAL 9 HOUR AS DATE) AS production_day,
            utc(mes_time(LastModifiedDate)) AS modified_at, flag(ReInspectionNeeded) AS needs_reinspection,
            whole(RoutingStatus) AS routing_status
        FROM {latest("results", "Id")}""",
    "routing_stage": f"""
        SELECT known(id) AS routing_stage_id, known(BatchId) AS batch_id, known(WorkOrderId) AS work_order,
            known(Name) AS name, whole(Surface) AS surface, whole(OperationNo) AS operation_no,
            whole(NextOperationNo) AS next_operation_no,
            whole(PreviousOperationNo) AS previous_operation_no, whole(EstimatedTime) AS estimated_time,
            flag(IsOptionalStage) AS is_optional, utc(mes_time(StartTime)) AS stage_started_at
        FROM {latest("routing_stages", "id")}""",
    "item": f"""
        SELECT known(ItemId) AS item, known(Description) AS description, known(Modality) AS modality,
            known(Revision) AS revision, known(BaseUOM) AS base_uom, known(Item_Category) AS category,
            registered_at, known(ShelfLife) AS shelf_life, known(MSD) AS msd
        FROM {latest("items", "ItemId")} JOIN item_stamp USING (Stamp)""",
    "material_record": f"""
        SELECT known("No_") AS item_no, known(Description) AS description,
            known("Base Unit of Measure") AS base_uom, known("Inventory Posting Group") AS posting_group,
            known("Item Disc_ Group") AS disc_group, exact("Unit Price") AS unit_price,
            exact("Unit Cost") AS unit_cost, known("Production BOM No_") AS bom_no
        FROM {newest("item")}""",
    "material": """
        WITH votes AS (
            UNPIVOT (SELECT item_no, description, posting_group, disc_group FROM silver.material_record)
            ON description, posting_group, disc_group INTO NAME field VALUE said),
        ballots AS (SELECT item_no, field, said, count(*) n FROM votes GROUP BY ALL),
        won AS (SELECT item_no, field, arg_min(said, {less: -n, word: said}) AS said
            FROM ballots GROUP BY ALL),
        picked AS (PIVOT won ON field IN ('description', 'posting_group', 'disc_group')
            USING any_value(said) GROUP BY item_no),
        priced AS (
            SELECT item_no, count(DISTINCT posting_group) AS posting_groups,
                count(DISTINCT disc_group) AS disc_groups, count(*) AS records,
                sum(unit_price) AS unit_price_sum, count(unit_price) AS unit_price_count,
                min(unit_price) AS unit_price_min, max(unit_price) AS unit_price_max
            FROM silver.material_record GROUP BY item_no)
        SELECT item_no, description, posting_group, disc_group, posting_groups, disc_groups, records,
            unit_price_sum, unit_price_count,
            CAST(nearest(CAST(unit_price_sum * 10000 AS BIGINT), nullif(unit_price_count, 0))
                * CAST('0.0001' AS DECIMAL(5, 4)) AS DECIMAL(18, 4)) AS unit_price,
            unit_price_min, unit_price_max, 'mean unit price of the item number' price_rule
        FROM priced LEFT JOIN picked USING (item_no)""",
    "bom_line": f"""
        SELECT known("Production BOM No_") AS bom_no, whole("Line No_") AS line_no, known("No_") AS item_no,
            known(Description) AS description, known("Unit of Measure Code") AS unit_of_measure,
            exact(Quantity) AS quantity, exact("Quantity per") AS quantity_per, known(Position) AS position,
            whole("Lead-Time Offset") AS lead_time_offset, exact("Scrap _") AS scrap_percent,
            known("Variant Code") AS variant, CAST(erp_time("Starting Date") AS DATE) AS starts_on,
            CAST(erp_time("Ending Date") AS DATE) AS ends_on
        FROM {newest("production")} WHERE exact("Quantity per") >= 0""",
    "warehouse_entry": f"""
        SELECT whole("Entry No_") AS entry_no, CAST(erp_time("Registering Date") AS DATE) AS registered_on,
            known("Location Code") AS location, known("Zone Code") AS zone, known("Bin Code") AS bin,
            known(Description) AS description, known("Item No_") AS item_no, exact(Quantity) AS quantity,
            exact("Qty_ (Base)") AS quantity_base, known("Unit of Measure Code") AS unit_of_measure,
            known("Lot No_") AS lot_no, known("Reference No_") AS reference_no,
            whole("Entry Type") AS entry_type, utc(erp_time("Warranty Date")) AS warranty_at,
            utc(erp_time("Expiration Date")) AS expires_at,
            known("Phys Invt Counting Period Code") AS counting_period
        FROM {latest("warehouse", "Entry No_")}
        WHERE abs(exact("Qty_ (Base)")) <= 1000000""",
}

HELPERS = """
CREATE SCHEMA work;
CREATE TABLE work.board AS
    SELECT b.*, s.surface = 1 AS made FROM silver.board_result b
    LEFT JOIN silver.routing_stage s ON s.routing_stage_id = b.routing_stage_id;
CREATE TABLE work.stock AS
    SELECT e.*, m.description what, m.disc_group, m.posting_group, m.unit_price,
        round(e.quantity_base * m.unit_price, 2) AS worth
    FROM silver.warehouse_entry e LEFT JOIN silver.material m ON m.item_no = e.item_no;
"""

STOCK_SUMS = """count(*) entries, sum(quantity_base) quantity,
    coalesce(sum(worth), 0) AS "value",
    coalesce(sum(quantity_base) FILTER (unit_price IS NULL), 0) unpriced_quantity"""

BUCKETS = [
    ("after the as-of day", -1, None, -1),
    ("0-30", 0, 0, 30),
    ("31-60", 31, 31, 60),
    ("61-90", 61, 61, 90),
    ("91-180", 91, 91, 180),
    ("181-365", 181, 181, 365),
    ("366-540", 366, 366, 540),
    ("541-720", 541, 541, 720),
    ("over 720", 721, 721, None),
]

GOLD = {
    "production_hourly": """
        WITH plan AS (
            SELECT day_local, hour_local, shift, station, item, work_order,
                sum(quantity) planned, count(*) plan_rows
            FROM silver.production_plan GROUP BY ALL),
        made AS (
            SELECT b.day_local, b.hour_local, b.shift, b.station, o.item, b.work_order,
                count(*) actual
            FROM work.board b LEFT JOIN silver.work_order o ON o.work_order = b.work_order
            WHERE b.made GROUP BY ALL)
        SELECT coalesce(p.day_local, m.day_local) day_local,
            coalesce(p.hour_local, m.hour_local) hour_local, coalesce(p.shift, m.shift) shift,
            coalesce(p.station, m.station) station, coalesce(p.item, m.item) item,
            coalesce(p.work_order, m.work_order) work_order, coalesce(planned, 0) planned,
            coalesce(actual, 0) actual, coalesce(plan_rows, 0) plan_rows
        FROM plan p FULL OUTER JOIN made m
        ON p.day_local IS NOT DISTINCT FROM m.day_local
            AND p.hour_local IS NOT DISTINCT FROM m.hour_local
            AND p.shift IS NOT DISTINCT FROM m.shift
            AND p.station IS NOT DISTINCT FROM m.station
            AND p.item IS NOT DISTINCT FROM m.item
            AND p.work_order IS NOT DISTINCT FROM m.work_order""",
    "production_daily": """
        WITH facts AS (
            SELECT day_local, station, item, quantity planned, 0 actual, 0 off_plan
            FROM silver.production_plan
            UNION ALL
            SELECT b.day_local, b.station, o.item, 0, 1,
                CASE WHEN EXISTS (FROM silver.production_plan p
                    WHERE p.day_local = b.day_local AND p.hour_local = b.hour_local
                        AND p.shift IS NOT DISTINCT FROM b.shift AND p.station = b.station
                        AND p.item = o.item AND p.work_order = b.work_order) THEN 0 ELSE 1 END
            FROM work.board b LEFT JOIN silver.work_order o ON o.work_order = b.work_order
            WHERE b.made)
        SELECT day_local, station, item, sum(planned) planned, sum(actual) actual,
            sum(off_plan) actual_off_plan
        FROM facts GROUP BY ALL""",
    "quality_hourly": """
        SELECT day_local, hour_local, shift, station, count(*) inspected,
            count_if(status = 0) passed, count(*) - count(status) verdict_unknown,
            count_if(needs_reinspection) reinspected, count_if(deviation <> 0) deviations
        FROM silver.board_result GROUP BY ALL""",
    "top_items_daily": """
        WITH made AS (
            SELECT b.day_local, o.item, count(*) actual FROM work.board b
            JOIN silver.work_order o ON o.work_order = b.work_order WHERE b.made GROUP BY ALL),
        places AS (
            SELECT a.day_local, a.item, a.actual, 1 + count(b.item) AS rank
            FROM made a LEFT JOIN made b ON a.day_local = b.day_local
                AND (b.actual > a.actual OR (b.actual = a.actual AND b.item < a.item))
            GROUP BY ALL)
        SELECT day_local, rank, item, actual FROM places WHERE rank <= 10""",
    "work_order_progress": """
        WITH names AS (
            SELECT work_order FROM silver.work_order
            UNION SELECT work_order FROM silver.production_plan
            UNION SELECT work_order FROM work.board WHERE made),
        plan AS (SELECT work_order, sum(quantity) planned FROM silver.production_plan GROUP BY ALL),
        made AS (
            SELECT work_order, count(*) actual, min(inspected_at) first_board_at,
                max(inspected_at) last_board_at
            FROM work.board WHERE made GROUP BY ALL)
        SELECT n.work_order, o.item, o.quantity, coalesce(planned, 0) planned,
            coalesce(actual, 0) actual,
            CASE WHEN o.quantity IS NOT NULL
                THEN greatest(o.quantity - coalesce(actual, 0), 0) END remaining,
            first_board_at, last_board_at, o.started_at, o.ended_at, o.is_started, o.is_blocked,
            o.closure_status = 1 is_closed, o.short_closed_quantity
        FROM names n LEFT JOIN silver.work_order o ON o.work_order = n.work_order
        LEFT JOIN plan ON plan.work_order = n.work_order
        LEFT JOIN made ON made.work_order = n.work_order""",
    "inventory_by_category": f"""
        SELECT disc_group, posting_group, count(DISTINCT item_no) items, {STOCK_SUMS}
        FROM work.stock GROUP BY disc_group, posting_group""",
    "inventory_by_bin": f"SELECT bin, {STOCK_SUMS} FROM work.stock GROUP BY bin",
    "inventory_by_lot": f"""
        SELECT lot_no, item_no, any_value(what) description,
            min(registered_on) first_registered_on, max(registered_on) last_registered_on,
            {STOCK_SUMS}
        FROM work.stock GROUP BY lot_no, item_no""",
    "inventory_ageing": f"""
        SELECT as_of, age_bucket, age_from_d, {STOCK_SUMS}
        FROM work.stock JOIN work.bucket
            ON datediff('day', registered_on, as_of) >= coalesce(low_d, -100000)
            AND datediff('day', registered_on, as_of) <= coalesce(high_d, 100000)
        GROUP BY as_of, age_bucket, age_from_d""",
}


def build(bucket: Path, as_of: date) -> duckdb.DuckDBPyConnection:
    """A DuckDB with schemas `raw`, `silver` and `gold` filled from a bucket."""
    con = duckdb.connect(config={"threads": 2})
    con.execute(MACROS)
    raw.load(con, bucket)
    _item_stamps(con)
    con.execute("CREATE SCHEMA silver")
    con.execute("CREATE SCHEMA gold")
    for table, sql in SILVER.items():
        _create(con, f"silver.{table}", sql)
    con.execute(HELPERS)
    con.execute(
        "CREATE TABLE work.bucket (age_bucket VARCHAR, age_from_d BIGINT, low_d INT, high_d INT, as_of DATE)"
    )
    con.executemany(
        "INSERT INTO work.bucket VALUES (?, ?, ?, ?, ?)", [(*b, as_of) for b in BUCKETS]
    )
    for table, sql in GOLD.items():
        _create(con, f"gold.{table}", sql)
    return con


def today_local() -> date:
    """Today at the plant."""
    return (datetime.now(UTC) + PLANT_OFFSET).date()


def stamp_utc(text: str) -> datetime | None:
    """An item stamp in UTC: minute and hour are swapped unless that gives no time of day."""
    day, clock = text.split(" ")
    first, second, seconds = (int(part) for part in clock.replace("-", ":").split(":"))
    pattern = "%d/%m/%Y" if "/" in day else "%Y-%m-%d" if "-" in day else "%Y%m%d"
    for hour, minute in [(second, first), (first, second)] if "-" in day else [(second, first)]:
        if hour < 24 and minute < 60 and seconds < 60:
            local = datetime.strptime(day, pattern).replace(
                hour=hour, minute=minute, second=seconds
            )
            return local - PLANT_OFFSET
    return None


def _create(con: duckdb.DuckDBPyConnection, table: str, sql: str) -> None:
    """Creates a table; DuckDB's 128-bit sums become the 64-bit counts they are."""
    wide = [c[0] for c in con.sql(f"DESCRIBE {sql}").fetchall() if c[1] in ("HUGEINT", "INTEGER")]
    narrow = ", ".join(f'CAST("{c}" AS BIGINT) AS "{c}"' for c in wide)
    replace = f" REPLACE ({narrow})" if wide else ""
    con.execute(f"CREATE TABLE {table} AS SELECT *{replace} FROM ({sql})")


def _item_stamps(con: duckdb.DuckDBPyConnection) -> None:
    stamps = [row[0] for row in con.sql("SELECT DISTINCT Stamp FROM raw.items").fetchall()]
    con.execute("CREATE TABLE item_stamp (Stamp VARCHAR, registered_at TIMESTAMP)")
    con.executemany("INSERT INTO item_stamp VALUES (?, ?)", [(s, stamp_utc(s)) for s in stamps])


def sums(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, object]:
    """Row count and the sum of each numeric column of one table."""
    columns = con.sql(f"DESCRIBE {table}").fetchall()
    numeric = [c[0] for c in columns if c[1] == "BIGINT" or c[1].startswith("DECIMAL")]
    parts = ["count(*)"] + [f'sum("{c}")' for c in numeric]
    row = con.sql(f"SELECT {', '.join(parts)} FROM {table}").fetchone()
    assert row is not None
    return {"rows": row[0]} | dict(zip(numeric, row[1:], strict=True))


def facts(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """The headline numbers of the dumps."""
    ask = {
        "boards planned": "SELECT sum(planned) FROM gold.production_hourly",
        "boards made": "SELECT sum(actual) FROM gold.production_hourly",
        "boards made off plan": "SELECT sum(actual_off_plan) FROM gold.production_daily",
        "boards made outside every shift": "SELECT sum(actual) FROM gold.production_hourly WHERE shift IS NULL",
        "boards made on days without a plan": """SELECT sum(actual) FROM gold.production_hourly
            WHERE day_local NOT IN (SELECT day_local FROM silver.production_plan)""",
        "hours without a plan": "SELECT count(*) FROM gold.production_hourly WHERE plan_rows = 0",
        "planned hours without a board": "SELECT count(*) FROM gold.production_hourly WHERE plan_rows > 0 AND actual = 0",
        "hours behind several plan rows": "SELECT count(*) FROM gold.production_hourly WHERE plan_rows > 1",
        "inspections": "SELECT sum(inspected) FROM gold.quality_hourly",
        "stock entries": "SELECT sum(entries) FROM gold.inventory_by_category",
        "stock quantity": "SELECT sum(quantity) FROM gold.inventory_by_category",
        "stock value INR": "SELECT sum(value) FROM gold.inventory_by_category",
        "stock without price": "SELECT sum(unpriced_quantity) FROM gold.inventory_by_category",
        "item numbers with a tie in a group": """
            WITH v AS (UNPIVOT (SELECT item_no, description, posting_group, disc_group
                FROM silver.material_record) ON description, posting_group, disc_group
                INTO NAME field VALUE said),
            n AS (SELECT item_no, field, said, count(*) n FROM v GROUP BY ALL),
            m AS (SELECT item_no, field, n FROM n QUALIFY n = max(n) OVER (PARTITION BY item_no, field))
            SELECT count(DISTINCT item_no) FROM (SELECT item_no FROM m GROUP BY item_no, field HAVING count(*) > 1)""",
        "most prices of one item number": "SELECT max(n) FROM (SELECT count(DISTINCT unit_price) n FROM silver.material_record GROUP BY item_no)",
        "work orders": "SELECT count(*) FROM gold.work_order_progress",
        "work orders made over their quantity": "SELECT count(*) FROM gold.work_order_progress WHERE actual > quantity",
    }
    rows = {name: con.sql(sql).fetchone() for name, sql in ask.items()}
    return {name: row[0] if row else None for name, row in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--as-of", type=date.fromisoformat, default=today_local())
    parser.add_argument(
        "--out", type=Path, help="also write every table as Parquet below this folder"
    )
    args = parser.parse_args()
    con = build(args.bucket, args.as_of)
    tables = [f"silver.{t}" for t in SILVER] + [f"gold.{t}" for t in GOLD]
    if args.out:
        for table in tables:
            path = args.out / f"{table.replace('.', '/')}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            con.execute(f"COPY {table} TO '{path}'")
    result = {"facts": facts(con), "tables": {table: sums(con, table) for table in tables}}
    print(
        json.dumps(
            result, indent=2, default=lambda v: str(v) if isinstance(v, Decimal) else v.isoformat()
        )
    )


if __name__ == "__main__":
    main()
