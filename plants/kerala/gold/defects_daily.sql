-- Defects by production day and unit, for a Pareto: what the quality system found wrong at the first look.
--
-- grain: production_day, unit, defect, verdict
-- refresh: production_day
-- column production_day: Production day, plant time.
-- column unit: The unit.
-- column defect: What is wrong, null if nobody wrote it down.
-- column verdict: rework or scrap.
-- column boards [boards]: Boards with it.
SELECT production_day, unit, defect, verdict, count(*) AS boards
FROM silver.board_made
WHERE verdict IN ('rework', 'scrap')
GROUP BY production_day, unit, defect, verdict
