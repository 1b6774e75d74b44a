-- Temperatures of machines.
--
-- key: machine, at, temp_c
-- expect possible: temp_c < 100 | reject
-- column machine: The machine.
-- column at: When the temperature was taken, UTC.
-- column temp_c [degC]: The temperature.
SELECT machine, at, temp_c FROM typed.temperature
