-- Cycles of the press with force and stroke.
--
-- key: day, cycle
-- column day: Day of the log, plant time.
-- column cycle [id]: Number of the cycle within the day.
-- column force_kn [kN]: Greatest force.
-- column stroke_mm [mm]: Stroke.
SELECT day, cycle, force_kn, stroke_mm
FROM typed.press_log
