-- Pieces by days since registration and what they are worth, counted from the as-of day.
--
-- grain: age_from_d
-- parameter as_of: date = today
-- column as_of: Day the age is counted to.
-- column age_from_d [d]: First day of the bucket, -1 for entries after the as-of day.
-- column entries [1]: Entries.
-- column quantity [pieces]: Pieces.
-- column value [INR]: Pieces times price.
WITH aged AS (
    SELECT
        entry.quantity,
        price.price,
        CASE
            WHEN entry.registered_on > :as_of THEN -1
            WHEN entry.registered_on >= :as_of - INTERVAL '30' DAY THEN 0
            ELSE 31
        END AS age_from_d
    FROM silver.entry AS entry
    LEFT JOIN silver.price AS price ON price.item = entry.item
)
SELECT
    :as_of AS as_of,
    CAST(age_from_d AS INT) AS age_from_d,
    count(*) AS entries,
    CAST(sum(quantity) AS BIGINT) AS quantity,
    CAST(sum(CAST(quantity * price AS DECIMAL(28, 2))) AS DECIMAL(28, 2)) AS value
FROM aged
GROUP BY age_from_d
