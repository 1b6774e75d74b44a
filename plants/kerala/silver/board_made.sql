-- Boards made, one row each: an inspection whose routing stage has surface 1, with the verdict of the
-- quality system at that first inspection and the ideal cycle time of the board's item.
--
-- grain: result_id
-- refresh: production_day
-- propagates-through: routing_stage by routing_stage_id of board_result
-- expect unit_in_equipment: line IS NOT NULL | warn
-- expect verdict_known: verdict IS NOT NULL | warn
-- expect ideal_cycle_known: ideal_cycle_ms IS NOT NULL | warn
-- column result_id [id]: Number of the inspection record.
-- column board_id: The board.
-- column unit: Unit that made it; the name of the station if the equipment has no such unit.
-- column line: Line of the unit.
-- column station: Station of the inspection, as the MES names it.
-- column item: Item of the board's work order, null if the order is unknown.
-- column work_order: Work order.
-- column made_at: When it was made.
-- column production_day: Production day, plant time: the day whose first shift began last.
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column shift: Shift, null outside every shift.
-- column verdict: good, rework or scrap at the first inspection, null if not recorded.
-- column defect: Defect of the board, null if none.
-- column ideal_cycle_ms [ms]: Ideal time for one board, null if unknown.
SELECT
    board.result_id,
    board.board_id,
    coalesce(alias.unit, board.station) AS unit,
    unit.line,
    board.station,
    orders.item,
    board.work_order,
    board.inspected_at AS made_at,
    board.production_day,
    board.day_local,
    board.hour_local,
    board.shift,
    looked.verdict,
    looked.defect,
    cycle.ideal_cycle_ms
FROM silver.board_result AS board
JOIN silver.routing_stage AS stage ON stage.routing_stage_id = board.routing_stage_id
LEFT JOIN silver.work_order AS orders ON orders.work_order = board.work_order
LEFT JOIN silver.board_inspection AS looked ON looked.inspection = board.result_id
LEFT JOIN silver.cycle_time AS cycle ON cycle.item = orders.item
LEFT JOIN silver.unit_alias AS alias ON alias.alias = board.station AND alias.kind = 'station'
LEFT JOIN silver.unit AS unit ON unit.unit = coalesce(alias.unit, board.station)
WHERE stage.surface = 1
