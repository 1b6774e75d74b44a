-- Table through.
--
-- key: t
-- column t [1]: t.
-- column m: m.
SELECT t, m FROM typed.through
