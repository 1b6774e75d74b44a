-- Table rfc.
--
-- key: id
-- column id [1]: id.
-- column note: note.
-- column path: path.
SELECT id, note, path FROM typed.rfc
