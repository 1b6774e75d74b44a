-- The time of each unit by category and hour. Machine utilisation divides production by planned busy time
-- or by all time; both are here, and `meta.kpis` has the formulas. Hours in which only boards are known are
-- in `gold.oee_hourly` alone.
--
-- grain: production_day, day_local, hour_local, shift, unit
-- refresh: production_day
-- column production_day: Production day, plant time.
-- column day_local: Day, plant time.
-- column hour_local [h]: Hour, plant time.
-- column shift: Shift, null outside every shift.
-- column unit: The unit.
-- column line: Line of the unit.
-- column calendar_s [s]: All time; 7,200 for the hour that occurs twice when clocks are set back.
-- column pot_s [s]: Planned operation time.
-- column pbt_s [s]: Planned busy time.
-- column apt_s [s]: Actual production time.
-- column aust_s [s]: Actual unit setup time.
-- column adet_s [s]: Actual unit delay time.
-- column adot_s [s]: Actual unit down time without an order.
-- column unknown_s [s]: Planned time without any record.
SELECT
    production_day, day_local, hour_local, shift, unit, line,
    calendar_s, pot_s, pbt_s, apt_s, aust_s, adet_s, adot_s, unknown_s
FROM gold.oee_hourly
WHERE calendar_s > 0
