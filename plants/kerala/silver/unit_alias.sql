-- Names the plant's systems have for units: stations of the MES, lanes of the sensors.
--
-- grain: kind, alias
-- column kind: station or lane.
-- column alias: The name in the system.
-- column unit: The unit it is.
SELECT kind, alias, unit
FROM plant.alias
