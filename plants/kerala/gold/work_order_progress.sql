-- Progress of each work order: ordered, planned, made. Orders that occur only in plan rows or boards are
-- included, without a quantity.
--
-- grain: work_order
-- refresh: work_order
-- column work_order: Work order.
-- column item: Item of the order.
-- column quantity [boards]: Boards ordered, null if no dump contains the order.
-- column planned [boards]: Boards planned.
-- column actual [boards]: Boards made.
-- column remaining [boards]: Ordered minus made, at least 0.
-- column first_board_at: When the first board was made.
-- column last_board_at: When the last board was made.
-- column started_at: When work began, by the MES.
-- column ended_at: When work ended, by the MES.
-- column is_started: Whether work has begun, by the flag of the MES.
-- column is_blocked: Whether the order is stopped.
-- column is_closed: Whether the MES has closed the order.
-- column short_closed_quantity [boards]: Boards cancelled when the order was closed short.
WITH planned AS (
    SELECT work_order, sum(quantity) AS planned
    FROM silver.production_plan
    GROUP BY work_order
),
made AS (
    SELECT
        work_order,
        count(*) AS actual,
        min(made_at) AS first_board_at,
        max(made_at) AS last_board_at
    FROM silver.board_made
    GROUP BY work_order
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
