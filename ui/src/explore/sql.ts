/** Statements in the address, and cells and charts of results. */
import type { Answer } from '../kit/schema'

export type ResultColumn = Answer<'ResultColumn'>

export type ResultRow = Record<string, unknown>

/** `truncated`: there are more rows than the server returns as JSON. */
export type QueryResult = Answer<'QueryAnswer'>

/** A statement as a parameter: base64url of its UTF-8. */
export function encodeSql(sql: string): string {
  const bytes = Array.from(new TextEncoder().encode(sql), (byte) => String.fromCharCode(byte)).join(
    '',
  )
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Null if the text is not base64url of UTF-8. */
export function decodeSql(text: string): string | null {
  try {
    const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    const codes = Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(codes)
  } catch {
    return null
  }
}

const NUMERIC = /^(tiny|small|big)?int|^integer|^float|^double|^real|^decimal|^numeric|^u?int/i
export const isNumeric = ({ type }: ResultColumn): boolean => NUMERIC.test(type)
const isTime = ({ type }: ResultColumn): boolean => /^(date|timestamp)/i.test(type)

/** A value as it is stored: nothing is rounded or translated. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export interface ChartChoice {
  x: ResultColumn
  y: ResultColumn
  /** Columns that can be chosen. */
  xs: ResultColumn[]
  ys: ResultColumn[]
  kind: 'line' | 'bars'
}

/** The columns of a chart: those named, else the first that fit; null if no column is numeric. */
export function chartOf(
  columns: readonly ResultColumn[],
  x: string | null,
  y: string | null,
): ChartChoice | null {
  const ys = columns.filter(isNumeric)
  const measure =
    ys.find((column) => column.name === y) ??
    ys.find((column) => column.name !== columns[0]?.name) ??
    ys[0]
  if (!measure) return null
  const xs = columns.filter((column) => column !== measure)
  const axis =
    xs.find((column) => column.name === x) ??
    xs.find(isTime) ??
    xs.find((column) => !isNumeric(column)) ??
    xs[0] ??
    measure
  return { x: axis, y: measure, xs, ys, kind: isTime(axis) || isNumeric(axis) ? 'line' : 'bars' }
}

export interface ChartPoint {
  label: string
  value: number
  /** The place on the axis: a number or a time; null for bars. */
  at: number | null
}

/** Rows with a numeric value, in the order of the axis of a line, else in their own. */
export function pointsOf(rows: readonly ResultRow[], { x, y, kind }: ChartChoice): ChartPoint[] {
  const points = rows.flatMap((row) => {
    const value = Number(row[y.name])
    if (row[y.name] === null || Number.isNaN(value)) return []
    const label = cellText(row[x.name])
    const at = kind === 'bars' ? null : isTime(x) ? Date.parse(label) : Number(row[x.name])
    return at !== null && Number.isNaN(at) ? [] : [{ label, value, at }]
  })
  return kind === 'line' ? points.sort((a, b) => (a.at ?? 0) - (b.at ?? 0)) : points
}

/** The line and the column that an error of the parser names. */
export function errorPlace(message: string): { line: number; column: number } | null {
  const found = /Line: (\d+), Column: (\d+)/.exec(message)
  return found ? { line: Number(found[1]), column: Number(found[2]) } : null
}
