-- Table hive.
--
-- key: id
-- column id [1]: Its value.
-- column place: Its value.
-- column day: Its value.
-- column line: Its value.
SELECT id, place, day, line FROM typed.hive
