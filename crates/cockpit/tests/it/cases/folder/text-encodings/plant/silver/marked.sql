-- Table marked.
--
-- key: id
-- column id: id.
-- column name: name.
SELECT id, name FROM typed.marked
