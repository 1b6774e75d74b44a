-- Packed units and scrap per line and shift.
--
-- key: line, started_at
-- expect share: scrap BETWEEN 0 AND 1 | reject
-- column line: Packaging line.
-- column started_at: Start of the shift, UTC.
-- column packed [units]: Units packed.
-- column scrap [1]: Share of units scrapped.
-- column comment: Free text of the shift, null if there is none.
SELECT line, shift_start AS started_at, packed, scrap, comment
FROM typed.scrap_report
