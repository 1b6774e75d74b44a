-- Where each work order stands: ordered, planned, made. Orders that only plan rows or boards name are
-- listed too, without a quantity.
--
-- grain: work_order
-- refresh: work_order
-- propagates-through: routing_stage by routing_stage_id of board_result
-- column work_order: Work order.
-- column item: Item of the order.
-- column quantity [boards]: Boards ordered, unknown if the order is in no dump.
-- column planned [boards]: Boards planned.
-- column actual [boards]: Boards made.
-- column remaining [boards]: Ordered less made, not below 0.
-- column first_board_at: When the first board was made.
-- column last_board_at: When the last board was made.
-- column started_at: When work began, as the MES says.
-- column ended_at: When work ended, as the MES says.
-- column is_started: Whether work has begun, as the MES flags it.
-- column is_blocked: Whether the order is stopped.
-- column is_closed: Whether the MES has closed the order.
-- column short_closed_quantity [boards]: Boards given up when the order was closed short.
WITH planned AS (
    SELECT work_order, sum(quantity) AS planned
    FROM silver.production_plan
    GROUP BY work_order
),
made AS (
    SELECT
        board.work_order,
        count(*) AS actual,
        min(board.inspected_at) AS first_board_at,
        max(board.inspected_at) AS last_board_at
    FROM silver.board_result AS board
    JOIN silver.routing_stage AS stage ON stage.routing_stage_id = board.routing_stage_id
    WHERE stage.surface = 1
    GROUP BY board.work_order
),
orders AS (
    SELECT work_order FROM silver.work_order
    UNION
    SELECT work_order FROM planned
    UNION
    SELECT work_order FROM made
)
SELECT
    orders.work_order,
    said.item,
    said.quantity,
    CAST(coalesce(planned.planned, 0) AS BIGINT) AS planned,
    CAST(coalesce(made.actual, 0) AS BIGINT) AS actual,
    CASE
        WHEN said.quantity IS NULL THEN NULL
        WHEN said.quantity > coalesce(made.actual, 0) THEN said.quantity - coalesce(made.actual, 0)
        ELSE 0
    END AS remaining,
    made.first_board_at,
    made.last_board_at,
    said.started_at,
    said.ended_at,
    said.is_started,
    said.is_blocked,
    said.closure_status = 1 AS is_closed,
    said.short_closed_quantity
FROM orders
LEFT JOIN silver.work_order AS said ON said.work_order = orders.work_order
LEFT JOIN planned ON planned.work_order = orders.work_order
LEFT JOIN made ON made.work_order = orders.work_order
