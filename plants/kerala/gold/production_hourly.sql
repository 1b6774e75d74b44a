-- Planned against actual boards by hour. Plan and actual are summed separately and then combined, so that
-- boards made in an hour without a plan are included and no join multiplies rows. An actual board is an
-- inspection whose routing stage has surface 1.
--
-- grain: day_local, hour_local, shift, station, item, work_order
-- refresh: day_local
-- expect not_negative: planned >= 0 AND actual >= 0 | warn
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour of the day, plant time.
-- column shift: Shift, null outside every shift.
-- column station: Station.
-- column item: Item of the plan row or of the board's work order.
-- column work_order: Work order.
-- column planned [boards]: Boards planned, 0 if none.
-- column actual [boards]: Boards made, 0 if none.
-- column plan_rows [1]: Plan rows summed in planned; 0 means the hour is off plan.
WITH planned AS (
    SELECT
        day_local, hour_local, shift, station, item, work_order,
        quantity AS planned, 0 AS actual, 1 AS plan_rows
    FROM silver.production_plan
),
made AS (
    SELECT
        day_local, hour_local, shift, station, item, work_order,
        0 AS planned, 1 AS actual, 0 AS plan_rows
    FROM silver.board_made
),
both_sides AS (
    SELECT * FROM planned
    UNION ALL
    SELECT * FROM made
)
SELECT
    day_local, hour_local, shift, station, item, work_order,
    CAST(sum(planned) AS BIGINT) AS planned,
    CAST(sum(actual) AS BIGINT) AS actual,
    CAST(sum(plan_rows) AS BIGINT) AS plan_rows
FROM both_sides
GROUP BY day_local, hour_local, shift, station, item, work_order
