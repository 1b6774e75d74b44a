-- Control charts: the points of each chart, its limits, and the rules that are violated. A point is out of
-- control by the rules of Nelson (1984) or of Western Electric (1956); a rule is null where its period has
-- too few earlier points, and where it needs a symmetric chart and the chart is not. Charts are
-- first_pass_yield (p, by shift), temperature_mean and temperature_range (X-bar and R, by hour) and
-- temperature_highest (individuals, by hour).
--
-- grain: chart, subject, at
-- refresh: period
-- column chart: first_pass_yield, temperature_mean, temperature_range or temperature_highest.
-- column subject: The unit or sensor.
-- column period: Span of the limits and of the look-back of rules: the first day of a week, or all.
-- column at: Start of the shift or hour.
-- column production_day: Production day of the shift, plant time; null for hours.
-- column shift: The shift; null for hours.
-- column size [1]: Boards with a verdict, or readings.
-- column value [1 or degC]: Value of the point.
-- column centre [1 or degC]: Centre line.
-- column sigma [1 or degC]: Standard deviation of the point.
-- column lower_limit [1 or degC]: Centre minus three sigma, within the possible range.
-- column upper_limit [1 or degC]: Centre plus three sigma, within the possible range.
-- column z [1]: Distance from the centre in sigmas, null if sigma is 0.
-- column nelson_1: Beyond three sigma.
-- column nelson_2: Nine in a row on one side.
-- column nelson_3: Six in a row rising, or falling.
-- column nelson_4: Fourteen in a row, alternating up and down.
-- column nelson_5: Two of three beyond two sigma on one side.
-- column nelson_6: Four of five beyond one sigma on one side.
-- column nelson_7: Fifteen in a row within one sigma.
-- column nelson_8: Eight in a row beyond one sigma, on either side.
-- column western_electric: Beyond three sigma, or two of three beyond two, or four of five beyond one, or eight in a row, on one side.
-- column is_in_control: Whether no rule of Nelson is violated.
WITH points AS (
    SELECT
        chart, subject, period, at, production_day, shift, size, value, centre, sigma, lower_limit, upper_limit
    FROM gold.spc_yield
    UNION ALL
    SELECT
        chart, subject, period, at, CAST(NULL AS DATE), CAST(NULL AS STRING), size, value, centre, sigma,
        lower_limit, upper_limit
    FROM gold.spc_temperature
),
placed AS (
    SELECT
        *,
        CASE WHEN sigma > 0 THEN (value - centre) / sigma END AS z,
        chart <> 'temperature_range' AS is_symmetric,
        value - lag(value) OVER (PARTITION BY chart, subject, period ORDER BY at) AS step,
        row_number() OVER (PARTITION BY chart, subject, period ORDER BY at) AS place
    FROM points
),
turned AS (
    SELECT
        *,
        CASE WHEN step * lag(step) OVER (PARTITION BY chart, subject, period ORDER BY at) < 0 THEN 1 ELSE 0 END AS is_turn
    FROM placed
),
run_of AS (
    SELECT
        *,
        sum(CASE WHEN z > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 8 PRECEDING AND CURRENT ROW) AS above_9,
        sum(CASE WHEN z < 0 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 8 PRECEDING AND CURRENT ROW) AS below_9,
        sum(CASE WHEN z > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS above_8,
        sum(CASE WHEN z < 0 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS below_8,
        sum(CASE WHEN step > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS rises_5,
        sum(CASE WHEN step < 0 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS falls_5,
        sum(is_turn) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 11 PRECEDING AND CURRENT ROW) AS turns_12,
        sum(CASE WHEN z > 2 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS far_above_3,
        sum(CASE WHEN z < -2 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS far_below_3,
        sum(CASE WHEN z > 1 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS out_above_5,
        sum(CASE WHEN z < -1 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS out_below_5,
        sum(CASE WHEN abs(z) < 1 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 14 PRECEDING AND CURRENT ROW) AS within_15,
        sum(CASE WHEN abs(z) > 1 THEN 1 ELSE 0 END) OVER (PARTITION BY chart, subject, period ORDER BY at ROWS BETWEEN 7 PRECEDING AND CURRENT ROW) AS beyond_8
    FROM turned
),
judged AS (
    SELECT
        *,
        abs(z) > 3 AS nelson_1,
        CASE WHEN place >= 9 THEN above_9 = 9 OR below_9 = 9 END AS nelson_2,
        CASE WHEN place >= 6 THEN rises_5 = 5 OR falls_5 = 5 END AS nelson_3,
        CASE WHEN place >= 14 THEN turns_12 = 12 END AS nelson_4,
        CASE WHEN is_symmetric AND place >= 3 THEN far_above_3 >= 2 OR far_below_3 >= 2 END AS nelson_5,
        CASE WHEN is_symmetric AND place >= 5 THEN out_above_5 >= 4 OR out_below_5 >= 4 END AS nelson_6,
        CASE WHEN is_symmetric AND place >= 15 THEN within_15 = 15 END AS nelson_7,
        CASE WHEN is_symmetric AND place >= 8 THEN beyond_8 = 8 END AS nelson_8,
        CASE WHEN place >= 8 THEN above_8 = 8 OR below_8 = 8 END AS eight_on_one_side
    FROM run_of
)
SELECT
    chart, subject, period, at, production_day, shift, size, value, centre, sigma, lower_limit, upper_limit,
    z, nelson_1, nelson_2, nelson_3, nelson_4, nelson_5, nelson_6, nelson_7, nelson_8,
    coalesce(nelson_1, false) OR coalesce(nelson_5, false) OR coalesce(nelson_6, false)
        OR coalesce(eight_on_one_side, false) AS western_electric,
    NOT (
        coalesce(nelson_1, false) OR coalesce(nelson_2, false) OR coalesce(nelson_3, false)
        OR coalesce(nelson_4, false) OR coalesce(nelson_5, false) OR coalesce(nelson_6, false)
        OR coalesce(nelson_7, false) OR coalesce(nelson_8, false)
    ) AS is_in_control
FROM judged
