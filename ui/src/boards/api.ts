/** The boards of the plant folder: their layout, rows and files. */
import { API_ROOT, call, requestJson } from '../kit/http'
import { currentLanguage as language } from '../kit/i18n'

export const KINDS = ['number', 'trend', 'table', 'timeline', 'bars', 'heat', 'control'] as const
export type TileKind = (typeof KINDS)[number]

export interface BoardInfo {
  name: string
  title: string
  description: string
  tiles: number
  is_faulty: boolean
}

export interface BoardList {
  boards: BoardInfo[]
  is_writable: boolean
  reason: string | null
}

/** A bound beyond which values are marked: a number or a column. */
export interface Limit {
  is_above: boolean
  number: number | null
  bound_column: string | null
  /** Alarm priority; null for a deviation from a target. */
  priority: number | null
  /** The column that is compared; null for that of the value. */
  column: string | null
}

/** The parts of a tile that show a column. */
export type Role =
  | 'value'
  | 'target'
  | 'note'
  | 'x'
  | 'y'
  | 'row'
  | 'start'
  | 'end'
  | 'state'
  | 'lower'
  | 'centre'
  | 'upper'
  | 'mark'
  | 'at'
  | 'coverage'
  | 'unknown'

export interface TileInfo {
  name: string
  title: string
  kind: TileKind
  roles: Partial<Record<Role, string[]>>
  limits: Limit[]
  /** A page of the cockpit, with `{column}` for values of the row. */
  link: string | null
  width: number
  height: number
  stale_after_s: number | null
  has_time: boolean
}

export interface Problem {
  line: number
  message: string
  remedy: string
}

export interface Board {
  name: string
  title: string
  description: string
  columns: number
  time: 'live' | 'this' | 'last' | 'today' | '7d'
  has_time: boolean
  tiles: TileInfo[]
  revision: string
  problems: Problem[]
  is_writable: boolean
  reason: string | null
}

export interface TileColumn {
  name: string
  title: string
  type: 'text' | 'integer' | 'decimal' | 'day' | 'time' | 'boolean'
  unit: string | null
  digits: number | null
  is_hidden: boolean
}

export type Cell = string | number | boolean | null
export type TileRow = Record<string, Cell>

export interface TileRows {
  name: string
  columns: TileColumn[]
  rows: TileRow[]
  is_truncated: boolean
  /** The statement with its values. */
  sql: string
  missing_tables: string[]
  as_of: string | null
  error: { code: string; message: string; line: number | null } | null
}

export interface TableVersion {
  table: string
  version: number
  committed_at: string
}

export interface BoardPeriod {
  from: string
  to: string
  shift: string | null
}

export interface BoardRows {
  period: BoardPeriod
  as_of: string | null
  versions: TableVersion[]
  tiles: TileRows[]
}

export interface BoardSource {
  toml: string
  revision: string
  is_writable: boolean
  reason: string | null
}

export interface BoardCheck {
  problems: Problem[]
  diff: string
  board: Board | null
  data: BoardRows | null
}

const pathOf = (name: string) => `/boards/${encodeURIComponent(name)}`

function queryOf(period: BoardPeriod | null, language: string): string {
  const query = new URLSearchParams({ language })
  if (period) {
    query.set('from', period.from)
    query.set('to', period.to)
    if (period.shift !== null) query.set('shift', period.shift)
  }
  return query.toString()
}

export const boardApi = {
  list: () => call<BoardList>('GET', `/boards?language=${language()}`),
  read: (name: string) => call<Board>('GET', `${pathOf(name)}?language=${language()}`),
  /** The rows of a period; null for the newest day of the board. The browser keeps an answer and checks whether it is still valid. */
  rows: (name: string, period: BoardPeriod | null) =>
    requestJson<BoardRows>(`${API_ROOT}${pathOf(name)}/data?${queryOf(period, language())}`),
  source: (name: string) => call<BoardSource>('GET', `${pathOf(name)}/source`),
  check: (name: string, toml: string) =>
    call<BoardCheck>('POST', `${pathOf(name)}/check?language=${language()}`, { toml }),
  save: (name: string, toml: string, revision: string) =>
    call<{ diff: string; revision: string }>('PUT', pathOf(name), { toml, revision }),
}
