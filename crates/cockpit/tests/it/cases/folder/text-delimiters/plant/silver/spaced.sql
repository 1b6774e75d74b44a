-- Table spaced.
--
-- key: id
-- column id [1]: id.
-- column note: note.
-- column qty [1]: qty.
SELECT id, note, qty FROM typed.spaced
