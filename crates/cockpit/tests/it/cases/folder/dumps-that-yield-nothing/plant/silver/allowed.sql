-- Case table allowed.
--
-- key: id
-- column id [id]: Column id.
-- column qty [1]: Column qty.
SELECT id, qty FROM typed.allowed
