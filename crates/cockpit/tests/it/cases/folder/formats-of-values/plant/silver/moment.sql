-- Moments.
--
-- key: id
-- column id [id]: Number.
-- column part: What it is about.
-- column at: When.
-- column counted_at: When it was counted.
-- expect not_after_all: at < timestamp '9999-12-31 23:59:59.999999' | reject
SELECT id, part, at, counted_at FROM typed.moment
