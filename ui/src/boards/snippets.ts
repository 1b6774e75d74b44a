/** Texts with which a board and a tile begin. */
import type { TileKind } from './api'

export const newBoard = (name: string): string => `# What this board answers, and for whom.

title = "${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll(/[-_]/g, ' ')}"
time = "7d"

${newTile('number', 'made')}`

const HOURS = `"""
SELECT
    concat(lpad(CAST(hour_local AS VARCHAR), 2, '0'), ':00') AS hour,
    CAST(sum(actual) AS BIGINT) AS made, CAST(sum(planned) AS BIGINT) AS planned
FROM gold.production_hourly
WHERE day_local = :day AND (:shift IS NULL OR shift = :shift)
GROUP BY hour_local
ORDER BY hour_local
"""`

const SNIPPETS: Record<TileKind, string> = {
  number: `sql = """
SELECT CAST(sum(actual) AS BIGINT) AS made, CAST(sum(planned) AS BIGINT) AS planned
FROM gold.production_hourly
WHERE day_local BETWEEN :from AND :to AND (:shift IS NULL OR shift = :shift)
HAVING count(*) > 0
"""
value = "made"
target = "planned"
unit = "boards"
limits = [{ below = "planned" }]`,
  trend: `sql = """
SELECT
    day_local AS day, CAST(sum(actual) AS BIGINT) AS made, CAST(sum(planned) AS BIGINT) AS planned
FROM gold.production_daily
WHERE day_local BETWEEN :from AND :to
GROUP BY day_local
ORDER BY day_local
"""
x = "day"
y = "made"
target = "planned"
unit = "boards"`,
  table: `sql = """
SELECT station, CAST(sum(planned) AS BIGINT) AS planned, CAST(sum(actual) AS BIGINT) AS made
FROM gold.production_daily
WHERE day_local BETWEEN :from AND :to
GROUP BY station
ORDER BY station
"""
limits = [{ below = "planned", column = "made" }]
link = "/make/{station}"`,
  timeline: `sql = """
SELECT unit, from_at, to_at, category
FROM gold.time_ledger
WHERE production_day = :day AND (:shift IS NULL OR shift = :shift)
ORDER BY unit, from_at
"""
row = "unit"
start = "from_at"
end = "to_at"
state = "category"`,
  bars: `sql = ${HOURS}
x = "hour"
y = "made"
target = "planned"
unit = "boards"`,
  heat: `sql = """
SELECT production_day AS day, unit, CAST(sum(pq) AS BIGINT) AS made
FROM gold.oee_shift
WHERE production_day BETWEEN :from AND :to
GROUP BY production_day, unit
ORDER BY unit, day
"""
x = "day"
row = "unit"
value = "made"
unit = "boards"`,
  control: `sql = """
SELECT at, value, lower_limit, centre, upper_limit, NOT is_in_control AS violation
FROM gold.spc
WHERE chart = 'first_pass_yield' AND subject = (SELECT min(subject) FROM gold.spc)
ORDER BY at
"""
x = "at"
y = "value"
lower = "lower_limit"
centre = "centre"
upper = "upper_limit"
mark = "violation"
unit = "%"`,
}

/** A tile of a kind, over tables that the reference plant has. */
export const newTile = (kind: TileKind, name: string): string => `[[tile]]
name = "${name}"
title = "${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('_', ' ')}"
kind = "${kind}"
${SNIPPETS[kind]}
`
