-- Minutes in which a sensor measured above the plant's limit.
--
-- grain: sensor, minute_at
-- refresh: minute_at
-- column sensor: The sensor, plant.lane.component.manufacturer.
-- column plant: Plant of the machine.
-- column lane: Lane of the machine within its plant.
-- column component: Type of the component.
-- column manufacturer: Manufacturer of the component.
-- column minute_at: Start of the minute, UTC.
-- column readings [readings]: Readings.
-- column readings_over_limit [readings]: Readings above the plant's limit.
-- column seconds_over_limit [s]: Seconds of the minute with a reading above the plant's limit.
-- column temp_c_max [degC]: Highest temperature of the minute.
SELECT
    sensor,
    plant,
    lane,
    component,
    manufacturer,
    minute_at,
    readings,
    readings_over_limit,
    seconds_over_limit,
    temp_c_max
FROM gold.temperature_minute
WHERE readings_over_limit > 0
