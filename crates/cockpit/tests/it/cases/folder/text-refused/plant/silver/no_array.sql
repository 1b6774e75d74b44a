-- Table no_array.
--
-- key: id
-- column id [1]: id.
SELECT id FROM typed.no_array
