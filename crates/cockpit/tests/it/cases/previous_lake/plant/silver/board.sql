-- Inspected boards.
--
-- key: board_id
-- column board_id [id]: Number of the board.
-- column stage_id: Stage it passed.
-- column station: Station.
-- column inspected_at: When it was inspected.
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column shift: Shift, null outside every shift.
SELECT
    id AS board_id, stage_id, station, inspected AS inspected_at,
    inspected_day_local AS day_local, inspected_hour_local AS hour_local, inspected_shift AS shift
FROM typed.board
