-- Temperatures by sensor and minute: partial sums, from which every longer span is computed exactly.
--
-- grain: sensor, minute_at
-- refresh: minute_at
-- parameter limit_c: double = temperature.limit_c
-- column sensor: The sensor, plant.lane.component.manufacturer.
-- column plant: Plant of the machine.
-- column lane: Lane of the machine within its plant.
-- column component: Type of the component.
-- column manufacturer: Manufacturer of the component.
-- column minute_at: Start of the minute, UTC.
-- column hour_at: Start of the hour, UTC.
-- column readings [readings]: Readings.
-- column temp_c_min [degC]: Lowest temperature.
-- column temp_c_max [degC]: Highest temperature.
-- column temp_c_sum [degC]: Sum of the temperatures.
-- column temp_c_sum_squares [degC2]: Sum of the squares of the temperatures.
-- column temp_c_mean [degC]: Mean temperature.
-- column temp_c_variance [degC2]: Variance of the temperatures, population form.
-- column readings_over_limit [readings]: Readings above the plant's limit, limit_c in [temperature] of plant.toml.
-- column seconds_over_limit [s]: Seconds of the minute with a reading above the limit.
SELECT
    sensor,
    plant,
    lane,
    component,
    manufacturer,
    minute_at,
    date_trunc('hour', minute_at) AS hour_at,
    readings,
    temp_c_min,
    temp_c_max,
    temp_c_sum,
    temp_c_sum_squares,
    CAST(temp_c_sum AS DOUBLE) / readings AS temp_c_mean,
    greatest(
        CAST(temp_c_sum_squares AS DOUBLE) / readings
            - (CAST(temp_c_sum AS DOUBLE) / readings) * (CAST(temp_c_sum AS DOUBLE) / readings),
        CAST(0 AS DOUBLE)
    ) AS temp_c_variance,
    readings_over_limit,
    seconds_over_limit
FROM (
    SELECT
        sensor,
        plant,
        lane,
        component,
        manufacturer,
        minute_at,
        count(*) AS readings,
        min(temp_c) AS temp_c_min,
        max(temp_c) AS temp_c_max,
        sum(CAST(temp_c AS DECIMAL(12, 4))) AS temp_c_sum,
        sum(CAST(CAST(temp_c AS DECIMAL(12, 4)) * CAST(temp_c AS DECIMAL(12, 4)) AS DECIMAL(24, 8)))
            AS temp_c_sum_squares,
        count(*) FILTER (WHERE temp_c > :limit_c) AS readings_over_limit,
        count(DISTINCT CASE WHEN temp_c > :limit_c THEN date_trunc('second', at) END) AS seconds_over_limit
    FROM silver.temperature
    GROUP BY sensor, plant, lane, component, manufacturer, minute_at
) AS minutes
