-- Inspections, one row per record of the MES.
--
-- key: result_id
-- expect station_known: station IS NOT NULL | warn
-- column result_id [id]: Number of the inspection record.
-- column status [code]: Verdict of the MES; 0 is passed.
-- column board_id: The board.
-- column batch_id: Batch of the board.
-- column work_order: Work order of the board.
-- column routing_stage_id: Stage the board passed.
-- column station: Station of the inspection.
-- column operator: Operator who inspected.
-- column deviation [code]: 0 if the board follows its routing.
-- column inspected_at: When the board was inspected.
-- column day_local: Day of the inspection, plant time.
-- column hour_local [h]: Hour of the inspection, plant time.
-- column shift: Shift running at the inspection, null outside every shift.
-- column production_day: Production day of the inspection, plant time: the day whose first shift began last.
-- column modified_at: When the record was last changed.
-- column needs_reinspection: Whether the board must be inspected again.
-- column routing_status [code]: Routing status code of the MES.
SELECT
    id AS result_id,
    status,
    board_id,
    batch_id,
    work_order_id AS work_order,
    routing_stage_id,
    sub_work_center AS station,
    operator,
    deviation,
    inspection_date AS inspected_at,
    inspection_date_day_local AS day_local,
    inspection_date_hour_local AS hour_local,
    inspection_date_shift AS shift,
    inspection_date_production_day AS production_day,
    last_modified_date AS modified_at,
    re_inspection_needed AS needs_reinspection,
    routing_status
FROM typed.results
