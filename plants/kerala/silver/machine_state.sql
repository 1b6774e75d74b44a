-- States of each machine without overlaps: a state lasts until its recorded end or until the next one
-- begins, whichever comes first. Time that no record covers is in no row.
--
-- grain: unit, started_at
-- refresh: unit
-- column unit: The machine.
-- column state: production, setup, planned_stop, unplanned_stop, minor_stop or idle.
-- column reason: Reason, null if not given.
-- column started_at: When the state began.
-- column ended_at: When the state ended.
-- column day_local: Day the state began, plant time.
-- column hour_local [h]: Hour the state began, plant time.
-- column shift: Shift running when the state began, null outside every shift.
-- column duration_s [s]: Time from start to end.
-- column overlap_s [s]: Time removed because the next state had begun.
-- column work_order: Work order on the machine, null if none.
WITH following AS (
    SELECT
        *,
        lead(started_at) OVER (PARTITION BY unit ORDER BY started_at) AS next_at
    FROM silver.machine_event
),
cut AS (
    SELECT
        *,
        CASE WHEN next_at < ended_at THEN next_at ELSE ended_at END AS cut_at
    FROM following
)
SELECT
    unit,
    state,
    reason,
    started_at,
    cut_at AS ended_at,
    day_local,
    hour_local,
    shift,
    CAST(extract(epoch FROM cut_at) - extract(epoch FROM started_at) AS BIGINT) AS duration_s,
    CAST(extract(epoch FROM ended_at) - extract(epoch FROM cut_at) AS BIGINT) AS overlap_s,
    work_order
FROM cut
