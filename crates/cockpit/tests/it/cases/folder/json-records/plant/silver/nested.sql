-- Table nested.
--
-- key: id
-- column id [1]: id.
-- column force [1]: force.
-- column unit: unit.
-- column n [1]: n.
-- column sent: sent.
SELECT id, force, unit, n, sent FROM typed.nested
