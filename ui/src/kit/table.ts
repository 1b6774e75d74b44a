import type { Sort } from './url'

export interface Column<R> {
  key: string
  label: string
  unit?: string
  numeric?: boolean
  text: (row: R) => string
  /** What the column is sorted by; without it the column cannot be sorted. */
  value?: (row: R) => number | string | null
  href?: (row: R) => string | null
  /** A bar instead of words: the filled part and a mark, both of 0 to 1. */
  bar?: (row: R) => { part: number; mark?: number }
  /** Left out on a phone. */
  wide?: boolean
  /** A code or an id: in the fixed-width face. */
  code?: boolean
  /** Cut with an ellipsis when it is too long. */
  long?: boolean
  /** Broken into lines instead of one long line. */
  wrap?: boolean
  /** Shown as an inverted block. */
  loud?: (row: R) => boolean
  /** Shown as off target: outlined in ochre. */
  off?: (row: R) => boolean
}

/** Rows in the order asked for; unknown values last whichever way; equal rows stay as they were. */
export function sorted<R>(rows: readonly R[], columns: readonly Column<R>[], order: Sort): R[] {
  const value = columns.find((column) => column.key === order.key)?.value
  if (!value) return [...rows]
  const way = order.down ? -1 : 1
  return [...rows].sort((left, right) => {
    const a = value(left)
    const b = value(right)
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
    if (typeof a === 'number' && typeof b === 'number') return way * (a - b)
    return way * String(a).localeCompare(String(b), 'en', { numeric: true })
  })
}
