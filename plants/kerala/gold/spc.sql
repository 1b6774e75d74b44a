-- Control charts: first pass yield of each unit, shift by shift, as a p chart with limits that follow the
-- number of boards. The centre is the unit's yield over all shifts, so the limits are trial limits. A shift
-- is out of control by the rules of Nelson (1984) or of Western Electric (1956); a rule is null where too
-- few shifts lie before it. Shifts follow each other in time, whatever they are called. Boards without a
-- verdict are left out.
--
-- grain: chart, unit, production_day, shift
-- column chart: first_pass_yield.
-- column unit: The unit.
-- column production_day: Production day, plant time.
-- column shift: The shift.
-- column inspected [boards]: Boards with a verdict.
-- column good [boards]: Those good at the first look.
-- column value [1]: Good by inspected.
-- column centre [1]: The unit's good by inspected over all shifts.
-- column sigma [1]: Standard deviation of a shift of this size, sqrt(centre x (1 - centre) / inspected).
-- column lower_limit [1]: Centre less three sigma, 0 at least.
-- column upper_limit [1]: Centre and three sigma, 1 at most.
-- column z [1]: Sigmas from the centre, null if sigma is 0.
-- column nelson_1: Beyond three sigma.
-- column nelson_2: Nine in a row on one side.
-- column nelson_3: Six in a row rising, or falling.
-- column nelson_4: Fourteen in a row up and down by turns.
-- column nelson_5: Two of three beyond two sigma on one side.
-- column nelson_6: Four of five beyond one sigma on one side.
-- column nelson_7: Fifteen in a row within one sigma.
-- column nelson_8: Eight in a row beyond one sigma, on either side.
-- column western_electric: Beyond three sigma, or two of three beyond two, or four of five beyond one, or eight in a row, on one side.
-- column is_in_control: No rule of Nelson is broken.
WITH began AS (
    SELECT unit, production_day, shift, min(from_at) AS began_at
    FROM gold.time_ledger
    GROUP BY unit, production_day, shift
),
counted AS (
    SELECT
        oee.unit, oee.production_day, oee.shift, began.began_at,
        oee.pq - oee.verdict_unknown AS inspected,
        oee.gq AS good,
        CAST(oee.gq AS DOUBLE) / (oee.pq - oee.verdict_unknown) AS value
    FROM gold.oee_shift AS oee
    LEFT JOIN began
        ON began.unit = oee.unit AND began.production_day = oee.production_day AND began.shift = oee.shift
    WHERE oee.shift IS NOT NULL AND oee.pq > oee.verdict_unknown
),
centred AS (
    SELECT
        *,
        CAST(sum(good) OVER (PARTITION BY unit) AS DOUBLE) / sum(inspected) OVER (PARTITION BY unit) AS centre
    FROM counted
),
spread AS (
    SELECT *, sqrt(centre * (1 - centre) / inspected) AS sigma
    FROM centred
),
placed AS (
    SELECT
        *,
        CASE WHEN sigma > 0 THEN (value - centre) / sigma END AS z,
        value - lag(value) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift) AS step,
        row_number() OVER (PARTITION BY unit ORDER BY production_day, began_at, shift) AS place
    FROM spread
),
turned AS (
    SELECT
        *,
        CASE WHEN step * lag(step) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift) < 0 THEN 1 ELSE 0 END AS is_turn
    FROM placed
),
run_of AS (
    SELECT
        *,
        sum(CASE WHEN z > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 8 PRECEDING AND CURRENT ROW) AS above_9,
        sum(CASE WHEN z < 0 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 8 PRECEDING AND CURRENT ROW) AS below_9,
        sum(CASE WHEN z > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS above_8,
        sum(CASE WHEN z < 0 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS below_8,
        sum(CASE WHEN step > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS rises_5,
        sum(CASE WHEN step < 0 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS falls_5,
        sum(is_turn) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 11 PRECEDING AND CURRENT ROW) AS turns_12,
        sum(CASE WHEN z > 2 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS far_above_3,
        sum(CASE WHEN z < -2 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS far_below_3,
        sum(CASE WHEN z > 1 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS out_above_5,
        sum(CASE WHEN z < -1 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS out_below_5,
        sum(CASE WHEN abs(z) < 1 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS within_15,
        sum(CASE WHEN abs(z) > 1 THEN 1 ELSE 0 END) OVER (PARTITION BY unit ORDER BY production_day, began_at, shift ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS beyond_8
    FROM turned
),
judged AS (
    SELECT
        *,
        abs(z) > 3 AS nelson_1,
        CASE WHEN place >= 9 THEN above_9 = 9 OR below_9 = 9 END AS nelson_2,
        CASE WHEN place >= 6 THEN rises_5 = 5 OR falls_5 = 5 END AS nelson_3,
        CASE WHEN place >= 14 THEN turns_12 = 12 END AS nelson_4,
        CASE WHEN place >= 3 THEN far_above_3 >= 2 OR far_below_3 >= 2 END AS nelson_5,
        CASE WHEN place >= 5 THEN out_above_5 >= 4 OR out_below_5 >= 4 END AS nelson_6,
        CASE WHEN place >= 15 THEN within_15 = 15 END AS nelson_7,
        CASE WHEN place >= 8 THEN beyond_8 = 8 END AS nelson_8,
        CASE WHEN place >= 8 THEN above_8 = 8 OR below_8 = 8 END AS eight_on_one_side
    FROM run_of
)
SELECT
    'first_pass_yield' AS chart,
    unit, production_day, shift, inspected, good, value, centre, sigma,
    CASE WHEN centre - 3 * sigma > 0 THEN centre - 3 * sigma ELSE 0.0 END AS lower_limit,
    CASE WHEN centre + 3 * sigma < 1 THEN centre + 3 * sigma ELSE 1.0 END AS upper_limit,
    z, nelson_1, nelson_2, nelson_3, nelson_4, nelson_5, nelson_6, nelson_7, nelson_8,
    coalesce(nelson_1, false) OR coalesce(nelson_5, false) OR coalesce(nelson_6, false)
        OR coalesce(eight_on_one_side, false) AS western_electric,
    NOT (
        coalesce(nelson_1, false) OR coalesce(nelson_2, false) OR coalesce(nelson_3, false)
        OR coalesce(nelson_4, false) OR coalesce(nelson_5, false) OR coalesce(nelson_6, false)
        OR coalesce(nelson_7, false) OR coalesce(nelson_8, false)
    ) AS is_in_control
FROM judged
