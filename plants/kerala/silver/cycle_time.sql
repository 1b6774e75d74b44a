-- Ideal cycle time for one board of each item, the reference of effectiveness.
--
-- key: item
-- expect ideal_cycle_positive: ideal_cycle_ms > 0 | reject
-- column item: The item.
-- column work_center: Station family the time is for.
-- column ideal_cycle_ms [ms]: Ideal time for one board.
-- column valid_from: First day the time is valid.
SELECT
    item_id AS item,
    work_center,
    ideal_cycle_ms,
    valid_from
FROM typed.cycle_times
