-- Stages.
--
-- key: stage_id
-- column stage_id: Number of the stage.
-- column surface [code]: Side of the board; boards of surface 1 count.
SELECT id AS stage_id, surface FROM typed.stage
