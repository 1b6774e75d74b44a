-- Items the plant makes, from the MES's item register.
--
-- key: item
-- column item: The item.
-- column description: Description of the item.
-- column modality: Station family the item is made at.
-- column revision: Revision of the item.
-- column base_uom: Base unit of measure.
-- column category: Category, modality and country.
-- column registered_at: When the register entry was written.
-- column shelf_life: Shelf life, in the words of the register.
-- column msd: Moisture sensitivity, in the words of the register.
SELECT
    item_id AS item,
    description,
    modality,
    revision,
    base_uom,
    item_category AS category,
    stamp AS registered_at,
    shelf_life,
    msd
FROM typed.items
