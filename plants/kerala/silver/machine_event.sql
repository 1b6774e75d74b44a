-- States of each machine with start and end, in the categories of ISO 22400-2. Records may overlap where
-- the source has them overlap.
--
-- key: unit, started_at
-- expect state_known: state IN ('production', 'setup', 'planned_stop', 'unplanned_stop', 'minor_stop', 'idle') | reject
-- expect ends_after_start: ended_at >= started_at | reject
-- column unit: The machine.
-- column state: production, setup, planned_stop, unplanned_stop, minor_stop or idle.
-- column reason: Reason, null if not given.
-- column started_at: When the state began.
-- column ended_at: When the state ended.
-- column day_local: Day the state began, plant time.
-- column hour_local [h]: Hour the state began, plant time.
-- column shift: Shift running when the state began, null outside every shift.
-- column duration_s [s]: Time from start to end.
-- column work_order: Work order on the machine, null if none.
SELECT
    unit,
    state,
    reason,
    started_at,
    ended_at,
    started_at_day_local AS day_local,
    started_at_hour_local AS hour_local,
    started_at_shift AS shift,
    CAST(extract(epoch FROM ended_at) - extract(epoch FROM started_at) AS BIGINT) AS duration_s,
    work_order
FROM typed.machine_events
