-- Heats of the melting shop.
--
-- key: heat
-- column heat [id]: Number of the heat.
-- column alloy: Alloy.
-- column mass_kg [kg]: Mass tapped, null if it was not weighed.
-- column tapped_at: When the heat was tapped, UTC.
SELECT heat, alloy, mass_kg, tapped_at
FROM typed.heats
