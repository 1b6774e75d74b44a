-- Records of the ERP's item dump; one item number has many. The newest dump replaces the one before it
-- as a whole, because its records have no key.
--
-- column item_no: Item number; not unique.
-- column description: Description of the item.
-- column base_uom: Base unit of measure.
-- column posting_group: Inventory posting group.
-- column disc_group: Item discount group.
-- column unit_price [INR]: Price of one unit.
-- column unit_cost [INR]: Cost of one unit.
-- column bom_no: Bill of material of the item.
SELECT
    no AS item_no,
    description,
    base_unit_of_measure AS base_uom,
    inventory_posting_group AS posting_group,
    item_disc_group AS disc_group,
    unit_price,
    unit_cost,
    production_bom_no AS bom_no
FROM typed.item
