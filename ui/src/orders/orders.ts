/** Work orders: their status, what is inconsistent about them, and their hours. */
import { t } from '../kit/i18n'
import { int } from '../kit/numbers'

export interface OrderRow {
  work_order: string
  item: string | null
  quantity: number | null
  planned: number
  actual: number
  remaining: number | null
  first_board_at: string | null
  last_board_at: string | null
  started_at: string | null
  ended_at: string | null
  is_started: boolean | null
  is_blocked: boolean | null
  is_closed: boolean | null
  short_closed_quantity: number | null
}

export const STATUSES = ['running', 'blocked', 'waiting', 'closed', 'unknown'] as const
export type OrderStatus = (typeof STATUSES)[number]

/** The status by the flags of the MES; an order that no dump contains is unknown. */
export function statusOf(row: OrderRow): OrderStatus {
  if (row.quantity === null) return 'unknown'
  if (row.is_closed) return 'closed'
  if (row.is_blocked) return 'blocked'
  return row.is_started || row.actual > 0 ? 'running' : 'waiting'
}

/** A closed order may lack this part of its quantity, such as scrapped boards. */
const SHORT_TOLERANCE = 0.02

const isShort = (row: OrderRow): boolean =>
  row.is_closed === true &&
  (row.remaining ?? 0) - (row.short_closed_quantity ?? 0) > SHORT_TOLERANCE * (row.quantity ?? 0)

/** Each pair of records that contradict each other, as a sentence. */
export function contradictionsOf(row: OrderRow): string[] {
  const { quantity, actual, started_at, ended_at, first_board_at, last_board_at } = row
  const found: (string | false)[] = [
    quantity === null && t('order.odd.unknown'),
    quantity !== null &&
      actual > quantity &&
      t('order.odd.over', { made: int(actual), quantity: int(quantity) }),
    row.is_started === false && actual > 0 && t('order.odd.not_started', { made: int(actual) }),
    isBefore(first_board_at, started_at) && t('order.odd.before_start'),
    isBefore(ended_at, last_board_at) && t('order.odd.after_end'),
    row.is_closed === false && ended_at !== null && t('order.odd.open_ended'),
    isShort(row) &&
      t('order.odd.short', {
        remaining: int(row.remaining),
        cancelled: int(row.short_closed_quantity),
      }),
  ]
  return found.filter((one) => one !== false)
}

const isBefore = (one: string | null, other: string | null): boolean =>
  one !== null && other !== null && Date.parse(one) < Date.parse(other)

/** Orders with a status, whose number or item contains the text. */
export function matching(
  rows: readonly OrderRow[],
  text: string,
  status: OrderStatus | null,
): OrderRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return rows.filter((row) => {
    const hay = `${row.work_order} ${row.item ?? ''}`.toLowerCase()
    return (
      (status === null || statusOf(row) === status) && words.every((word) => hay.includes(word))
    )
  })
}

export interface OrderHour {
  day_local: string
  hour_local: number
  station: string | null
  planned: number
  actual: number
}

export interface Forecast {
  /** Boards per hour with boards, on the last day with boards. */
  rate: number
  /** Hours with boards that the rest takes at this rate. */
  hours: number
  /** The last hour with a plan, as day and hour of its end; null without a plan. */
  plannedEnd: { day: string; hour: number } | null
}

/** When the rest of an order is made, if it goes on as on its last day; null without boards. */
export function forecastOf(rows: readonly OrderHour[], remaining: number): Forecast | null {
  const made = rows.filter((row) => row.actual > 0)
  const last = made.reduce((day, row) => (row.day_local > day ? row.day_local : day), '')
  const own = made.filter((row) => row.day_local === last)
  const hours = new Set(own.map((row) => row.hour_local)).size
  if (hours === 0) return null
  const rate = own.reduce((sum, row) => sum + row.actual, 0) / hours
  return { rate, hours: remaining / rate, plannedEnd: plannedEndOf(rows) }
}

/** The end of the last hour with a plan. */
export function plannedEndOf(rows: readonly OrderHour[]): Forecast['plannedEnd'] {
  return rows
    .filter((row) => row.planned > 0)
    .map((row) => ({ day: row.day_local, hour: row.hour_local + 1 }))
    .reduce<Forecast['plannedEnd']>(
      (end, one) =>
        !end || one.day > end.day || (one.day === end.day && one.hour > end.hour) ? one : end,
      null,
    )
}

export interface HourSlice {
  day: string
  hour: number
  planned: number
  made: number
  stations: string[]
  /** Boards made until the end of the hour. */
  cumulative: number
}

/** Hours with a plan or boards, in order, with the boards so far. */
export function slicesOf(rows: readonly OrderHour[]): HourSlice[] {
  const slices = new Map<string, HourSlice>()
  for (const row of rows) {
    const key = `${row.day_local} ${String(row.hour_local).padStart(2, '0')}`
    const slice = slices.get(key) ?? {
      day: row.day_local,
      hour: row.hour_local,
      planned: 0,
      made: 0,
      stations: [],
      cumulative: 0,
    }
    slice.planned += row.planned
    slice.made += row.actual
    if (row.station && !slice.stations.includes(row.station)) slice.stations.push(row.station)
    slices.set(key, slice)
  }
  let cumulative = 0
  return [...slices]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([, slice]) => {
      cumulative += slice.made
      return { ...slice, cumulative }
    })
}

export interface StageRow {
  surface: number | null
  stage_started_at: string | null
}

export interface Surface {
  surface: number | null
  stages: number
  first_at: string | null
  last_at: string | null
}

/** The stages that boards passed, by side of the board. */
export function surfacesOf(rows: readonly StageRow[]): Surface[] {
  const found = new Map<number | null, StageRow[]>()
  for (const row of rows) {
    const side = found.get(row.surface) ?? []
    side.push(row)
    found.set(row.surface, side)
  }
  return [...found]
    .map(([surface, side]) => {
      const times = side.flatMap((row) => row.stage_started_at ?? []).sort()
      return {
        surface,
        stages: side.length,
        first_at: times[0] ?? null,
        last_at: times.at(-1) ?? null,
      }
    })
    .sort((a, b) => (a.surface ?? 99) - (b.surface ?? 99))
}
