-- Table kanji.
--
-- key: qty
-- column name: name.
-- column kind: kind.
-- column qty [1]: qty.
SELECT name, kind, qty FROM typed.kanji
