-- Table hanzi.
--
-- key: id
-- column id [1]: id.
-- column name: name.
SELECT id, name FROM typed.hanzi
