-- Temperatures of machine components, one row per reading. A sensor is identified by plant, lane,
-- component type and manufacturer; repeated readings of one time count once.
--
-- key: sensor, at, temp_c
-- expect in_physical_range: temp_c BETWEEN -50 AND 300 | reject
-- expect not_ancient: extract(year FROM at) >= 2015 | reject
-- expect not_from_the_future: at <= received_at + INTERVAL '1 hour' | reject
-- column sensor: The sensor, plant.lane.component.manufacturer.
-- column plant: Plant of the machine.
-- column lane: Lane of the machine within its plant.
-- column component: Type of the component.
-- column manufacturer: Manufacturer of the component.
-- column at: When the temperature was measured, UTC.
-- column minute_at: Minute of the measurement, UTC.
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column temp_c [degC]: The temperature.
-- column received_at: When the broker received it, UTC.
SELECT
    concat(plant, '.', lane, '.', component, '.', manufacturer) AS sensor,
    plant,
    lane,
    component,
    manufacturer,
    at,
    date_trunc('minute', at) AS minute_at,
    at_day_local AS day_local,
    at_hour_local AS hour_local,
    temp_c,
    received_at
FROM typed.temperature_message
