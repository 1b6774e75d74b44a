-- Case table text.
--
-- key: id
-- column id [id]: Column id.
SELECT id FROM typed.text
