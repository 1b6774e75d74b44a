-- Inventory by discount group and posting group. Price rule: the mean unit price of the item number
-- (silver.material, which also assigns the groups of an item number).
--
-- grain: disc_group, posting_group
-- column disc_group: Item discount group, null if no item dump contains the item.
-- column posting_group: Inventory posting group.
-- column items [1]: Different item numbers.
-- column entries [1]: Warehouse entries.
-- column quantity [pieces]: Quantity in the base unit.
-- column value [INR]: Quantity times unit price of the material, each entry rounded to two places.
-- column unpriced_quantity [pieces]: Quantity of materials without a price; it is not in value.
SELECT
    material.disc_group,
    material.posting_group,
    count(DISTINCT entry.item_no) AS items,
    count(*) AS entries,
    CAST(sum(entry.quantity_base) AS DECIMAL(28, 4)) AS quantity,
    CAST(sum(CAST(round(entry.quantity_base * material.unit_price, 2) AS DECIMAL(28, 2))) AS DECIMAL(28, 2)) AS value,
    CAST(sum(CASE WHEN material.unit_price IS NULL THEN entry.quantity_base ELSE 0 END) AS DECIMAL(28, 4)) AS unpriced_quantity
FROM silver.warehouse_entry AS entry
LEFT JOIN silver.material AS material ON material.item_no = entry.item_no
GROUP BY material.disc_group, material.posting_group
