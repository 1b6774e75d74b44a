-- Materials, one row per item number. The item dump has many records for one number, which are merged.
-- Price rule: the mean unit price of all records of the number. Group and description: that of most
-- records, the first in alphabetical order if there is a tie.
--
-- grain: item_no
-- expect priced: unit_price_count > 0 | warn
-- column item_no: Item number.
-- column description: Description of the item.
-- column posting_group: Inventory posting group of most records.
-- column disc_group: Item discount group of most records.
-- column posting_groups [1]: Different posting groups of the records.
-- column disc_groups [1]: Different discount groups of the records.
-- column records [1]: Records of the number in the item dump.
-- column unit_price_sum [INR]: Sum of the unit prices of the records.
-- column unit_price_count [1]: Records with a unit price.
-- column unit_price [INR]: Sum divided by count, rounded to four places.
-- column unit_price_min [INR]: Lowest unit price.
-- column unit_price_max [INR]: Highest unit price.
-- column price_rule: Name of the rule behind unit_price.
WITH posting AS (
    SELECT item_no, posting_group, row_number() OVER (
        PARTITION BY item_no ORDER BY count(*) DESC, posting_group ASC NULLS LAST
    ) AS place
    FROM silver.material_record
    GROUP BY item_no, posting_group
),
disc AS (
    SELECT item_no, disc_group, row_number() OVER (
        PARTITION BY item_no ORDER BY count(*) DESC, disc_group ASC NULLS LAST
    ) AS place
    FROM silver.material_record
    GROUP BY item_no, disc_group
),
naming AS (
    SELECT item_no, description, row_number() OVER (
        PARTITION BY item_no ORDER BY count(*) DESC, description ASC NULLS LAST
    ) AS place
    FROM silver.material_record
    GROUP BY item_no, description
),
price AS (
    SELECT
        item_no,
        count(*) AS records,
        count(DISTINCT posting_group) AS posting_groups,
        count(DISTINCT disc_group) AS disc_groups,
        sum(unit_price) AS unit_price_sum,
        count(unit_price) AS unit_price_count,
        min(unit_price) AS unit_price_min,
        max(unit_price) AS unit_price_max
    FROM silver.material_record
    GROUP BY item_no
)
SELECT
    price.item_no,
    naming.description,
    posting.posting_group,
    disc.disc_group,
    price.posting_groups,
    price.disc_groups,
    price.records,
    price.unit_price_sum,
    price.unit_price_count,
    CAST(round(CAST(price.unit_price_sum AS DOUBLE) / price.unit_price_count, 4) AS DECIMAL(18, 4)) AS unit_price,
    price.unit_price_min,
    price.unit_price_max,
    'mean unit price of the item number' AS price_rule
FROM price
JOIN posting ON posting.item_no = price.item_no AND posting.place = 1
JOIN disc ON disc.item_no = price.item_no AND disc.place = 1
JOIN naming ON naming.item_no = price.item_no AND naming.place = 1
