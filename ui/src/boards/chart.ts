/** Axes and lines of the charts of tiles. */
import { roundMarks } from '../kit/numbers'
import type { Cell, TileColumn, TileRow } from './api'
import { numberOf } from './values'

export interface ValueAxis {
  low: number
  high: number
  marks: number[]
  digits: number
}

/** An axis that contains these values; with `fromZero` also 0, as bars need it. */
export function valueAxis(
  values: readonly (number | null)[],
  fromZero: boolean,
  count: number,
): ValueAxis {
  const known = values.filter((value) => value !== null)
  if (fromZero || known.length === 0) known.push(0)
  let [low, high] = [Math.min(...known), Math.max(...known)]
  if (low === high) high = low + (low === 0 ? 1 : Math.abs(low) / 2)
  if (!fromZero) {
    const space = 0.06 * (high - low)
    low = low >= 0 && low - space < 0 ? 0 : low - space
    high += space
  }
  const { marks, digits } = roundMarks(low, high, count)
  return { low, high: Math.max(high, marks.at(-1) ?? high), marks, digits }
}

/** The rows of a column as numbers. */
export const numbersOf = (rows: readonly TileRow[], column: string | null): (number | null)[] =>
  column === null ? [] : rows.map((row) => numberOf(row[column]))

/** Positions from 0 to 1: days and times by their distance, anything else evenly. */
export function positions(rows: readonly TileRow[], x: string, column?: TileColumn): number[] {
  const isTime = column?.type === 'time' || column?.type === 'day'
  const times = isTime ? rows.map((row) => Date.parse(String(row[x]))) : []
  const [from, to] = [Math.min(...times), Math.max(...times)]
  if (times.length > 1 && times.every(Number.isFinite) && to > from) {
    return times.map((at) => (at - from) / (to - from))
  }
  return rows.map((_, place) => (rows.length === 1 ? 0.5 : place / (rows.length - 1)))
}

const DAYS_FROM_MS = 36 * 3_600_000

/** Whether times are on several days, so that their labels are days. */
export function spansDays(rows: readonly TileRow[], x: string): boolean {
  const times = rows.map((row) => Date.parse(String(row[x]))).filter(Number.isFinite)
  return times.length > 1 && Math.max(...times) - Math.min(...times) > DAYS_FROM_MS
}

/** A line through known points; unknown ones interrupt it. */
export function path(points: readonly { x: number; y: number | null }[]): string {
  let isPen = false
  return points
    .map(({ x, y }) => {
      if (y === null) {
        isPen = false
        return ''
      }
      const step = `${isPen ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
      isPen = true
      return step
    })
    .join('')
}

/** Which of `count` labels fit, at equal distances, into a width. */
export function shownLabels(count: number, width_px: number, label_px: number): Set<number> {
  const most = Math.max(1, Math.floor(width_px / label_px))
  const step = Math.max(1, Math.ceil(count / most))
  return new Set(Array.from({ length: Math.ceil(count / step) }, (_, nth) => nth * step))
}

/** Different values of a column in their order. */
export const distinct = (rows: readonly TileRow[], column: string): Cell[] => [
  ...new Set(rows.map((row) => row[column] ?? null)),
]
