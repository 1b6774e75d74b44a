-- How long each machine was in each state, by day. The system ends every record at midnight and begins
-- another, so a state is of the day it began on. Time no record covers is in no row; it is unknown.
--
-- grain: day_local, unit, state, reason
-- refresh: day_local
-- column day_local: Day, plant time.
-- column unit: The machine.
-- column state: production, setup, planned_stop, unplanned_stop, minor_stop or idle.
-- column reason: Why, null if none is said.
-- column events [1]: Records of the state.
-- column duration_s [s]: Time in the state.
SELECT
    day_local, unit, state, reason,
    count(*) AS events,
    CAST(sum(duration_s) AS BIGINT) AS duration_s
FROM silver.machine_state
GROUP BY day_local, unit, state, reason
