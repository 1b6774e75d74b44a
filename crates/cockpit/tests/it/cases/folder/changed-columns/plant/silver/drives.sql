-- Case table drives.
--
-- key: id
-- column id [id]: Column id.
-- column speed [1/min]: Column speed.
SELECT id, speed FROM typed.drives
