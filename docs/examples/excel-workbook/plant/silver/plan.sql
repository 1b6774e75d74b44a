-- Production plan by order.
--
-- key: start_at, item
-- column day: Day of the plan, plant time.
-- column start_at: Start of the order, UTC.
-- column item: Number of the item.
-- column pieces [pieces]: Planned pieces.
-- column hours [h]: Planned hours.
-- column is_released: Whether the order is released.
SELECT day, start_at, item, pieces, hours, is_released
FROM typed.plan
