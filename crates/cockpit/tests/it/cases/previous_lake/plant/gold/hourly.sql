-- Planned against actual boards by hour.
--
-- grain: day_local, hour_local, station
-- refresh: day_local
-- via: stage by stage_id of board
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column station: Station.
-- column planned [boards]: Boards planned, 0 if none.
-- column actual [boards]: Boards made, 0 if none.
WITH planned AS (
    SELECT day_local, hour_local, station, sum(quantity) AS planned
    FROM silver.plan
    GROUP BY day_local, hour_local, station
),
made AS (
    SELECT board.day_local, board.hour_local, board.station, count(*) AS actual
    FROM silver.board AS board
    JOIN silver.stage AS stage ON stage.stage_id = board.stage_id
    WHERE stage.surface = 1
    GROUP BY board.day_local, board.hour_local, board.station
)
SELECT
    COALESCE(planned.day_local, made.day_local) AS day_local,
    COALESCE(planned.hour_local, made.hour_local) AS hour_local,
    COALESCE(planned.station, made.station) AS station,
    CAST(COALESCE(planned.planned, 0) AS BIGINT) AS planned,
    CAST(COALESCE(made.actual, 0) AS BIGINT) AS actual
FROM planned
FULL OUTER JOIN made
    ON planned.day_local = made.day_local
    AND planned.hour_local = made.hour_local
    AND planned.station = made.station
