-- Planned boards, one row per row of the shift plan. Several rows may plan the same item, station and
-- hour; they add up.
--
-- key: plan_id
-- expect quantity_not_negative: quantity >= 0 | reject
-- expect quantity_plausible: quantity <= 100000 | reject
-- expect hour_in_day: hour_local BETWEEN 0 AND 23 | reject
-- column plan_id [id]: Number of the plan row.
-- column item: Item to be made.
-- column day_local: Day the boards are planned for, plant time.
-- column hour_local [h]: Hour of the day, plant time.
-- column shift: Shift of the hour, from the plan.
-- column station: Station that makes the boards.
-- column quantity [boards]: Boards planned.
-- column line_leader: Line leader of the station.
-- column bay: Bay of the station.
-- column division_id [id]: Division number.
-- column created_at: When the plan row was written.
-- column break_min [min]: Break within the shift.
-- column work_order: Work order the boards belong to.
SELECT
    id AS plan_id,
    item_no AS item,
    date AS day_local,
    CAST(date_part('hour', hour) AS INT) AS hour_local,
    shift,
    station,
    quantity,
    line_leader,
    bay,
    division_id,
    creation_date_time AS created_at,
    break_time AS break_min,
    work_order_id AS work_order
FROM typed.plans_shift_wise
