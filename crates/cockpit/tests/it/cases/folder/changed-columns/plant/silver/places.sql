-- Case table places.
--
-- key: id
-- column id [id]: Column id.
-- column place: Column place.
SELECT id, place FROM typed.places
