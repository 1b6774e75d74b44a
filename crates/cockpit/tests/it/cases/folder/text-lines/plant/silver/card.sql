-- Table card.
--
-- key: nr
-- column kind: kind.
-- column nr [1]: nr.
-- column name: name.
SELECT kind, nr, name FROM typed.card
