-- Planned against actual boards by day, station and item.
--
-- grain: day_local, station, item
-- refresh: day_local
-- final-after: day_local
-- column day_local: Day, plant time.
-- column station: Station.
-- column item: Item.
-- column planned [boards]: Boards planned.
-- column actual [boards]: Boards made.
-- column actual_off_plan [boards]: Boards made in hours without a plan row for their work order.
SELECT
    day_local, station, item,
    CAST(sum(planned) AS BIGINT) AS planned,
    CAST(sum(actual) AS BIGINT) AS actual,
    CAST(sum(CASE WHEN plan_rows = 0 THEN actual ELSE 0 END) AS BIGINT) AS actual_off_plan
FROM gold.production_hourly
GROUP BY day_local, station, item
