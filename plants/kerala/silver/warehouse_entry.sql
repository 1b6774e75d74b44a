-- Warehouse entries, one row per entry of the ERP.
--
-- key: entry_no
-- expect quantity_plausible: quantity_base BETWEEN -1000000 AND 1000000 | reject
-- expect expiry_after_registration: expires_at IS NULL OR expires_at >= CAST(registered_on AS TIMESTAMP) | warn
-- column entry_no [id]: Number of the entry.
-- column registered_on: Day the entry was registered, plant time.
-- column location: Location of the warehouse.
-- column zone: Zone within the location.
-- column bin: Bin of the goods.
-- column description: Description of the goods.
-- column item_no: Item number of the goods.
-- column quantity [pieces]: Quantity in the unit of measure of the entry.
-- column quantity_base [pieces]: Quantity in the base unit.
-- column unit_of_measure: Unit of measure.
-- column lot_no: Lot of the goods.
-- column reference_no: Goods receipt the entry belongs to.
-- column entry_type [code]: Entry type code of the ERP.
-- column warranty_at: When the warranty ends.
-- column expires_at: When the goods expire.
-- column counting_period: Code of the counting period.
SELECT
    entry_no,
    registering_date AS registered_on,
    location_code AS location,
    zone_code AS zone,
    bin_code AS bin,
    description,
    item_no,
    quantity,
    qty_base AS quantity_base,
    unit_of_measure_code AS unit_of_measure,
    lot_no,
    reference_no,
    entry_type,
    warranty_date AS warranty_at,
    expiration_date AS expires_at,
    phys_invt_counting_period_code AS counting_period
FROM typed.warehouse
