-- Pulses, a file for each hour.
--
-- key: at, unit
-- column at: When it was read.
-- column unit: Whose reading it is.
-- column kwh [kWh]: What was consumed.
SELECT at, unit, kwh FROM typed.pulse
