-- Table report.
--
-- key: cycle
-- column cycle [1]: cycle.
-- column force: force.
SELECT cycle, force FROM typed.report
