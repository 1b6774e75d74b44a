-- First pass yield of each unit, shift by shift, as a p chart with limits that depend on the number of
-- boards. The centre is the unit's yield over all shifts, so the limits are trial limits. Boards without a
-- verdict are excluded. `gold.spc` applies the rules.
--
-- grain: chart, subject, at
-- column chart: first_pass_yield.
-- column subject: The unit.
-- column period: all.
-- column at: Start of the shift; in the first shift of a unit the first known time of it.
-- column production_day: Production day, plant time.
-- column shift: The shift.
-- column size [boards]: Boards with a verdict.
-- column value [1]: Share of boards good at the first inspection.
-- column centre [1]: The same over all shifts of the unit.
-- column sigma [1]: Standard deviation of a shift of this size, sqrt(centre x (1 - centre) / size).
-- column lower_limit [1]: Centre minus three sigma, at least 0.
-- column upper_limit [1]: Centre plus three sigma, at most 1.
WITH began AS (
    SELECT unit, production_day, shift, min(from_at) AS at
    FROM gold.time_ledger
    GROUP BY unit, production_day, shift
),
counted AS (
    SELECT
        oee.unit AS subject, oee.production_day, oee.shift, began.at,
        oee.pq - oee.verdict_unknown AS size,
        oee.gq AS good
    FROM gold.oee_shift AS oee
    LEFT JOIN began
        ON began.unit = oee.unit AND began.production_day = oee.production_day AND began.shift = oee.shift
    WHERE oee.shift IS NOT NULL AND oee.pq > oee.verdict_unknown
),
centred AS (
    SELECT
        *,
        CAST(good AS DOUBLE) / size AS value,
        CAST(sum(good) OVER (PARTITION BY subject) AS DOUBLE) / sum(size) OVER (PARTITION BY subject) AS centre
    FROM counted
),
spread AS (
    SELECT *, sqrt(centre * (1 - centre) / size) AS sigma
    FROM centred
)
SELECT
    'first_pass_yield' AS chart,
    subject,
    'all' AS period,
    at, production_day, shift, size, value, centre, sigma,
    CASE WHEN centre - 3 * sigma > 0 THEN centre - 3 * sigma ELSE 0.0 END AS lower_limit,
    CASE WHEN centre + 3 * sigma < 1 THEN centre + 3 * sigma ELSE 1.0 END AS upper_limit
FROM spread
