-- Defects by production day and unit, for a Pareto chart: those the quality system found at the first
-- inspection.
--
-- grain: production_day, unit, defect, verdict
-- refresh: production_day
-- column production_day: Production day, plant time.
-- column unit: The unit.
-- column defect: Defect, null if not recorded.
-- column verdict: rework or scrap.
-- column boards [boards]: Boards with this defect.
SELECT production_day, unit, defect, verdict, count(*) AS boards
FROM silver.board_made
WHERE verdict IN ('rework', 'scrap')
GROUP BY production_day, unit, defect, verdict
