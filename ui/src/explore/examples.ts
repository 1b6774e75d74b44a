/** Statements to begin with. */

export const START = 'SELECT * FROM gold.production_daily ORDER BY day_local DESC LIMIT 100'

/** By the key of their titles, `explore.example.hours`. */
export const EXAMPLES = {
  hours: `SELECT day_local, sum(planned) AS planned, sum(actual) AS made
FROM gold.production_daily
GROUP BY day_local
ORDER BY day_local`,
  losses: `SELECT unit, loss, sum(lost_ms) / 60000.0 AS lost_min
FROM gold.losses_shift
WHERE production_day > (SELECT max(production_day) FROM gold.losses_shift) - INTERVAL '7 days'
GROUP BY unit, loss
ORDER BY lost_min DESC`,
  defects: `SELECT defect, sum(boards) AS boards
FROM gold.defects_daily
GROUP BY defect
ORDER BY boards DESC`,
  hottest: `SELECT hour_at, max(temp_c_max) AS temp_c_max
FROM gold.temperature_hour
GROUP BY hour_at
ORDER BY hour_at`,
} as const

export type ExampleName = keyof typeof EXAMPLES

export const EXAMPLE_NAMES = Object.keys(EXAMPLES) as ExampleName[]
