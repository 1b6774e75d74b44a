-- Boards made and the verdict of their first look, by production day, unit and item. First pass yield is
-- good by made; boards without a verdict are made and nothing else.
--
-- grain: production_day, unit, item
-- refresh: production_day
-- final-after: production_day
-- expect boards_add_up: pq = gq + sq + rq + verdict_unknown | warn
-- column production_day: Production day, plant time.
-- column unit: The unit.
-- column line: Line of the unit.
-- column item: Item, null if the work order is unknown.
-- column pq [boards]: Boards made.
-- column gq [boards]: Boards good at the first look.
-- column sq [boards]: Boards scrapped at the first look.
-- column rq [boards]: Boards sent to rework at the first look.
-- column verdict_unknown [boards]: Boards without a verdict.
SELECT
    production_day, unit, max(line) AS line, item,
    count(*) AS pq,
    CAST(sum(CASE WHEN verdict = 'good' THEN 1 ELSE 0 END) AS BIGINT) AS gq,
    CAST(sum(CASE WHEN verdict = 'scrap' THEN 1 ELSE 0 END) AS BIGINT) AS sq,
    CAST(sum(CASE WHEN verdict = 'rework' THEN 1 ELSE 0 END) AS BIGINT) AS rq,
    CAST(sum(CASE WHEN verdict IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS verdict_unknown
FROM silver.board_made
GROUP BY production_day, unit, item
