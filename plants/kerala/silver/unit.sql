-- The equipment of plant.toml, in the levels of ISA-95.
--
-- grain: unit
-- column enterprise: Enterprise the site belongs to.
-- column site: Site the area belongs to.
-- column area: Area the line belongs to.
-- column line: Line of the unit, null if none.
-- column unit: The unit.
SELECT enterprise, site, area, line, unit
FROM plant.unit
