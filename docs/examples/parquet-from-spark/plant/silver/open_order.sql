-- Open orders as the newest export lists them.
--
-- column order_id [id]: Number of the order.
-- column item: Item ordered.
-- column quantity [pieces]: Quantity ordered.
-- column due_on: Day the order is due.
-- column released_at: When the order was released, UTC.
-- column line: Line the order runs on, null if it is not planned.
SELECT order_id, item, quantity, due AS due_on, released AS released_at, line
FROM typed.orders
