-- The six big losses by unit, production day and shift, as time: the difference between planned busy time
-- and the ideal time of good boards. The dumps do not distinguish start-up rejects; they are among the
-- defects. Speed loss is negative where boards were made faster than ideal.
--
-- grain: production_day, shift, unit, loss
-- refresh: production_day
-- column production_day: Production day, plant time.
-- column shift: Shift, null outside every shift.
-- column unit: The unit.
-- column line: Line of the unit.
-- column loss: breakdown, setup, minor_stop, no_order, unknown_time, reduced_speed, scrap, rework or verdict_unknown.
-- column lost_ms [ms]: Time lost.
WITH losses AS (
    SELECT production_day, shift, unit, line, 'breakdown' AS loss, (adet_s - minor_stop_s) * 1000 AS lost_ms FROM gold.oee_shift
    UNION ALL
    SELECT production_day, shift, unit, line, 'setup', aust_s * 1000 FROM gold.oee_shift
    UNION ALL
    SELECT production_day, shift, unit, line, 'minor_stop', minor_stop_s * 1000 FROM gold.oee_shift
    UNION ALL
    SELECT production_day, shift, unit, line, 'no_order', adot_s * 1000 FROM gold.oee_shift
    UNION ALL
    SELECT production_day, shift, unit, line, 'unknown_time', unknown_s * 1000 FROM gold.oee_shift
    UNION ALL
    SELECT production_day, shift, unit, line, 'reduced_speed', apt_s * 1000 - ideal_pq_ms FROM gold.oee_shift
    UNION ALL
    SELECT
        made.production_day, made.shift, made.unit, made.line,
        CASE WHEN made.verdict IS NULL THEN 'verdict_unknown' ELSE made.verdict END,
        made.ideal_cycle_ms
    FROM silver.board_made AS made
    WHERE (made.verdict IS NULL OR made.verdict <> 'good') AND made.ideal_cycle_ms IS NOT NULL
)
SELECT production_day, shift, unit, max(line) AS line, loss, CAST(sum(lost_ms) AS BIGINT) AS lost_ms
FROM losses
GROUP BY production_day, shift, unit, loss
HAVING sum(lost_ms) <> 0
