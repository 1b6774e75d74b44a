-- Table cell.
--
-- key: id
-- column id [1]: Its value.
-- column place: Its value.
-- column cell: Its value.
-- column written: Its value.
SELECT id, place, cell, written FROM typed.cell
