-- The equipment as the plant's folder names it, in the levels of ISA-95.
--
-- grain: unit
-- column enterprise: Enterprise the site belongs to.
-- column site: Site the area belongs to.
-- column area: Area the line belongs to.
-- column line: Line the unit is part of, null if of none.
-- column unit: The unit.
SELECT enterprise, site, area, line, unit
FROM plant.unit
