-- Case table many.
--
-- key: id
-- column id [id]: Column id.
-- column qty [1]: Column qty.
SELECT id, qty FROM typed.many
