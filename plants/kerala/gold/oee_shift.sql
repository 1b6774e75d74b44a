-- The sums behind availability, effectiveness, quality and OEE of ISO 22400-2, by unit, production day
-- and shift. Sums are stored and divided last; `meta.kpis` says which by which. Unknown time within a
-- shift counts as planned and busy, and boards without a verdict as made and not as good; what they
-- could add is beside them, so that a KPI can be shown with its bounds.
--
-- grain: production_day, shift, unit
-- refresh: production_day
-- final-after: production_day
-- expect time_is_whole: calendar_s = pot_s + no_production_planned_s AND pbt_s = apt_s + aust_s + adet_s + adot_s + unknown_s | warn
-- expect boards_add_up: pq = gq + sq + rq + verdict_unknown | warn
-- expect not_faster_than_ideal: ideal_pq_ms <= apt_s * 1000 | warn
-- column production_day: Production day, plant time.
-- column shift: Shift, null outside every shift.
-- column unit: The unit.
-- column line: Line of the unit.
-- column calendar_s [s]: All time.
-- column no_production_planned_s [s]: Time no production is planned.
-- column pot_s [s]: Planned operation time: all time but that.
-- column planned_stop_s [s]: Breaks, maintenance and other planned stops.
-- column pbt_s [s]: Planned busy time: planned operation time without planned stops.
-- column apt_s [s]: Actual production time.
-- column aust_s [s]: Actual unit setup time.
-- column adet_s [s]: Actual unit delay time: standing still with an order.
-- column adot_s [s]: Actual unit down time without an order.
-- column unknown_s [s]: Planned time nobody knows anything of.
-- column order_s [s]: Time with an order on the unit.
-- column breakdown_s [s]: Delay by failures.
-- column minor_stop_s [s]: Delay by minor stops.
-- column breakdowns [1]: Failures that began.
-- column overlap_s [s]: Time claimed more than once, counted once.
-- column pq [boards]: Boards made.
-- column gq [boards]: Boards good at the first look.
-- column sq [boards]: Boards scrapped at the first look.
-- column rq [boards]: Boards sent to rework at the first look.
-- column verdict_unknown [boards]: Boards without a verdict.
-- column ideal_unknown [boards]: Boards without an ideal time.
-- column ideal_pq_ms [ms]: Ideal time of the boards made.
-- column ideal_gq_ms [ms]: Ideal time of the good ones.
-- column ideal_verdict_unknown_ms [ms]: Ideal time of those without a verdict.
-- column no_boards_ms [ms]: Ideal time boards can have at most that have not arrived: on a day of which no board of any unit has, the time in production or unknown, and the longest cycle for a board begun before.
WITH summed AS (
    SELECT
        production_day, shift, unit, max(line) AS line,
        CAST(sum(calendar_s) AS BIGINT) AS calendar_s,
        CAST(sum(no_production_planned_s) AS BIGINT) AS no_production_planned_s,
        CAST(sum(pot_s) AS BIGINT) AS pot_s,
        CAST(sum(planned_stop_s) AS BIGINT) AS planned_stop_s,
        CAST(sum(pbt_s) AS BIGINT) AS pbt_s,
        CAST(sum(apt_s) AS BIGINT) AS apt_s,
        CAST(sum(aust_s) AS BIGINT) AS aust_s,
        CAST(sum(adet_s) AS BIGINT) AS adet_s,
        CAST(sum(adot_s) AS BIGINT) AS adot_s,
        CAST(sum(unknown_s) AS BIGINT) AS unknown_s,
        CAST(sum(order_s) AS BIGINT) AS order_s,
        CAST(sum(breakdown_s) AS BIGINT) AS breakdown_s,
        CAST(sum(minor_stop_s) AS BIGINT) AS minor_stop_s,
        CAST(sum(breakdowns) AS BIGINT) AS breakdowns,
        CAST(sum(overlap_s) AS BIGINT) AS overlap_s,
        CAST(sum(pq) AS BIGINT) AS pq,
        CAST(sum(gq) AS BIGINT) AS gq,
        CAST(sum(sq) AS BIGINT) AS sq,
        CAST(sum(rq) AS BIGINT) AS rq,
        CAST(sum(verdict_unknown) AS BIGINT) AS verdict_unknown,
        CAST(sum(ideal_unknown) AS BIGINT) AS ideal_unknown,
        CAST(sum(ideal_pq_ms) AS BIGINT) AS ideal_pq_ms,
        CAST(sum(ideal_gq_ms) AS BIGINT) AS ideal_gq_ms,
        CAST(sum(ideal_verdict_unknown_ms) AS BIGINT) AS ideal_verdict_unknown_ms
    FROM gold.oee_hourly
    GROUP BY production_day, shift, unit
),
days AS (
    SELECT *, sum(pq) OVER (PARTITION BY production_day) AS boards_of_day
    FROM summed
    CROSS JOIN (SELECT coalesce(max(ideal_cycle_ms), 0) AS longest_ms FROM silver.cycle_time) AS cycle
)
SELECT
    production_day, shift, unit, line, calendar_s, no_production_planned_s, pot_s, planned_stop_s, pbt_s,
    apt_s, aust_s, adet_s, adot_s, unknown_s, order_s, breakdown_s, minor_stop_s, breakdowns, overlap_s,
    pq, gq, sq, rq, verdict_unknown, ideal_unknown,
    ideal_pq_ms, ideal_gq_ms, ideal_verdict_unknown_ms,
    CASE
        WHEN boards_of_day = 0 AND apt_s + unknown_s > 0 THEN (apt_s + unknown_s) * 1000 + longest_ms
        ELSE 0
    END AS no_boards_ms
FROM days
