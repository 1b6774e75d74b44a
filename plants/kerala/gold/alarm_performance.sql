-- Performance of the alarm system by hour, against the figures of ISA-18.2: at most 6 alarms per hour and
-- operator position are acceptable, 12 the most, 30 an overload; floods at most 1 % of the time. Only
-- annunciations count: alarms raised, and raised again because their shelving expired. All operators
-- share one position. An hour without annunciation and without flood has no row.
--
-- grain: hour_at
-- column hour_at: Start of the hour, UTC.
-- column annunciations [alarms]: Annunciations of the hour.
-- column annunciations_p1 [alarms]: Those of priority 1.
-- column annunciations_p2 [alarms]: Those of priority 2.
-- column annunciations_p3 [alarms]: Those of priority 3.
-- column annunciations_p4 [alarms]: Those of priority 4.
-- column annunciations_10_min_max [alarms]: Most annunciations in one of the six intervals of ten minutes.
-- column acknowledged [alarms]: Annunciations of the hour that were acknowledged before their next one.
-- column acknowledge_s_median [s]: Time until half of these were acknowledged; null without any.
-- column chattering [alarms]: Annunciations that are one of three of the same alarm within 60 s.
-- column fleeting [alarms]: Annunciations whose condition ended within 10 s, without those chattering.
-- column stale [alarms]: Annunciations that stayed for more than 24 h with their condition met.
-- column flood_s [s]: Seconds of the hour in a flood: from more than 10 annunciations within ten minutes until fewer than 5.
WITH events AS (
    -- Entries with the number of annunciations of their alarm until then.
    SELECT
        *,
        max(at) OVER () AS newest_at,
        transition = 'raised' OR (transition = 'shelving_expired' AND to_state = 'unacknowledged')
            AS is_annunciation,
        from_state IN ('unacknowledged', 'acknowledged') AS was_met,
        to_state IN ('unacknowledged', 'acknowledged') AS is_met
    FROM silver.alarm_event
),
numbered AS (
    SELECT
        *,
        sum(CASE WHEN is_annunciation THEN 1 ELSE 0 END)
            OVER (PARTITION BY rule, object ORDER BY number) AS annunciation
    FROM events
),
begun AS (
    -- Unshelved by hand, an alarm is annunciated again without counting as an annunciation.
    SELECT
        *,
        max(CASE WHEN is_annunciation OR (transition = 'unshelved' AND is_met) THEN number END)
            OVER (PARTITION BY rule, object, annunciation) AS begin_number
    FROM numbered
    WHERE annunciation > 0
),
annunciations AS (
    SELECT
        rule,
        object,
        min(number) AS number,
        min(CASE WHEN is_annunciation THEN at END) AS at,
        min(CASE WHEN is_annunciation THEN hour_at END) AS hour_at,
        min(CASE WHEN is_annunciation THEN priority END) AS priority,
        min(CASE WHEN transition = 'acknowledged' THEN at END) AS acknowledged_at,
        min(CASE WHEN transition IN ('returned', 'cleared') THEN at END) AS ended_at,
        min(CASE WHEN number = begin_number THEN at END) AS begin_at,
        coalesce(
            min(CASE WHEN number > begin_number AND was_met AND NOT is_met THEN at END),
            max(newest_at)
        ) AS left_at
    FROM begun
    GROUP BY rule, object, annunciation
),
neighbours AS (
    SELECT
        *,
        lag(at, 1) OVER (PARTITION BY rule, object ORDER BY number) AS before_1,
        lag(at, 2) OVER (PARTITION BY rule, object ORDER BY number) AS before_2,
        lead(at, 1) OVER (PARTITION BY rule, object ORDER BY number) AS after_1,
        lead(at, 2) OVER (PARTITION BY rule, object ORDER BY number) AS after_2
    FROM annunciations
),
judged AS (
    SELECT
        *,
        coalesce(at <= before_2 + INTERVAL '60 seconds', FALSE)
            OR coalesce(after_1 <= before_1 + INTERVAL '60 seconds', FALSE)
            OR coalesce(after_2 <= at + INTERVAL '60 seconds', FALSE) AS is_chattering,
        CAST(extract(epoch FROM acknowledged_at) - extract(epoch FROM at) AS DOUBLE) AS wait_s
    FROM neighbours
),
waits AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY hour_at ORDER BY wait_s, number) AS place,
        count(wait_s) OVER (PARTITION BY hour_at) AS places
    FROM judged
),
ten_minutes AS (
    SELECT hour_at, max(annunciations) AS annunciations_10_min_max
    FROM (
        SELECT hour_at, count(*) AS annunciations
        FROM annunciations
        GROUP BY hour_at, CAST(floor(extract(minute FROM at) / 10) AS INT)
    ) AS intervals
    GROUP BY hour_at
),
hours AS (
    SELECT
        hour_at,
        count(*) AS annunciations,
        sum(CASE WHEN priority = 1 THEN 1 ELSE 0 END) AS annunciations_p1,
        sum(CASE WHEN priority = 2 THEN 1 ELSE 0 END) AS annunciations_p2,
        sum(CASE WHEN priority = 3 THEN 1 ELSE 0 END) AS annunciations_p3,
        sum(CASE WHEN priority = 4 THEN 1 ELSE 0 END) AS annunciations_p4,
        count(wait_s) AS acknowledged,
        max(CASE WHEN 2 * place - places BETWEEN 0 AND 1 THEN wait_s END) AS acknowledge_s_median,
        sum(CASE WHEN is_chattering THEN 1 ELSE 0 END) AS chattering,
        sum(CASE WHEN NOT is_chattering AND ended_at < at + INTERVAL '10 seconds' THEN 1 ELSE 0 END)
            AS fleeting,
        sum(CASE WHEN left_at > begin_at + INTERVAL '24 hours' THEN 1 ELSE 0 END) AS stale
    FROM waits
    GROUP BY hour_at
),
ordered AS (
    -- An annunciation that is entered late counts at the time of the newest one before it.
    SELECT max(at) OVER (ORDER BY number ROWS UNBOUNDED PRECEDING) AS at, number FROM annunciations
),
steps AS (
    -- An annunciation is counted for ten minutes; at the same time one that leaves comes first.
    SELECT at, 1 AS change, number FROM ordered
    UNION ALL
    SELECT at + INTERVAL '10 minutes' AS at, -1 AS change, number FROM ordered
),
counted AS (
    SELECT
        at,
        change,
        number,
        sum(change) OVER (ORDER BY at, change, number ROWS UNBOUNDED PRECEDING) AS recent
    FROM steps
),
borders AS (
    -- A flood that continues over the end of an hour is divided there.
    SELECT
        at,
        change,
        number,
        CASE WHEN change = 1 AND recent > 10 THEN 1 WHEN change = -1 AND recent < 5 THEN 0 END AS flood
    FROM counted
    UNION ALL
    SELECT DISTINCT date_trunc('hour', at) AS at, -2 AS change, CAST(0 AS BIGINT) AS number, CAST(NULL AS BIGINT) AS flood
    FROM steps
),
changes AS (
    SELECT
        at,
        change,
        number,
        count(flood) OVER (ORDER BY at, change, number ROWS UNBOUNDED PRECEDING) AS era,
        flood,
        lead(at) OVER (ORDER BY at, change, number) AS until_at
    FROM borders
),
floods AS (
    SELECT
        date_trunc('hour', at) AS hour_at,
        sum(CASE WHEN is_flood = 1 THEN extract(epoch FROM until_at) - extract(epoch FROM at) END) AS flood_s
    FROM (
        SELECT at, until_at, max(flood) OVER (PARTITION BY era) AS is_flood FROM changes
    ) AS spans
    GROUP BY date_trunc('hour', at)
)
SELECT
    coalesce(hours.hour_at, floods.hour_at) AS hour_at,
    CAST(coalesce(annunciations, 0) AS BIGINT) AS annunciations,
    CAST(coalesce(annunciations_p1, 0) AS BIGINT) AS annunciations_p1,
    CAST(coalesce(annunciations_p2, 0) AS BIGINT) AS annunciations_p2,
    CAST(coalesce(annunciations_p3, 0) AS BIGINT) AS annunciations_p3,
    CAST(coalesce(annunciations_p4, 0) AS BIGINT) AS annunciations_p4,
    CAST(coalesce(annunciations_10_min_max, 0) AS BIGINT) AS annunciations_10_min_max,
    CAST(coalesce(acknowledged, 0) AS BIGINT) AS acknowledged,
    acknowledge_s_median,
    CAST(coalesce(chattering, 0) AS BIGINT) AS chattering,
    CAST(coalesce(fleeting, 0) AS BIGINT) AS fleeting,
    CAST(coalesce(stale, 0) AS BIGINT) AS stale,
    CAST(coalesce(flood_s, 0) AS DOUBLE) AS flood_s
FROM hours
FULL JOIN floods ON hours.hour_at = floods.hour_at
LEFT JOIN ten_minutes ON hours.hour_at = ten_minutes.hour_at
WHERE hours.hour_at IS NOT NULL OR floods.flood_s > 0
