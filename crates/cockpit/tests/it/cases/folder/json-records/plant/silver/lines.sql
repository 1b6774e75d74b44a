-- Table lines.
--
-- key: t
-- column t [1]: t.
-- column c [1]: c.
-- column m: m.
SELECT t, c, m FROM typed.lines
