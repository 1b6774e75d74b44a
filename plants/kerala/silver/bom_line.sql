-- Lines of the bills of material, from the newest dump.
--
-- expect quantity_not_negative: quantity_per >= 0 | reject
-- expect ends_after_start: ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on | warn
-- column bom_no: The bill of material, null where the dump has none.
-- column line_no [id]: Number of the line.
-- column item_no: Component item number.
-- column description: Description of the component.
-- column unit_of_measure: Unit of measure.
-- column quantity [pieces]: Quantity of the line.
-- column quantity_per [pieces]: Quantity needed for one board.
-- column position: Where the component is placed.
-- column lead_time_offset [d]: Lead time offset.
-- column scrap_percent [%]: Scrap allowed for.
-- column variant: Variant of the component.
-- column starts_on: First day the line is valid.
-- column ends_on: Last day the line is valid.
SELECT
    production_bom_no AS bom_no,
    line_no,
    no AS item_no,
    description,
    unit_of_measure_code AS unit_of_measure,
    quantity,
    quantity_per,
    position,
    lead_time_offset,
    scrap AS scrap_percent,
    variant_code AS variant,
    starting_date AS starts_on,
    ending_date AS ends_on
FROM typed.production
