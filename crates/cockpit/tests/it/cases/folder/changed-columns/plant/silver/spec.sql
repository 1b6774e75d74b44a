-- Case table spec.
--
-- key: id
-- column id [id]: Column id.
-- column spec: Column spec.
SELECT id, spec FROM typed.spec
