-- Boards per hour against plan and against the ideal, by unit and hour. Boards made, boards planned and
-- time in production are summed separately and then combined, so that no join multiplies rows.
--
-- grain: day_local, hour_local, shift, unit
-- refresh: day_local
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column shift: Shift, null outside every shift.
-- column unit: The unit.
-- column line: Line of the unit.
-- column made [boards]: Boards made.
-- column planned [boards]: Boards planned.
-- column apt_s [s]: Actual production time, 0 without machine events.
-- column ideal_made_ms [ms]: Ideal time of the boards made.
-- column planned_hours [h]: 1 if boards were planned in this hour.
-- column productive_planned_hours [h]: 1 if boards were planned and some were made.
-- column productive_hours [h]: 1 if boards were made.
WITH parts AS (
    SELECT
        day_local, hour_local, shift, unit, line,
        1 AS made, 0 AS planned, 0 AS apt_s, coalesce(ideal_cycle_ms, 0) AS ideal_made_ms
    FROM silver.board_made
    UNION ALL
    SELECT
        plan.day_local, plan.hour_local, plan.shift, coalesce(alias.unit, plan.station), unit.line,
        0, plan.quantity, 0, 0
    FROM silver.production_plan AS plan
    LEFT JOIN silver.unit_alias AS alias ON alias.alias = plan.station AND alias.kind = 'station'
    LEFT JOIN silver.unit AS unit ON unit.unit = coalesce(alias.unit, plan.station)
    UNION ALL
    SELECT day_local, hour_local, shift, unit, line, 0, 0, duration_s, 0
    FROM gold.time_ledger
    WHERE category = 'production'
),
summed AS (
    SELECT
        day_local, hour_local, shift, unit, max(line) AS line,
        CAST(sum(made) AS BIGINT) AS made,
        CAST(sum(planned) AS BIGINT) AS planned,
        CAST(sum(apt_s) AS BIGINT) AS apt_s,
        CAST(sum(ideal_made_ms) AS BIGINT) AS ideal_made_ms
    FROM parts
    GROUP BY day_local, hour_local, shift, unit
)
SELECT
    *,
    CASE WHEN planned > 0 THEN 1 ELSE 0 END AS planned_hours,
    CASE WHEN planned > 0 AND made > 0 THEN 1 ELSE 0 END AS productive_planned_hours,
    CASE WHEN made > 0 THEN 1 ELSE 0 END AS productive_hours
FROM summed
