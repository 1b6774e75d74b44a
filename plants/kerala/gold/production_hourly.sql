-- Planned against actual boards by hour. Plan and actual are summed apart and then laid side by side,
-- so that boards made in an hour without a plan are shown and no join multiplies anything. An actual
-- board is an inspection whose routing stage has surface 1.
--
-- grain: day_local, hour_local, shift, station, item, work_order
-- refresh: day_local
-- propagates-through: routing_stage by routing_stage_id of board_result
-- expect not_negative: planned >= 0 AND actual >= 0 | warn
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour of the day, plant time.
-- column shift: Shift, null outside every shift.
-- column station: Station.
-- column item: Item of the plan row or of the board's work order.
-- column work_order: Work order.
-- column planned [boards]: Boards planned, 0 if none.
-- column actual [boards]: Boards made, 0 if none.
-- column plan_rows [1]: Plan rows behind planned; 0 means the hour is off plan.
WITH planned AS (
    SELECT
        day_local, hour_local, shift, station, item, work_order,
        quantity AS planned, 0 AS actual, 1 AS plan_rows
    FROM silver.production_plan
),
made AS (
    SELECT
        board.day_local, board.hour_local, board.shift, board.station, orders.item, board.work_order,
        0 AS planned, 1 AS actual, 0 AS plan_rows
    FROM silver.board_result AS board
    JOIN silver.routing_stage AS stage ON stage.routing_stage_id = board.routing_stage_id
    LEFT JOIN silver.work_order AS orders ON orders.work_order = board.work_order
    WHERE stage.surface = 1
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
