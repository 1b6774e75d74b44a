/** The plant's API: tables, one query, health. Answers are kept until the lake has new data. */

export type Row = Record<string, unknown>

export interface Answer<T = Row> {
  rows: T[]
  total: number
  version: number | null
  as_of: string | null
}

export interface Health {
  /** Everything works; else `reason` says what does not. */
  well: boolean
  reason: string | null
  plant: string
  zone: string
  /** Which program answers. */
  build: string
  /** UTC; when the dumps were last read, and when they will be read again. */
  readAt: string | null
  nextAt: string | null
  /** Whether all it shows is made up by the simulator. */
  simulated: boolean
}

export interface Ask {
  columns?: readonly string[]
  filter?: Record<string, string | readonly string[] | null | undefined>
  parameter?: Record<string, string | null | undefined>
  order?: string
  limit?: number
  offset?: number
  format?: Format
}

export const FORMATS = ['csv', 'json', 'parquet'] as const
export type Format = (typeof FORMATS)[number]

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
    this.name = 'ApiError'
  }

  /** The table is not there yet: nothing was read so far. */
  get missing(): boolean {
    return this.status === 404 || this.code === 'unknown_table'
  }
}

const ROOT = '/api/v1'

/** A value as a filter takes it: what would be a list, a range or an escape is escaped. */
const literal = (value: string): string =>
  value.replace(/[\\,]|^!|^null$/g, '\\$&').replaceAll('..', '.\\.')

/** The address of a table (`gold.production_hourly`) under an ask. */
export function tableUrl(table: string, ask: Ask = {}): string {
  const params = new URLSearchParams()
  if (ask.columns) params.set('columns', ask.columns.join(','))
  for (const [column, value] of Object.entries(ask.filter ?? {})) {
    const values = typeof value === 'string' ? [value] : (value ?? [])
    const text = values.map(literal).join(',')
    if (text) params.set(`filter.${column}`, text)
  }
  for (const [name, value] of Object.entries(ask.parameter ?? {})) {
    if (value) params.set(`parameter.${name}`, value)
  }
  if (ask.order) params.set('order', ask.order)
  if (ask.limit !== undefined) params.set('limit', String(ask.limit))
  if (ask.offset) params.set('offset', String(ask.offset))
  if (ask.format) params.set('format', ask.format)
  const [schema, name] = table.split('.')
  const query = params.toString().replaceAll('%2C', ',')
  return `${ROOT}/tables/${schema}/${name}${query ? `?${query}` : ''}`
}

async function failure(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as {
    error?: { code?: string; message?: string }
  } | null
  const code = body?.error?.code ?? `http_${response.status}`
  return new ApiError(response.status, code, body?.error?.message ?? response.statusText)
}

async function request<T>(url: string, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError(0, 'no_connection', 'no answer from the server')
  }
  if (!response.ok) throw await failure(response)
  return (await response.json()) as T
}

const kept = new Map<string, Promise<unknown>>()
const KEPT_MAX = 60

/** Forgets every answer: the lake has new data. */
export function forget(): void {
  kept.clear()
}

function keep<T>(key: string, ask: () => Promise<T>): Promise<T> {
  const known = kept.get(key)
  if (known) return known as Promise<T>
  const oldest = kept.keys().next().value
  if (kept.size >= KEPT_MAX && oldest !== undefined) kept.delete(oldest)
  const answer = ask()
  kept.set(key, answer)
  answer.catch(() => kept.get(key) === answer && kept.delete(key))
  return answer
}

/** Rows of a table. */
export function rows<T = Row>(table: string, ask: Ask = {}): Promise<Answer<T>> {
  const url = tableUrl(table, ask)
  return keep(url, () => request<Answer<T>>(url))
}

/** What a table says that was never made: nothing. A plant without dumps has no files, for one. */
export function orNone<T>(answer: Promise<Answer<T>>): Promise<Answer<T>> {
  return answer.catch((error: unknown) => {
    if (error instanceof ApiError && error.missing)
      return { rows: [], total: 0, version: null, as_of: null }
    throw error
  })
}

const PAGE = 10_000

/** All rows of a table, page by page, up to `most`. A table too long is cut there: compare `total`. */
export async function all<T = Row>(table: string, ask: Ask, most = 20_000): Promise<Answer<T>> {
  const first = await rows<T>(table, { ...ask, limit: PAGE })
  const found = [...first.rows]
  while (found.length < Math.min(first.total, most)) {
    const next = await rows<T>(table, { ...ask, limit: PAGE, offset: found.length })
    if (next.rows.length === 0 || next.version !== first.version) break
    found.push(...next.rows)
  }
  return { ...first, rows: found }
}

/** An answer of the interface that changes all the time, and so is never kept. */
export function ask<T>(path: string, signal: AbortSignal): Promise<T> {
  return request<T>(ROOT + path, { signal, cache: 'no-store' })
}

/** Rows of a SQL query. */
export function query<T = Row>(sql: string): Promise<Answer<T>> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ sql }),
  }
  return keep(`sql:${sql}`, () => request<Answer<T>>(`${ROOT}/query`, init))
}

/** Figures by their definitions: OEE and its parts, production rates. */
export function kpis<T>(ask: Record<string, string>): Promise<T> {
  const query = new URLSearchParams(ask).toString().replaceAll('%2C', ',')
  const url = `${ROOT}/kpis?${query}`
  return keep(url, () => request<T>(url))
}

interface SaidHealth {
  status?: string
  state?: string
  is_simulated?: boolean
  reason?: string | null
  plant?: string
  zone?: string
  build?: string | { version?: string; commit?: string }
  ingest?: { last_run_at?: string | null; next_run_at?: string | null }
  last_run?: { started_at?: string | null; ended_at?: string | null } | null
  next_run_at?: string | null
}

/** How the server is, asked anew each time. While it starts it says so with 503 and a body. */
export async function health(signal: AbortSignal): Promise<Health> {
  const response = await fetch(`${ROOT}/health`, { signal, cache: 'no-store' })
  const said = (await response.json()) as SaidHealth
  if (!said.zone) throw new ApiError(response.status, 'no_health', response.statusText)
  return heard(said)
}

/** Health as the pages use it, whichever of its two spellings the server speaks. */
export function heard(said: SaidHealth): Health {
  const state = said.state ?? said.status ?? ''
  const build = typeof said.build === 'string' ? said.build : JSON.stringify(said.build ?? '')
  return {
    well: state === 'ok' || state === 'running',
    reason: said.reason ?? state,
    simulated: said.is_simulated ?? false,
    plant: said.plant ?? '',
    zone: said.zone ?? '',
    build,
    readAt:
      said.last_run?.ended_at ?? said.last_run?.started_at ?? said.ingest?.last_run_at ?? null,
    nextAt: said.next_run_at ?? said.ingest?.next_run_at ?? null,
  }
}
