-- Work orders.
--
-- key: work_order
-- column work_order: Number of the order.
-- column quantity [boards]: Boards ordered.
SELECT id AS work_order, quantity FROM typed.orders
