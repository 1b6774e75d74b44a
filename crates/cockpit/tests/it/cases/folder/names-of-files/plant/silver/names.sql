-- Table names.
--
-- key: id
-- column id [1]: Its value.
-- column place: Its value.
SELECT id, place FROM typed.names
