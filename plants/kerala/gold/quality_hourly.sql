-- Inspections and their verdicts by hour and station. To get ratios, divide the sums.
--
-- grain: day_local, hour_local, shift, station
-- refresh: day_local
-- expect passed_within_inspected: passed <= inspected | warn
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour of the day, plant time.
-- column shift: Shift, null outside every shift.
-- column station: Station.
-- column inspected [boards]: Inspections.
-- column passed [boards]: Inspections with status 0.
-- column verdict_unknown [boards]: Inspections without a status.
-- column reinspected [boards]: Inspections whose board must be inspected again.
-- column deviations [boards]: Inspections whose board deviates from its routing.
SELECT
    day_local, hour_local, shift, station,
    count(*) AS inspected,
    CAST(sum(CASE WHEN status = 0 THEN 1 ELSE 0 END) AS BIGINT) AS passed,
    CAST(sum(CASE WHEN status IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS verdict_unknown,
    CAST(sum(CASE WHEN needs_reinspection THEN 1 ELSE 0 END) AS BIGINT) AS reinspected,
    CAST(sum(CASE WHEN deviation <> 0 THEN 1 ELSE 0 END) AS BIGINT) AS deviations
FROM silver.board_result
GROUP BY day_local, hour_local, shift, station
