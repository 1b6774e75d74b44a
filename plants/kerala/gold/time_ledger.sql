-- The time of each unit by category: every second in exactly one row, from the first known moment of the
-- unit to the last. Time before and after is outside the ledger, so the first and the last production day
-- may be shorter than a day. The statement makes claims on time; where two overlap, the one that began
-- later gets it, and time without a claim is not planned, a break, or unknown, by the calendar. Boards
-- claim no time; the first and the last of a unit only extend its known time.
--
-- grain: unit, from_at
-- ledger: time
-- expect no_overlap: overlap_s = 0 | warn
-- expect known: category <> 'unknown' | warn
-- column unit: The unit.
-- column line: Line of the unit.
-- column from_at: Start of the row.
-- column to_at: End of the row, exclusive.
-- column category: no_production_planned, planned_stop, setup, production, delay, down_without_order or unknown.
-- column reason: Reason, null if not given.
-- column state: State reported by the machine, null if none.
-- column work_order: Work order on the unit, null if none.
-- column source: machine_events or calendar.
-- column precedence [1]: Precedence of the claim; the greater one gets the time.
-- column duration_s [s]: Length of the row.
-- column overlap_s [s]: Time of other claims that this row overrides.
-- column begins: Whether an interval starts here, and not only its next hour.
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column shift: Shift, null outside every shift.
-- column production_day: Production day, plant time: the day whose first shift began last.
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
        SELECT bounds.station, CASE WHEN part.is_first THEN bounds.first_at ELSE bounds.last_at END AS seen_at
        FROM (
            SELECT station, min(inspected_at) AS first_at, max(inspected_at) AS last_at
            FROM silver.board_result
            WHERE station IS NOT NULL
            GROUP BY station
        ) AS bounds
        CROSS JOIN (SELECT true AS is_first UNION ALL SELECT false AS is_first) AS part
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
