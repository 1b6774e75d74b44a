-- Names of units in the plant's systems: stations of the MES, lanes of the sensors.
--
-- grain: kind, alias
-- column kind: station or lane.
-- column alias: The name in the system.
-- column unit: The unit.
SELECT kind, alias, unit
FROM plant.alias
