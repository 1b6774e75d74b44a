/** The time of units: rows of the time ledger, merged and summed. */

/** Time categories in the order of bars and legends. */
export const CATEGORIES = [
  'production',
  'setup',
  'delay',
  'down_without_order',
  'planned_stop',
  'no_production_planned',
  'unknown',
] as const
export type Category = (typeof CATEGORIES)[number]

export interface LedgerRow {
  unit: string
  from_at: string
  to_at: string
  category: Category
  reason: string | null
  state: string | null
  work_order: string | null
  shift: string | null
  duration_s: number
}

export interface Span {
  from_ms: number
  to_ms: number
  category: Category
  reason: string | null
  work_order: string | null
  duration_s: number
}

export interface UnitTime {
  unit: string
  /** Adjacent rows of equal content are merged. */
  spans: Span[]
  /** Seconds by category. */
  seconds: Record<Category, number>
  total_s: number
}

const zeroes = (): Record<Category, number> =>
  Object.fromEntries(CATEGORIES.map((one) => [one, 0])) as Record<Category, number>

/** The time of each unit, sorted by unit. Rows may be in any order. */
export function byUnit(rows: readonly LedgerRow[]): UnitTime[] {
  const units = new Map<string, UnitTime>()
  for (const row of [...rows].sort((a, b) => a.from_at.localeCompare(b.from_at))) {
    const unit = units.get(row.unit) ?? { unit: row.unit, spans: [], seconds: zeroes(), total_s: 0 }
    unit.seconds[row.category] += row.duration_s
    unit.total_s += row.duration_s
    addSpan(unit.spans, row)
    units.set(row.unit, unit)
  }
  return [...units.values()].sort((a, b) => a.unit.localeCompare(b.unit, 'en', { numeric: true }))
}

/** Ledger rows are split at each hour; a continuation is merged into one span. */
function addSpan(spans: Span[], row: LedgerRow): void {
  const from_ms = Date.parse(row.from_at)
  const to_ms = Date.parse(row.to_at)
  const { category, reason, work_order, duration_s } = row
  const last = spans.at(-1)
  const continues =
    last?.to_ms === from_ms &&
    last.category === category &&
    last.reason === reason &&
    last.work_order === work_order
  if (!last || !continues) spans.push({ from_ms, to_ms, category, reason, work_order, duration_s })
  else {
    last.to_ms = to_ms
    last.duration_s += duration_s
  }
}

export interface Reach {
  from_ms: number
  to_ms: number
  /** Seconds covered by at least one row: fewer than the range if a shift has a break. */
  covered_s: number
}

/** The range of the rows, and how much of it is covered. */
export function reach(rows: readonly LedgerRow[]): Reach | null {
  const pieces = rows
    .map((row) => ({ from: Date.parse(row.from_at), to: Date.parse(row.to_at) }))
    .sort((a, b) => a.from - b.from)
  const first = pieces[0]
  if (!first) return null
  let end = first.from
  let covered_ms = 0
  for (const { from, to } of pieces) {
    covered_ms += Math.max(0, to - Math.max(from, end))
    end = Math.max(end, to)
  }
  return { from_ms: first.from, to_ms: end, covered_s: covered_ms / 1000 }
}

/**
 * Whether each second of the unit is in exactly one row, from its first row to its last. The rows of
 * all units define the covered time, because a shift may have a break. A unit has no data before its
 * first row and after its last.
 */
export function isBalanced(unit: UnitTime, rows: readonly LedgerRow[]): boolean {
  const from_ms = unit.spans[0]?.from_ms ?? 0
  const to_ms = unit.spans.at(-1)?.to_ms ?? 0
  const within = rows.flatMap((row) => {
    const from = Math.max(Date.parse(row.from_at), from_ms)
    const to = Math.min(Date.parse(row.to_at), to_ms)
    if (from >= to) return []
    return [{ ...row, from_at: new Date(from).toISOString(), to_at: new Date(to).toISOString() }]
  })
  return unit.total_s === (reach(within)?.covered_s ?? 0)
}

/**
 * Seconds as whole minutes that add up to the rounded sum: the parts that lose ticksMax by rounding
 * down are rounded up. 0 stays 0.
 */
export function minutes(seconds: readonly number[]): number[] {
  const floors = seconds.map((one) => Math.floor(one / 60))
  const whole = Math.round(seconds.reduce((sum, one) => sum + one, 0) / 60)
  const lacking = whole - floors.reduce((sum, one) => sum + one, 0)
  const up = seconds
    .map((one, at) => ({ at, lost: one % 60 }))
    .filter((one) => one.lost > 0)
    .sort((a, b) => b.lost - a.lost)
    .slice(0, lacking)
  for (const { at } of up) floors[at] = (floors[at] ?? 0) + 1
  return floors
}

/** 7:05 in hours and minutes. */
export const hoursMinutes = (minutes: number): string =>
  `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`

/** 2 h 7 min 4 s, without parts that are 0. */
export function duration(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const shown = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`)
  return shown.join(' ') || '0 s'
}

const HOUR_MS = 3_600_000

/** The next full hour of a clock that shows `shown` (09:30:05) at `at_ms`. */
export function fullHour(at_ms: number, shown: string): number {
  const [, minutes = 0, seconds = 0] = shown.split(':').map(Number)
  const past_ms = (minutes * 60 + seconds) * 1000 + (at_ms % 1000)
  return past_ms === 0 ? at_ms : at_ms + HOUR_MS - past_ms
}

/** Axis ticks from `first_ms`, spaced by a number of hours so that their labels do not overlap. */
export function axis({ from_ms, to_ms }: Reach, ticksMax: number, first_ms = from_ms): number[] {
  const hours = (to_ms - from_ms) / HOUR_MS
  const every = [1, 2, 3, 4, 6, 12].find((one) => hours / one <= ticksMax) ?? 24
  const marks = []
  for (let at = first_ms; at <= to_ms; at += every * HOUR_MS) marks.push(at)
  return marks
}
