-- Where the time of each unit went: every second in exactly one row, from the first moment anything is
-- known of the unit to the last. Time before and after is outside the ledger, so the first and the last
-- production day may be shorter than a day. The statement lays claims on time; where two overlap the one
-- that began later has it, and time nobody claims is what the calendar says: not planned, a break, or
-- unknown. Boards claim no time; the first and the last of a unit only show that the unit was there.
--
-- grain: unit, from_at
-- ledger: time
-- expect no_overlap: overlap_s = 0 | warn
-- expect known: category <> 'unknown' | warn
-- column unit: The unit.
-- column line: Line of the unit.
-- column from_at: First moment of the row.
-- column to_at: Moment after its last.
-- column category: no_production_planned, planned_stop, setup, production, delay, down_without_order or unknown.
-- column reason: Why, null if nobody says.
-- column state: State the machine reported, null if none.
-- column work_order: Work order on the unit, null if none.
-- column source: machine_events or calendar.
-- column precedence [1]: Weight of the claim; of two the heavier has the time.
-- column duration_s [s]: Length of the row.
-- column overlap_s [s]: Time other claims had to give way by.
-- column begins: Whether an interval begins here, not only the next hour of it.
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column shift: Shift, null outside every shift.
-- column production_day: Day whose first shift began last, plant time.
WITH claimed AS (
    SELECT
        unit AS station,
        started_at AS from_at,
        ended_at AS to_at,
        CASE
            WHEN state = 'production' THEN 'production'
            WHEN state = 'setup' THEN 'setup'
            WHEN state = 'planned_stop' AND reason IN ('off_shift', 'holiday') THEN 'no_production_planned'
            WHEN state = 'planned_stop' THEN 'planned_stop'
            WHEN work_order IS NULL THEN 'down_without_order'
            ELSE 'delay'
        END AS category,
        reason,
        state,
        work_order,
        'machine_events' AS source,
        CAST(1 AS BIGINT) AS precedence
    FROM silver.machine_event
    UNION ALL
    SELECT
        station,
        seen_at AS from_at,
        seen_at AS to_at,
        CAST(NULL AS STRING) AS category,
        CAST(NULL AS STRING) AS reason,
        CAST(NULL AS STRING) AS state,
        CAST(NULL AS STRING) AS work_order,
        'boards' AS source,
        CAST(0 AS BIGINT) AS precedence
    FROM (
        SELECT station, min(inspected_at) AS seen_at
        FROM silver.board_result
        WHERE station IS NOT NULL
        GROUP BY station
        UNION ALL
        SELECT station, max(inspected_at) AS seen_at
        FROM silver.board_result
        WHERE station IS NOT NULL
        GROUP BY station
    ) AS seen
)
SELECT
    coalesce(alias.unit, claimed.station) AS unit,
    unit.line,
    claimed.from_at,
    claimed.to_at,
    claimed.category,
    claimed.reason,
    claimed.state,
    claimed.work_order,
    claimed.source,
    claimed.precedence
FROM claimed
LEFT JOIN silver.unit_alias AS alias ON alias.alias = claimed.station AND alias.kind = 'station'
LEFT JOIN silver.unit AS unit ON unit.unit = coalesce(alias.unit, claimed.station)
