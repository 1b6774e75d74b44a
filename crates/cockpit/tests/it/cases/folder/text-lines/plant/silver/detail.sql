-- Table detail.
--
-- key: cycle
-- column kind: kind.
-- column cycle [1]: cycle.
-- column force [1]: force.
SELECT kind, cycle, force FROM typed.detail
