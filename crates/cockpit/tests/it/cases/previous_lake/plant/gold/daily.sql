-- Planned against actual boards by day.
--
-- grain: day_local
-- refresh: day_local
-- column day_local: Day, plant time.
-- column planned [boards]: Boards planned.
-- column actual [boards]: Boards made.
SELECT day_local, CAST(sum(planned) AS BIGINT) AS planned, CAST(sum(actual) AS BIGINT) AS actual
FROM gold.hourly
GROUP BY day_local
