-- Table damaged.
--
-- key: id
-- column id [1]: Its value.
SELECT id FROM typed.damaged
