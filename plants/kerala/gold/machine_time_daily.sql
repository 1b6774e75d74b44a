-- Time of each machine in each state, by day. The source ends every record at midnight and begins another,
-- so a state belongs to the day on which it began. Time that no record covers is unknown and in no row.
--
-- grain: day_local, unit, state, reason
-- refresh: day_local
-- column day_local: Day, plant time.
-- column unit: The machine.
-- column state: production, setup, planned_stop, unplanned_stop, minor_stop or idle.
-- column reason: Reason, null if not given.
-- column events [1]: Records of the state.
-- column duration_s [s]: Time in the state.
SELECT
    day_local, unit, state, reason,
    count(*) AS events,
    CAST(sum(duration_s) AS BIGINT) AS duration_s
FROM silver.machine_state
GROUP BY day_local, unit, state, reason
