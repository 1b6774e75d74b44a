-- Table removed.
--
-- key: id
-- column id [1]: Number.
-- column qty [1]: Quantity.
SELECT id, qty FROM typed.removed
