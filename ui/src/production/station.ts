/** One station: the pace of its boards, the orders it ran, and its stops. */
import type { Category, LedgerRow, Span, UnitTime } from './ledger'
import { byUnit } from './ledger'

export interface BoardRow {
  made_at: string
  item: string | null
  work_order: string | null
  verdict: string | null
  ideal_cycle_ms: number | null
}

export interface Cycle {
  at_ms: number
  /** Time since the board before. */
  cycle_s: number
  ideal_s: number | null
}

/** A longer time between two boards is a stop and not a cycle. */
const CYCLE_MAX_S = 300

/** The time between consecutive boards; `boards` are in order of time. */
export function cyclesOf(boards: readonly BoardRow[]): Cycle[] {
  const cycles: Cycle[] = []
  let before: number | null = null
  for (const board of boards) {
    const at_ms = Date.parse(board.made_at)
    const cycle_s = before === null ? 0 : (at_ms - before) / 1000
    const ideal_s = board.ideal_cycle_ms === null ? null : board.ideal_cycle_ms / 1000
    if (cycle_s > 0 && cycle_s <= CYCLE_MAX_S) cycles.push({ at_ms, cycle_s, ideal_s })
    before = at_ms
  }
  return cycles
}

/** The middle value; the mean of the two middle ones of an even count. Null without values. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)]
  if (upper === undefined) return null
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? upper) + upper) / 2 : upper
}

export interface OrderRun {
  order: string | null
  item: string | null
  from_at: string
  to_at: string
  made: number
  rejected: number
  /** Median cycle time, and the ideal one; null if unknown. */
  cycle_s: number | null
  ideal_s: number | null
}

/** The orders that the station made boards of, in order of their first board. */
export function ordersRun(boards: readonly BoardRow[]): OrderRun[] {
  const groups = new Map<string | null, BoardRow[]>()
  for (const board of boards) {
    const group = groups.get(board.work_order) ?? []
    group.push(board)
    groups.set(board.work_order, group)
  }
  return [...groups].map(([order, own]) => {
    const ideal_ms = own.find((board) => board.ideal_cycle_ms !== null)?.ideal_cycle_ms ?? null
    return {
      order,
      item: own[0]?.item ?? null,
      from_at: own[0]?.made_at ?? '',
      to_at: own.at(-1)?.made_at ?? '',
      made: own.length,
      rejected: own.filter((board) => board.verdict !== null && board.verdict !== 'good').length,
      cycle_s: median(cyclesOf(own).map((cycle) => cycle.cycle_s)),
      ideal_s: ideal_ms === null ? null : ideal_ms / 1000,
    }
  })
}

/** Categories that are listed as stops. */
const STOPS: readonly Category[] = ['delay', 'down_without_order', 'setup']

/** Stops, the longest first. */
export function stopsOf(units: readonly UnitTime[]): Span[] {
  return units
    .flatMap((unit) => unit.spans)
    .filter((span) => STOPS.includes(span.category))
    .sort((a, b) => b.duration_s - a.duration_s)
}

export interface Loss {
  category: Category
  reason: string | null
  count: number
  seconds: number
}

/** Stops by category and reason, most time first. */
export function lossesOf(stops: readonly Span[]): Loss[] {
  const losses = new Map<string, Loss>()
  for (const { category, reason, duration_s } of stops) {
    const key = `${category} ${reason}`
    const loss = losses.get(key) ?? { category, reason, count: 0, seconds: 0 }
    loss.count += 1
    loss.seconds += duration_s
    losses.set(key, loss)
  }
  return [...losses.values()].sort((a, b) => b.seconds - a.seconds)
}

const DAY_MS = 86_400_000

export interface DayLedgerRow extends LedgerRow {
  production_day: string
}

/**
 * The time of a station as a row per day below each other: the rows of earlier days are moved to the
 * last day, by whole days, so that all have the same axis.
 */
export function byDay(
  rows: readonly DayLedgerRow[],
  nameOf: (day: string) => string,
): { units: UnitTime[]; rows: LedgerRow[] } {
  const last = rows.reduce((day, row) => (row.production_day > day ? row.production_day : day), '')
  const moved = rows.map((row) => {
    const by = Date.parse(`${last}T00:00:00Z`) - Date.parse(`${row.production_day}T00:00:00Z`)
    const move = (at: string) =>
      new Date(Date.parse(at) + Math.round(by / DAY_MS) * DAY_MS).toISOString()
    return { ...row, unit: row.production_day, from_at: move(row.from_at), to_at: move(row.to_at) }
  })
  const units = byUnit(moved).map((unit) => ({ ...unit, unit: nameOf(unit.unit) }))
  return { units, rows: moved }
}
