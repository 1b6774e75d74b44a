-- Warehouse entries.
--
-- key: entry_id
-- column entry_id [id]: Number of the entry.
-- column item: Item.
-- column registered_on: Day of registration.
-- column quantity [pieces]: Pieces.
SELECT id AS entry_id, item, on AS registered_on, quantity FROM typed.entry
