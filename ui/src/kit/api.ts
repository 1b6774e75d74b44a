/** Tables, SQL, KPIs and health of the plant. Responses are cached until the lake has new data. */
import { API_ROOT, ApiError, requestJson } from './http'
import type { Answer } from './schema'

export { ApiError } from './http'

export type Row = Record<string, unknown>

export interface TableResponse<T = Row> {
  rows: T[]
  total: number
  version: number | null
  as_of: string | null
}

export interface Health {
  healthy: boolean
  /** What does not work, unless healthy. */
  reason: string | null
  plant: string
  zone: string
  /** Version and commit of the program; empty without a session. */
  build: string
  /** UTC; when the dumps were last read, and when they are read next. */
  readAt: string | null
  nextAt: string | null
  /** Whether the data comes from the simulator. */
  simulated: boolean
}

export interface TableQuery {
  columns?: readonly string[]
  /** Rows that are equal in all columns are returned once. */
  distinct?: boolean
  filter?: Record<string, string | readonly string[] | null | undefined>
  /** Values from one to another, both included. */
  between?: Record<string, { from: string; to: string }>
  parameter?: Record<string, string | null | undefined>
  order?: string
  limit?: number
  offset?: number
  format?: Format
}

export const FORMATS = ['csv', 'xlsx', 'json', 'parquet'] as const
export type Format = (typeof FORMATS)[number]

/** Escapes a filter value that would otherwise be parsed as a list, a range or a negation. */
const escapeFilter = (value: string): string =>
  value.replace(/[\\,]|^!|^null$/g, '\\$&').replaceAll('..', '.\\.')

/** The URL of a table (`gold.production_hourly`). */
export function tableUrl(table: string, query: TableQuery = {}): string {
  const params = new URLSearchParams()
  if (query.columns) params.set('columns', query.columns.join(','))
  if (query.distinct) params.set('distinct', 'true')
  for (const [column, value] of Object.entries(query.filter ?? {})) {
    const values = typeof value === 'string' ? [value] : (value ?? [])
    const text = values.map(escapeFilter).join(',')
    if (text) params.set(`filter.${column}`, text)
  }
  for (const [column, { from, to }] of Object.entries(query.between ?? {})) {
    params.set(`filter.${column}`, `${escapeFilter(from)}..${escapeFilter(to)}`)
  }
  for (const [name, value] of Object.entries(query.parameter ?? {})) {
    if (value) params.set(`parameter.${name}`, value)
  }
  if (query.order) params.set('order', query.order)
  if (query.limit !== undefined) params.set('limit', String(query.limit))
  if (query.offset) params.set('offset', String(query.offset))
  if (query.format) params.set('format', query.format)
  const [schema, name] = table.split('.')
  const text = params.toString().replaceAll('%2C', ',')
  return `${API_ROOT}/tables/${schema}/${name}${text ? `?${text}` : ''}`
}

const cache = new Map<string, Promise<unknown>>()
const CACHED_RESPONSES_MAX = 60

/** Drops all cached responses: the lake has new data. */
export function clearCache(): void {
  cache.clear()
}

function cached<T>(key: string, request: () => Promise<T>): Promise<T> {
  const known = cache.get(key)
  if (known) return known as Promise<T>
  const oldest = cache.keys().next().value
  if (cache.size >= CACHED_RESPONSES_MAX && oldest !== undefined) cache.delete(oldest)
  const response = request()
  cache.set(key, response)
  response.catch(() => cache.get(key) === response && cache.delete(key))
  return response
}

/** Rows of a table. */
export function tableRows<T = Row>(
  table: string,
  query: TableQuery = {},
): Promise<TableResponse<T>> {
  const url = tableUrl(table, query)
  return cached(url, () => requestJson<TableResponse<T>>(url))
}

/** No rows if the table does not exist yet. A plant that only streams has no `meta.files`, for example. */
export function orEmpty<T>(response: Promise<TableResponse<T>>): Promise<TableResponse<T>> {
  return response.catch((error: unknown) => {
    if (error instanceof ApiError && error.isMissing)
      return { rows: [], total: 0, version: null, as_of: null }
    throw error
  })
}

const PAGE_ROWS = 10_000

/** All rows of a table, page by page, at most `rowsMax`; `total` counts those left out too. */
export async function allRows<T = Row>(
  table: string,
  query: TableQuery,
  rowsMax = 20_000,
): Promise<TableResponse<T>> {
  const first = await tableRows<T>(table, { ...query, limit: PAGE_ROWS })
  const found = [...first.rows]
  while (found.length < Math.min(first.total, rowsMax)) {
    const page = { ...query, limit: PAGE_ROWS, offset: found.length }
    const next = await tableRows<T>(table, page)
    if (next.rows.length === 0 || next.version !== first.version) break
    found.push(...next.rows)
  }
  return { ...first, rows: found }
}

/** A response that changes all the time, and so is never cached. */
export function fetchLive<T>(path: string, signal: AbortSignal): Promise<T> {
  return requestJson<T>(API_ROOT + path, { signal, cache: 'no-store' })
}

/** Rows of a SQL query; needs the permission `run_sql`. */
export function querySql<T = Row>(sql: string): Promise<TableResponse<T>> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ sql }),
  }
  return cached(`sql:${sql}`, () => requestJson<TableResponse<T>>(`${API_ROOT}/query`, init))
}

/** KPIs by their definitions: OEE and its factors, production rates. */
export function fetchKpis<T>(parameters: Record<string, string>): Promise<T> {
  const query = new URLSearchParams(parameters).toString().replaceAll('%2C', ',')
  const url = `${API_ROOT}/kpis?${query}`
  return cached(url, () => requestJson<T>(url))
}

type HealthResponse = Answer<'Health'>

/** The health of the server, never cached. A server that is starting responds with 503 and a body. */
export async function fetchHealth(signal: AbortSignal): Promise<Health> {
  const response = await fetch(`${API_ROOT}/health`, { signal, cache: 'no-store' })
  const body = (await response.json()) as HealthResponse
  if (!body.state) {
    throw new ApiError(response.status, 'no_health', response.statusText)
  }
  return parseHealth(body)
}

/** Health in the form that the pages use. */
export function parseHealth(body: HealthResponse): Health {
  const { state, last_run } = body
  return {
    healthy: state === 'running',
    reason: body.reason ?? state,
    simulated: body.is_simulated ?? false,
    plant: body.plant ?? '',
    zone: body.zone ?? 'UTC',
    build: body.build ? JSON.stringify(body.build) : '',
    readAt: last_run?.ended_at ?? last_run?.started_at ?? null,
    nextAt: body.next_run_at ?? null,
  }
}
