-- Table parts.
--
-- column id [1]: Number.
-- column qty [1]: Quantity.
SELECT id, qty FROM typed.parts
