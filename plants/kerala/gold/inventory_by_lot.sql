-- Inventory by lot and item. Price rule: the mean unit price of the item number (silver.material).
--
-- grain: lot_no, item_no
-- refresh: lot_no
-- column lot_no: Lot, null where the entry has none.
-- column item_no: Item number.
-- column description: Description of the item.
-- column first_registered_on: Day of the first entry.
-- column last_registered_on: Day of the last entry.
-- column entries [1]: Warehouse entries.
-- column quantity [pieces]: Quantity in the base unit.
-- column value [INR]: Quantity times unit price of the material, each entry rounded to two places.
-- column unpriced_quantity [pieces]: Quantity of materials without a price; it is not in value.
SELECT
    entry.lot_no,
    entry.item_no,
    material.description,
    min(entry.registered_on) AS first_registered_on,
    max(entry.registered_on) AS last_registered_on,
    count(*) AS entries,
    CAST(sum(entry.quantity_base) AS DECIMAL(28, 4)) AS quantity,
    CAST(sum(CAST(round(entry.quantity_base * material.unit_price, 2) AS DECIMAL(28, 2))) AS DECIMAL(28, 2)) AS value,
    CAST(sum(CASE WHEN material.unit_price IS NULL THEN entry.quantity_base ELSE 0 END) AS DECIMAL(28, 4)) AS unpriced_quantity
FROM silver.warehouse_entry AS entry
LEFT JOIN silver.material AS material ON material.item_no = entry.item_no
GROUP BY entry.lot_no, entry.item_no, material.description
