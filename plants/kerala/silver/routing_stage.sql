-- Routing stages that each board passed.
--
-- key: routing_stage_id
-- expect surface_known: surface IN (1, 2) | warn
-- column routing_stage_id: The stage of one board.
-- column batch_id: Batch of the board.
-- column work_order: Work order of the board.
-- column name: Name of the stage.
-- column surface [code]: Side of the board; a board counts as made at surface 1.
-- column operation_no [id]: Number of the operation.
-- column next_operation_no [id]: Next operation.
-- column previous_operation_no [id]: Previous operation; -1 is none.
-- column estimated_time [1]: Time planned for the stage, in a unit the dump does not name.
-- column is_optional: Whether the stage is optional.
-- column stage_started_at: When the stage began.
SELECT
    id AS routing_stage_id,
    batch_id,
    work_order_id AS work_order,
    name,
    surface,
    operation_no,
    next_operation_no,
    previous_operation_no,
    estimated_time,
    is_optional_stage AS is_optional,
    start_time AS stage_started_at
FROM typed.routing_stages
