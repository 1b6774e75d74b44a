-- Control charts of each sensor and week, hour by hour: X-bar and R of five parts of an hour, and the
-- highest temperature as individuals with a moving range of two. A week has charts once it has twelve
-- hours; its limits are computed from its own hours, so they are trial limits. Constants: d2 = 2.326 and
-- d3 = 0.8641 for five, d2 = 1.128 for two (Montgomery, Statistical Quality Control). `gold.spc` applies
-- the rules.
--
-- grain: chart, subject, at
-- refresh: week_at
-- column chart: temperature_mean (X-bar), temperature_range (R) or temperature_highest (individuals).
-- column subject: The sensor, plant.lane.component.manufacturer.
-- column period: First day of the week, UTC.
-- column week_at: Start of the week, UTC.
-- column at: Start of the hour, UTC.
-- column size [readings]: Readings.
-- column value [degC]: Mean of the parts, their range, or the highest temperature.
-- column centre [degC]: Mean of the values of the week.
-- column sigma [degC]: Standard deviation of a value, from the mean range.
-- column lower_limit [degC]: Centre minus three sigma; at least 0 for a range.
-- column upper_limit [degC]: Centre plus three sigma.
WITH stepped AS (
    SELECT
        *,
        abs(temp_c_max - lag(temp_c_max) OVER (PARTITION BY sensor, week_at ORDER BY hour_at)) AS moved
    FROM gold.temperature_subgroup
),
weeks AS (
    SELECT
        sensor, week_at,
        CAST(sum(temp_c_mean) AS DOUBLE) / count(*) AS mean_centre,
        CAST(sum(temp_c_range) AS DOUBLE) / count(*) AS range_centre,
        CAST(sum(temp_c_max) AS DOUBLE) / count(*) AS highest_centre,
        CAST(sum(moved) AS DOUBLE) / count(moved) AS moved_centre
    FROM stepped
    GROUP BY sensor, week_at
    HAVING count(*) >= 12
),
hours AS (
    SELECT
        hour.sensor, hour.week_at, hour.hour_at, hour.readings,
        hour.temp_c_mean, hour.temp_c_range, hour.temp_c_max,
        week.mean_centre, week.range_centre, week.highest_centre, week.moved_centre
    FROM gold.temperature_subgroup AS hour
    JOIN weeks AS week ON week.sensor = hour.sensor AND week.week_at = hour.week_at
),
points AS (
    SELECT
        'temperature_mean' AS chart, sensor, week_at, hour_at, readings,
        CAST(temp_c_mean AS DOUBLE) AS value,
        mean_centre AS centre,
        range_centre / (2.326 * sqrt(5)) AS sigma
    FROM hours
    UNION ALL
    SELECT
        'temperature_range', sensor, week_at, hour_at, readings,
        CAST(temp_c_range AS DOUBLE),
        range_centre,
        range_centre * 0.8641 / 2.326
    FROM hours
    UNION ALL
    SELECT
        'temperature_highest', sensor, week_at, hour_at, readings,
        CAST(temp_c_max AS DOUBLE),
        highest_centre,
        moved_centre / 1.128
    FROM hours
)
SELECT
    chart,
    sensor AS subject,
    CAST(CAST(week_at AS DATE) AS STRING) AS period,
    week_at,
    hour_at AS at,
    readings AS size,
    value, centre, sigma,
    CASE
        WHEN chart = 'temperature_range' AND centre < 3 * sigma THEN 0.0
        ELSE centre - 3 * sigma
    END AS lower_limit,
    centre + 3 * sigma AS upper_limit
FROM points
