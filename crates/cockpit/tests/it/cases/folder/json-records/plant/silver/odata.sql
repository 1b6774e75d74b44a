-- Table odata.
--
-- key: id
-- column id [1]: id.
-- column ctx: ctx.
SELECT id, ctx FROM typed.odata
