import type { Sort } from './url'

export interface Column<R> {
  key: string
  label: string
  unit?: string
  numeric?: boolean
  text: (row: R) => string
  /** The sort key; a column without it cannot be sorted. */
  value?: (row: R) => number | string | null
  href?: (row: R) => string | null
  /** A bar instead of text: the filled fraction and a mark, both from 0 to 1. */
  bar?: (row: R) => { part: number; mark?: number }
  /** Hidden on a phone. */
  wide?: boolean
  /** A code or an id, in a monospaced font. */
  code?: boolean
  /** Truncated with an ellipsis if it is too long. */
  long?: boolean
  /** Wrapped instead of one long line. */
  wrap?: boolean
  /** Shown as an inverted block. */
  alert?: (row: R) => boolean
  /** Shown as off target: outlined in ochre. */
  deviates?: (row: R) => boolean
}

/** Sorted rows; unknown values are last in both directions; the sort is stable. */
export function sorted<R>(rows: readonly R[], columns: readonly Column<R>[], order: Sort): R[] {
  const value = columns.find((column) => column.key === order.key)?.value
  if (!value) return [...rows]
  const direction = order.down ? -1 : 1
  return [...rows].sort((left, right) => {
    const a = value(left)
    const b = value(right)
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
    if (typeof a === 'number' && typeof b === 'number') return direction * (a - b)
    return direction * String(a).localeCompare(String(b), 'en', { numeric: true })
  })
}

/** A field of CSV (RFC 4180); a text that a spreadsheet would run as a formula is quoted with an apostrophe. */
function field(value: number | string): string {
  if (typeof value === 'number') return String(value)
  const text = /^[=+@\t\r]|^-(?![\d.])/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Rows as CSV with the columns of a table: numbers without grouping, other values as shown. Bars are left out. */
export function csvOf<R>(columns: readonly Column<R>[], rows: readonly R[]): string {
  const written = columns.filter((column) => column.label !== '')
  const head = written.map(({ label, unit }) => field(unit ? `${label} (${unit})` : label))
  const cellOf = (column: Column<R>, row: R) => {
    const value = column.numeric ? column.value?.(row) : undefined
    return field(typeof value === 'number' ? value : column.text(row))
  }
  const lines = rows.map((row) => written.map((column) => cellOf(column, row)))
  return [head, ...lines].map((line) => `${line.join(',')}\r\n`).join('')
}
