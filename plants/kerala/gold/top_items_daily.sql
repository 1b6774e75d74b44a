-- The ten items with most boards of each day. Ties are in alphabetical order.
--
-- grain: day_local, rank
-- refresh: day_local
-- column day_local: Day, plant time.
-- column rank [1]: Rank; 1 is most.
-- column item: Item.
-- column actual [boards]: Boards made.
WITH made AS (
    SELECT day_local, item, CAST(sum(actual) AS BIGINT) AS actual
    FROM gold.production_daily
    WHERE item IS NOT NULL
    GROUP BY day_local, item
),
ranked AS (
    SELECT
        day_local,
        CAST(row_number() OVER (PARTITION BY day_local ORDER BY actual DESC, item ASC) AS INT) AS rank,
        item,
        actual
    FROM made
    WHERE actual > 0
)
SELECT day_local, rank, item, actual
FROM ranked
WHERE rank <= 10
