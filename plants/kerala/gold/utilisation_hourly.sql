-- Where the time of each unit went, by hour. Machine utilisation divides production by planned busy time
-- or by all time; both are here, and `meta.kpis` names which is which.
--
-- grain: production_day, day_local, hour_local, shift, unit
-- refresh: production_day
-- column production_day: Production day, plant time.
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column shift: Shift, null outside every shift.
-- column unit: The unit.
-- column line: Line of the unit.
-- column calendar_s [s]: All time; an hour the clock shows twice has 7,200.
-- column pot_s [s]: Planned operation time.
-- column pbt_s [s]: Planned busy time.
-- column apt_s [s]: Actual production time.
-- column aust_s [s]: Actual unit setup time.
-- column adet_s [s]: Actual unit delay time.
-- column adot_s [s]: Actual unit down time without an order.
-- column unknown_s [s]: Planned time nobody knows anything of.
SELECT
    production_day, day_local, hour_local, shift, unit, max(line) AS line,
    CAST(sum(duration_s) AS BIGINT) AS calendar_s,
    CAST(sum(CASE WHEN category <> 'no_production_planned' THEN duration_s ELSE 0 END) AS BIGINT) AS pot_s,
    CAST(sum(CASE WHEN category NOT IN ('no_production_planned', 'planned_stop') THEN duration_s ELSE 0 END) AS BIGINT) AS pbt_s,
    CAST(sum(CASE WHEN category = 'production' THEN duration_s ELSE 0 END) AS BIGINT) AS apt_s,
    CAST(sum(CASE WHEN category = 'setup' THEN duration_s ELSE 0 END) AS BIGINT) AS aust_s,
    CAST(sum(CASE WHEN category = 'delay' THEN duration_s ELSE 0 END) AS BIGINT) AS adet_s,
    CAST(sum(CASE WHEN category = 'down_without_order' THEN duration_s ELSE 0 END) AS BIGINT) AS adot_s,
    CAST(sum(CASE WHEN category = 'unknown' THEN duration_s ELSE 0 END) AS BIGINT) AS unknown_s
FROM gold.time_ledger
GROUP BY production_day, day_local, hour_local, shift, unit
