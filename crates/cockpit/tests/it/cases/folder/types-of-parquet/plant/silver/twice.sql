-- Table twice.
--
-- key: id
-- column id [1]: Its value.
-- column qty [1]: Its value.
SELECT id, qty FROM typed.twice
