/** Values of tiles as texts, their limits, and whether they can be relied on. */
import { dec, int, NONE, quantity } from '../kit/numbers'
import { clock, dateTimePlain, dayOf, dayShort, dayYear, isDay } from '../kit/time'
import type { Cell, Limit, Role, TileColumn, TileInfo, TileRow, TileRows } from './api'

export interface Shown {
  text: string
  unit: string
  /** The exact value where the text is rounded. */
  exact: string | undefined
}

const INR = 'INR'
/** The customary units of money. */
const LARGE = [
  { from: 1e7, name: 'crore' },
  { from: 1e5, name: 'lakh' },
]
const SHARE = '%'
const SHARE_DIGITS = 1
const DECIMAL_DIGITS = 2

/** The column of a part of a tile. */
export const columnOf = (tile: TileInfo, role: Role): string | null => tile.roles[role]?.[0] ?? null

/** The description of a column. */
export const findColumn = (
  { columns }: Pick<TileRows, 'columns'>,
  name: string | null,
): TileColumn | undefined => columns.find((column) => column.name === name)

/** A value that can be compared; null for texts and unknown ones. */
export function numberOf(cell: Cell | undefined): number | null {
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : null
  // Decimals and large whole numbers are texts in JSON.
  if (typeof cell !== 'string' || cell.trim() === '') return null
  const number = Number(cell)
  return Number.isFinite(number) ? number : null
}

/**
 * A value as people write it. Money is in lakh and crore by its own size, or by that of `scale`, so that values side by
 * side have one unit; with `scale` 0 it is written in full.
 */
export function shown(
  cell: Cell | undefined,
  column: TileColumn | undefined,
  zone: string,
  scale?: number,
): Shown {
  const unit = column?.unit ?? ''
  const plain = (text: string): Shown => ({ text, unit: '', exact: undefined })
  if (cell === null || cell === undefined) return plain(NONE)
  if (column?.type === 'integer' || column?.type === 'decimal') {
    const number = numberOf(cell)
    return number === null ? plain(String(cell)) : numeric(number, column, unit, scale ?? number)
  }
  if (column?.type === 'day') return plain(dayYear(String(cell)))
  if (column?.type === 'time') return plain(dateTimePlain(String(cell), zone))
  if (typeof cell === 'boolean') return plain(cell ? '✓' : NONE)
  return { text: String(cell), unit, exact: undefined }
}

function numeric(number: number, column: TileColumn, unit: string, scale: number): Shown {
  if (unit === SHARE) {
    const text = dec(100 * number, column.digits ?? SHARE_DIGITS)
    return { text, unit, exact: exactOf(text, quantity(100 * number)) }
  }
  const large = LARGE.find(({ from }) => Math.abs(scale) >= from)
  if (unit === INR && column.digits === 0 && large) {
    const text = dec(number / large.from, 2)
    return { text, unit: `${large.name} ${INR}`, exact: exactOf(text, dec(number, 2)) }
  }
  const digits = column.digits ?? (column.type === 'integer' ? 0 : DECIMAL_DIGITS)
  const text = digits === 0 ? int(Math.round(number)) : dec(number, digits)
  return { text, unit, exact: exactOf(text, quantity(number)) }
}

const exactOf = (text: string, exact: string) => (exact === text ? undefined : exact)

/** A value with its unit. */
export function withUnit({ text, unit }: Shown): string {
  return unit === '' || text === NONE ? text : `${text} ${unit}`
}

/** A label of an axis of categories, days or times; of times on several days, the day. */
export function label(
  cell: Cell | undefined,
  column: TileColumn | undefined,
  zone: string,
  hasDays = false,
): string {
  if (cell === null || cell === undefined) return NONE
  if (column?.type === 'day' && isDay(String(cell))) return dayShort(String(cell))
  if (column?.type === 'time') {
    const at = Date.parse(String(cell))
    if (Number.isNaN(at)) return String(cell)
    return hasDays ? dayShort(dayOf(at, zone)) : clock(at, zone).slice(0, 5)
  }
  return String(cell)
}

export interface Mark {
  /** Alarm priority; null for a deviation. */
  priority: 1 | 2 | 3 | 4 | null
  isAbove: boolean
}

/** The most severe limit that a value violates. `column` is compared, `value` is that of limits without one. */
export function markOf(
  limits: readonly Limit[],
  row: TileRow,
  column: string,
  value: string | null,
): Mark | null {
  const number = numberOf(row[column])
  if (number === null) return null
  const violated = limits.filter((limit) => {
    if ((limit.column ?? value) !== column) return false
    const bound = limit.bound_column === null ? limit.number : numberOf(row[limit.bound_column])
    if (bound === null) return false
    return limit.is_above ? number > bound : number < bound
  })
  const [worst] = violated.toSorted((a, b) => (a.priority ?? 5) - (b.priority ?? 5))
  if (!worst) return null
  return { priority: worst.priority as Mark['priority'], isAbove: worst.is_above }
}

/** The address of a link with the values of a row; null if one is unknown. */
export function linkOf(link: string | null, row: TileRow | undefined): string | null {
  if (link === null) return null
  let isComplete = true
  const href = link.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = row?.[name]
    if (value === null || value === undefined) isComplete = false
    return encodeURIComponent(String(value))
  })
  return isComplete ? href : null
}

/** Whether the link of a tile depends on its row. */
export const isRowLink = (link: string | null): boolean => link?.includes('{') ?? false

/** The least share of data with which a figure is shown without hatching. */
const COVERAGE_MIN = 0.95

export interface Reliability {
  /** Milliseconds since 1970: up to when the rows have data, or when their tables changed. */
  at_ms: number | null
  age_ms: number | null
  isStale: boolean
  /** Share of the data that has arrived, if it is too little. */
  lowCoverage: number | null
  /** Why a value is unknown. */
  unknown: string | null
}

/** Whether a tile can be relied on at a time of the server. */
export function reliabilityOf(tile: TileInfo, rows: TileRows, now_ms: number): Reliability {
  const cells = (role: Role): Cell[] => {
    const name = columnOf(tile, role)
    return name === null ? [] : rows.rows.map((row) => row[name] ?? null)
  }
  const times = cells('at')
    .map((cell) => Date.parse(String(cell)))
    .filter(Number.isFinite)
  const changed_ms = rows.as_of === null ? null : Date.parse(rows.as_of)
  const at_ms = times.length > 0 ? Math.max(...times) : changed_ms
  const age_ms = at_ms === null ? null : Math.max(0, now_ms - at_ms)
  const shares = cells('coverage')
    .map(numberOf)
    .filter((share) => share !== null)
  const least = shares.length > 0 ? Math.min(...shares) : 1
  const reasons = cells('unknown').filter((cell) => cell !== null && cell !== '')
  return {
    at_ms,
    age_ms,
    isStale: tile.stale_after_s !== null && age_ms !== null && age_ms > 1000 * tile.stale_after_s,
    lowCoverage: least < COVERAGE_MIN ? least : null,
    unknown: reasons.length > 0 ? String(reasons[0]) : null,
  }
}

export interface Age {
  count: number
  unit: 's' | 'min' | 'h' | 'd'
}

/** An age in its largest whole unit. */
export function ageOf(age_ms: number): Age {
  const seconds = Math.floor(age_ms / 1000)
  if (seconds < 60) return { count: seconds, unit: 's' }
  if (seconds < 3_600) return { count: Math.floor(seconds / 60), unit: 'min' }
  if (seconds < 2 * 86_400) return { count: Math.floor(seconds / 3_600), unit: 'h' }
  return { count: Math.floor(seconds / 86_400), unit: 'd' }
}
