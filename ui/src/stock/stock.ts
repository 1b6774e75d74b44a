/** Stock: rows of the gold tables, and sums of them. */
import { sum } from '../kit/numbers'

export interface Amount {
  entries: number
  quantity: number
  value: number | null
  unpriced_quantity: number
}

export interface AgeRow extends Amount {
  as_of: string
  age_bucket: string
  age_from_d: number
}

export interface CategoryRow extends Amount {
  disc_group: string | null
  posting_group: string | null
  items: number
}

export interface BinRow extends Amount {
  bin: string | null
}

export interface LotRow extends Amount {
  lot_no: string | null
  item_no: string
  description: string | null
  first_registered_on: string
  last_registered_on: string
}

/** Exact sums: quantities have four decimal digits, values two. */
export function totalOf(rows: readonly Amount[]): Amount & { value: number } {
  return {
    entries: sum(rows.map((row) => row.entries)),
    quantity: sum(
      rows.map((row) => row.quantity),
      4,
    ),
    value: sum(
      rows.map((row) => row.value),
      2,
    ),
    unpriced_quantity: sum(
      rows.map((row) => row.unpriced_quantity),
      4,
    ),
  }
}

const BUCKETS: readonly (readonly [number, string])[] = [
  [0, '0-30'],
  [31, '31-60'],
  [61, '61-90'],
  [91, '91-180'],
  [181, '181-365'],
  [366, '366-540'],
  [541, '541-720'],
  [721, 'over 720'],
]

/** The age in days from which stock counts as old. */
export const OLD_FROM_D = 541

/** All buckets in order, also the empty ones; entries after the as-of day are last. */
export function buckets(rows: readonly AgeRow[], asOf: string): AgeRow[] {
  const none = { as_of: asOf, entries: 0, quantity: 0, value: 0, unpriced_quantity: 0 }
  const known = new Map(rows.map((row) => [row.age_from_d, row]))
  const places: AgeRow[] = BUCKETS.map(
    ([from, name]) => known.get(from) ?? { ...none, age_from_d: from, age_bucket: name },
  )
  const others = rows.filter((row) => !BUCKETS.some(([from]) => from === row.age_from_d))
  return [...places, ...others]
}

/** The rows of highest value, and the others. */
export function topOf<R extends Amount>(
  rows: readonly R[],
  count: number,
): { top: R[]; rest: R[] } {
  const order = [...rows].sort((a, b) => (b.value ?? 0) - (a.value ?? 0))
  return { top: order.slice(0, count), rest: order.slice(count) }
}

/** Lots whose number, item or description contains the text. */
export function matching(rows: readonly LotRow[], text: string): LotRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return [...rows]
  return rows.filter((row) => {
    const hay = `${row.lot_no ?? ''} ${row.item_no} ${row.description ?? ''}`.toLowerCase()
    return words.every((word) => hay.includes(word))
  })
}

/** The day of the latest entry. */
export function lastDay(rows: readonly LotRow[]): string | null {
  return rows.reduce<string | null>(
    (last, row) => (last === null || row.last_registered_on > last ? row.last_registered_on : last),
    null,
  )
}
