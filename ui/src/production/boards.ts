/** Boards of a day. Plan and made are summed separately, never joined. */

export interface HourRow {
  hour_local: number
  shift: string | null
  station: string | null
  item: string | null
  planned: number
  actual: number
  plan_rows: number
}

export interface DayRow {
  station: string | null
  item: string | null
  planned: number
  actual: number
  actual_off_plan: number
}

export interface QualityRow {
  station: string | null
  inspected: number
  passed: number
  verdict_unknown: number
}

export interface Hour {
  hour: number
  shift: string | null
  planned: number
  actual: number
  off: number
  /** Made minus plan, of this hour and of all hours up to it. */
  delta: number
  cumulative: number
  /** Whether the hour has a plan row. */
  hasPlan: boolean
  /** Whether the hour has any row. */
  hasData: boolean
}

export interface Group {
  key: string | null
  stations: string[]
  planned: number
  actual: number
  off: number
  delta: number
}

export interface Filter {
  stations: readonly string[]
  item: string | null
}

/** The rows that match the filter. */
export function only<R extends { station: string | null; item: string | null }>(
  rows: readonly R[],
  { stations, item }: Filter,
): R[] {
  return rows.filter(
    (row) =>
      (stations.length === 0 || stations.includes(row.station ?? '')) &&
      (item === null || row.item === item),
  )
}

/** All 24 hours of the day, also those without rows. */
export function byHour(rows: readonly HourRow[]): Hour[] {
  const hours: Hour[] = Array.from({ length: 24 }, (_, hour) => ({
    hour,
    shift: null,
    planned: 0,
    actual: 0,
    off: 0,
    delta: 0,
    cumulative: 0,
    hasPlan: false,
    hasData: false,
  }))
  for (const row of rows) {
    const hour = hours[row.hour_local]
    if (hour) addHour(hour, row)
  }
  let cumulative = 0
  for (const hour of hours) {
    hour.delta = hour.actual - hour.planned
    cumulative += hour.delta
    hour.cumulative = cumulative
  }
  return hours
}

function addHour(hour: Hour, row: HourRow): void {
  hour.shift ??= row.shift
  hour.planned += row.planned
  hour.actual += row.actual
  if (row.plan_rows === 0) hour.off += row.actual
  else hour.hasPlan = true
  hour.hasData = true
}

export interface Totals {
  planned: number
  actual: number
  off: number
}

export function totals(parts: readonly { planned: number; actual: number; off: number }[]): Totals {
  const total = { planned: 0, actual: 0, off: 0 }
  for (const part of parts) {
    total.planned += part.planned
    total.actual += part.actual
    total.off += part.off
  }
  return total
}

/** Sums by station or by item. */
export function byGroup(rows: readonly DayRow[], key: 'station' | 'item'): Group[] {
  const groups = new Map<string | null, Group>()
  for (const row of rows) {
    const name = row[key]
    const empty = { key: name, stations: [], planned: 0, actual: 0, off: 0, delta: 0 }
    const group: Group = groups.get(name) ?? empty
    group.planned += row.planned
    group.actual += row.actual
    group.off += row.actual_off_plan
    group.delta = group.actual - group.planned
    if (row.station && !group.stations.includes(row.station)) group.stations.push(row.station)
    groups.set(name, group)
  }
  for (const group of groups.values()) group.stations.sort()
  return [...groups.values()]
}

/** Consecutive hours of the same shift. */
export function shiftRuns(
  hours: readonly Hour[],
): { shift: string | null; from: number; hours: number }[] {
  const runs: { shift: string | null; from: number; hours: number }[] = []
  for (const { hour, shift } of hours) {
    const last = runs.at(-1)
    if (last && last.shift === shift) last.hours += 1
    else runs.push({ shift, from: hour, hours: 1 })
  }
  return runs
}

export interface DaySum {
  day_local: string
  planned: number
  actual: number
}

/** The default day: the last one with a plan, else the last one. */
export function defaultDay(days: readonly DaySum[]): string | null {
  return (days.findLast((day) => day.planned > 0) ?? days.at(-1))?.day_local ?? null
}

/** The nearest day with data before or after a day. */
export function neighbour(days: readonly DaySum[], day: string, by: 1 | -1): string | null {
  const found =
    by > 0
      ? days.find((other) => other.day_local > day)
      : days.findLast((other) => other.day_local < day)
  return found?.day_local ?? null
}

/** A number of days with data around the selected one. */
export function around(days: readonly DaySum[], day: string, count: number): DaySum[] {
  const at = days.findIndex((other) => other.day_local >= day)
  const middle = at < 0 ? days.length : at
  const from = Math.max(0, Math.min(middle - Math.floor(count / 2), days.length - count))
  return days.slice(from, from + count)
}
