-- Inventory by days since registration, as of a given day. Price rule: the mean unit price of the item
-- number (silver.material).
--
-- grain: age_bucket
-- parameter as_of: date = today
-- column as_of: Day for which the age is computed, plant time.
-- column age_bucket: Range of days since registration.
-- column age_from_d [d]: First day of the bucket, -1 for entries registered after the as-of day.
-- column entries [1]: Warehouse entries.
-- column quantity [pieces]: Quantity in the base unit.
-- column value [INR]: Quantity times unit price of the material, each entry rounded to two places.
-- column unpriced_quantity [pieces]: Quantity of materials without a price; it is not in value.
WITH priced AS (
    SELECT
        entry.quantity_base,
        material.unit_price,
        CASE
            WHEN entry.registered_on > :as_of THEN -1
            WHEN entry.registered_on >= :as_of - INTERVAL '30' DAY THEN 0
            WHEN entry.registered_on >= :as_of - INTERVAL '60' DAY THEN 31
            WHEN entry.registered_on >= :as_of - INTERVAL '90' DAY THEN 61
            WHEN entry.registered_on >= :as_of - INTERVAL '180' DAY THEN 91
            WHEN entry.registered_on >= :as_of - INTERVAL '365' DAY THEN 181
            WHEN entry.registered_on >= :as_of - INTERVAL '540' DAY THEN 366
            WHEN entry.registered_on >= :as_of - INTERVAL '720' DAY THEN 541
            ELSE 721
        END AS age_from_d
    FROM silver.warehouse_entry AS entry
    LEFT JOIN silver.material AS material ON material.item_no = entry.item_no
)
SELECT
    :as_of AS as_of,
    CASE age_from_d
        WHEN -1 THEN 'after the as-of day'
        WHEN 0 THEN '0-30'
        WHEN 31 THEN '31-60'
        WHEN 61 THEN '61-90'
        WHEN 91 THEN '91-180'
        WHEN 181 THEN '181-365'
        WHEN 366 THEN '366-540'
        WHEN 541 THEN '541-720'
        ELSE 'over 720'
    END AS age_bucket,
    CAST(age_from_d AS INT) AS age_from_d,
    count(*) AS entries,
    CAST(sum(quantity_base) AS DECIMAL(28, 4)) AS quantity,
    CAST(sum(CAST(round(quantity_base * unit_price, 2) AS DECIMAL(28, 2))) AS DECIMAL(28, 2)) AS value,
    CAST(sum(CASE WHEN unit_price IS NULL THEN quantity_base ELSE 0 END) AS DECIMAL(28, 4)) AS unpriced_quantity
FROM priced
GROUP BY age_from_d
