-- Hours of a sensor as subgroups of control charts: five parts of twelve minutes each, the mean of their
-- means and the range of these. Hours in which a part has no reading are excluded.
--
-- grain: sensor, hour_at
-- refresh: hour_at
-- column sensor: The sensor, plant.lane.component.manufacturer.
-- column hour_at: Start of the hour, UTC.
-- column week_at: Start of its week, a Monday, UTC.
-- column readings [readings]: Readings.
-- column temp_c_mean [degC]: Mean of the means of the parts.
-- column temp_c_range [degC]: Highest of the means minus the lowest.
-- column temp_c_max [degC]: Highest temperature of the hour.
WITH parts AS (
    SELECT
        sensor, hour_at,
        floor(extract(minute FROM minute_at) / 12.0) AS part,
        CAST(sum(readings) AS BIGINT) AS readings,
        CAST(CAST(sum(temp_c_sum) AS DOUBLE) / sum(readings) AS DECIMAL(12, 6)) AS temp_c_mean,
        max(temp_c_max) AS temp_c_max
    FROM gold.temperature_minute
    GROUP BY sensor, hour_at, floor(extract(minute FROM minute_at) / 12.0)
)
SELECT
    sensor, hour_at,
    date_trunc('week', hour_at) AS week_at,
    CAST(sum(readings) AS BIGINT) AS readings,
    CAST(CAST(sum(temp_c_mean) AS DOUBLE) / 5 AS DECIMAL(12, 6)) AS temp_c_mean,
    CAST(max(temp_c_mean) - min(temp_c_mean) AS DECIMAL(12, 6)) AS temp_c_range,
    CAST(max(temp_c_max) AS DECIMAL(12, 6)) AS temp_c_max
FROM parts
GROUP BY sensor, hour_at
HAVING count(*) = 5
