-- Table growing_whole.
--
-- column id [1]: Number.
-- column qty [1]: Quantity.
SELECT id, qty FROM typed.growing_whole
