-- Planned boards.
--
-- key: plan_id
-- expect quantity_not_negative: quantity >= 0 | reject
-- expect hour_in_day: hour_local BETWEEN 0 AND 23 | reject
-- expect item_known: item IS NOT NULL | warn
-- column plan_id [id]: Number of the plan row.
-- column item: Item to be made.
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour of the day, plant time.
-- column station: Station.
-- column quantity [boards]: Boards planned.
SELECT id AS plan_id, item, day AS day_local, hour AS hour_local, station, quantity
FROM typed.plan
