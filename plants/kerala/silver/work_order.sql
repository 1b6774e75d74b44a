-- Work orders, the latest record of the MES.
--
-- key: work_order
-- expect quantity_not_negative: quantity >= 0 | reject
-- expect quantity_plausible: quantity <= 1000000 | reject
-- expect ends_after_start: ended_at IS NULL OR started_at IS NULL OR ended_at >= started_at | warn
-- column work_order: Number of the work order.
-- column item: Item the order makes.
-- column line_no [id]: Line of the order.
-- column quantity [boards]: Boards ordered.
-- column is_started: Whether work has begun, by the flag of the MES.
-- column started_at: When work began.
-- column ended_at: When work ended.
-- column is_blocked: Whether the order is stopped.
-- column batch_proceed_status [code]: Batch status code of the MES.
-- column closure_status [code]: Closure code of the MES; 1 is closed.
-- column short_closed_quantity [boards]: Boards cancelled when the order was closed short.
-- column erp_closure_status [code]: Closure code of the ERP; 1 is closed.
-- column routing_version_id [id]: Routing version the order follows.
-- column unit_price [INR]: Price of one board.
SELECT
    id AS work_order,
    item_id AS item,
    line_no,
    quantity,
    started AS is_started,
    start_date AS started_at,
    end_date AS ended_at,
    is_blocked,
    batch_proceed_status,
    work_order_closure_status AS closure_status,
    short_closed_quantity,
    erp_closure_status,
    routing_version_id,
    unit_price
FROM typed.workorders
