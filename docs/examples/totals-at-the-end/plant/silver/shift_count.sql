-- Counters of each machine, one row per shift.
--
-- key: day, shift, machine
-- expect not_negative: good >= 0 AND rejected >= 0 | reject
-- column day: Day of the shift, plant time.
-- column shift: Letter of the shift.
-- column machine: Machine.
-- column good [bottles]: Bottles passed.
-- column rejected [bottles]: Bottles rejected.
SELECT day, shift, machine, good, rejected
FROM typed.shift_report
