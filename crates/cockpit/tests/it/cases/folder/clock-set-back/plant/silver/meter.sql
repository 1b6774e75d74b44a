-- Readings of table meter.
--
-- key: at, unit
-- column at: When it was read.
-- column at_hour_local [h]: Hour of the plant's clock.
-- column unit: Whose reading it is.
-- column kwh [kWh]: What was consumed.
SELECT at, at_hour_local, unit, kwh FROM typed.meter
