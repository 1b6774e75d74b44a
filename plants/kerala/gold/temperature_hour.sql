-- Temperatures by sensor and hour, from the sums of minutes.
--
-- grain: sensor, hour_at
-- refresh: hour_at
-- column sensor: The sensor, plant.lane.component.manufacturer.
-- column plant: Plant of the machine.
-- column lane: Lane of the machine within its plant.
-- column component: Type of the component.
-- column manufacturer: Manufacturer of the component.
-- column hour_at: Start of the hour, UTC.
-- column readings [readings]: Readings.
-- column temp_c_min [degC]: Lowest temperature.
-- column temp_c_max [degC]: Highest temperature.
-- column temp_c_sum [degC]: Sum of the temperatures.
-- column temp_c_sum_squares [degC2]: Sum of the squares of the temperatures.
-- column temp_c_mean [degC]: Mean temperature.
-- column temp_c_variance [degC2]: Variance of the temperatures, population form.
-- column readings_over_limit [readings]: Readings above the plant's limit.
-- column seconds_over_limit [s]: Seconds of the hour with a reading above the plant's limit.
SELECT
    sensor,
    plant,
    lane,
    component,
    manufacturer,
    hour_at,
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
        hour_at,
        CAST(sum(readings) AS BIGINT) AS readings,
        min(temp_c_min) AS temp_c_min,
        max(temp_c_max) AS temp_c_max,
        CAST(sum(temp_c_sum) AS DECIMAL(22, 4)) AS temp_c_sum,
        CAST(sum(temp_c_sum_squares) AS DECIMAL(34, 8)) AS temp_c_sum_squares,
        CAST(sum(readings_over_limit) AS BIGINT) AS readings_over_limit,
        CAST(sum(seconds_over_limit) AS BIGINT) AS seconds_over_limit
    FROM gold.temperature_minute
    GROUP BY sensor, plant, lane, component, manufacturer, hour_at
) AS hours
