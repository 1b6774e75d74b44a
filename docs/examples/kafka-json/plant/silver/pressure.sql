-- Pressures of the compressors, one row per reading.
--
-- key: unit, measured_at, pressure_bar
-- expect in_range: pressure_bar BETWEEN 0 AND 40 | reject
-- column hall: Hall.
-- column unit: Compressor.
-- column measured_at: When the pressure was measured, UTC.
-- column pressure_bar [bar]: Pressure.
SELECT hall, unit, measured_at, pressure_bar
FROM typed.pressure_message
