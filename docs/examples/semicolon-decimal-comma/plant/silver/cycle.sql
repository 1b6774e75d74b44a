-- Cycles of the moulding machines, one row per closing of a mould.
--
-- key: machine, closed_at
-- expect cycle_positive: cycle_s > 0 | reject
-- column machine: Moulding machine.
-- column closed_at: When the mould closed, UTC.
-- column work_order: Work order.
-- column clamp_kn [kN]: Clamping force, null if not measured.
-- column cycle_s [s]: Cycle time.
-- column material: Material.
SELECT machine, closed_at, work_order, clamp_kn, cycle_s, material
FROM typed.cycles
