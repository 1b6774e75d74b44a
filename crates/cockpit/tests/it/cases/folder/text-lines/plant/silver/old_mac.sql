-- Table old_mac.
--
-- key: id
-- column id [1]: id.
-- column note: note.
SELECT id, note FROM typed.old_mac
