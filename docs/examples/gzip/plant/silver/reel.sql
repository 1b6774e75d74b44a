-- Reels with basis weight and moisture.
--
-- key: reel
-- column reel [id]: Number of the reel.
-- column at: When the reel was finished, UTC.
-- column basis_g [g/m2]: Basis weight.
-- column moisture [%]: Moisture.
SELECT reel, at, basis_g, moisture
FROM typed.reels
