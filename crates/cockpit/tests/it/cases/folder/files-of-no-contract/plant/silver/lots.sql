-- Case table lots.
--
-- key: id
-- column id [id]: Column id.
SELECT id FROM typed.lots
