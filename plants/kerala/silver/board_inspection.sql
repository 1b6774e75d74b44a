-- Inspections of boards as the quality system recorded them; a board is inspected again after rework.
--
-- key: inspection
-- expect verdict_known: verdict IN ('good', 'rework', 'scrap') | reject
-- column inspection [id]: Number of the inspection, that of its record in the MES.
-- column board_id: The board.
-- column item: Item of the board.
-- column work_order: Work order of the board.
-- column station: Station of the inspection.
-- column inspected_at: When the board was inspected.
-- column day_local: Day of the inspection, plant time.
-- column hour_local [h]: Hour of the inspection, plant time.
-- column shift: Shift running at the inspection, null outside every shift.
-- column verdict: good, rework or scrap, null if not recorded.
-- column defect: Defect of the board, null if none.
-- column is_after_rework: Whether the board had been reworked before.
SELECT
    inspection,
    board AS board_id,
    item,
    work_order,
    station,
    inspected_at,
    inspected_at_day_local AS day_local,
    inspected_at_hour_local AS hour_local,
    inspected_at_shift AS shift,
    verdict,
    defect,
    is_after_rework
FROM typed.quality
