/** The days with data, for the day picker. */
import { allRows, querySql } from '../kit/api'
import type { DaySum } from './boards'

const SQL =
  'SELECT day_local, CAST(sum(planned) AS BIGINT) AS planned, CAST(sum(actual) AS BIGINT) AS actual ' +
  'FROM gold.production_daily GROUP BY day_local ORDER BY day_local'

const COLUMNS = ['day_local', 'planned', 'actual'] as const
const ROWS_MAX = 100_000

/** Sums rows of the same day; rows are sorted by day. */
export function sumByDay(rows: readonly DaySum[]): DaySum[] {
  const days: DaySum[] = []
  for (const row of rows) {
    const last = days.at(-1)
    if (last?.day_local === row.day_local) {
      last.planned += row.planned
      last.actual += row.actual
    } else days.push({ ...row })
  }
  return days
}

/** The request for all days: summed by the server if the person may run SQL, else by the page. */
export const loadDays = (mayRunSql: boolean) => async (): Promise<DaySum[]> => {
  if (mayRunSql) return (await querySql<DaySum>(SQL)).rows
  const query = { columns: COLUMNS, order: 'day_local' }
  const { rows } = await allRows<DaySum>('gold.production_daily', query, ROWS_MAX)
  return sumByDay(rows)
}
