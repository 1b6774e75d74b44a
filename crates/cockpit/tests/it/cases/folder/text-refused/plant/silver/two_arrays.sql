-- Table two_arrays.
--
-- key: id
-- column id [1]: id.
SELECT id FROM typed.two_arrays
