-- Weights.
--
-- key: id
-- column id [id]: Number.
-- column weight [kg]: Weight.
-- column at: Time.
SELECT id, weight, at FROM typed.weights
