-- Table central.
--
-- key: nr
-- column nr [1]: nr.
-- column name: name.
SELECT nr, name FROM typed.central
