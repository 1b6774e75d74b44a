import { afterEach, expect, test, vi } from 'vitest'
import { allRows, clearCache, orEmpty, parseHealth, querySql, tableRows, tableUrl } from './api'
import { ApiError } from './http'

afterEach(() => {
  clearCache()
  vi.unstubAllGlobals()
})

function response(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status })
}

test.each([
  ['gold.production_hourly', {}, '/api/v1/tables/gold/production_hourly'],
  [
    'gold.production_hourly',
    { filter: { day_local: '2022-06-05', station: ['EP-0001', 'TS-0001'], item: null } },
    '/api/v1/tables/gold/production_hourly?filter.day_local=2022-06-05&filter.station=EP-0001,TS-0001',
  ],
  [
    'gold.inventory_ageing',
    { parameter: { as_of: '2023-01-01' }, order: '-value,bin', limit: 10, format: 'csv' as const },
    '/api/v1/tables/gold/inventory_ageing?parameter.as_of=2023-01-01&order=-value,bin&limit=10&format=csv',
  ],
  ['meta.runs', { filter: { file: 'a&b c' } }, '/api/v1/tables/meta/runs?filter.file=a%26b+c'],
  [
    'silver.item',
    { filter: { item: ['a,b', 'c..d', 'null', '!x'] } },
    '/api/v1/tables/silver/item?filter.item=a%5C,b,c.%5C.d,%5Cnull,%5C%21x',
  ],
])('%s %j is %s', (table, ask, url) => expect(tableUrl(table, ask)).toBe(url))

test('a response is cached until the cache is cleared', async () => {
  const fetch = vi.fn(async () => response({ rows: [], total: 0 }))
  vi.stubGlobal('fetch', fetch)
  await tableRows('meta.runs')
  await tableRows('meta.runs')
  expect(fetch).toHaveBeenCalledTimes(1)
  clearCache()
  await tableRows('meta.runs')
  expect(fetch).toHaveBeenCalledTimes(2)
})

test('an error has code and message, and is not cached', async () => {
  const error = { error: { code: 'bad_filter', message: 'no column lane' } }
  const fetch = vi.fn(async () => response(error, 400))
  vi.stubGlobal('fetch', fetch)
  const failed = await querySql('select lane').catch((reason: unknown) => reason)
  expect(failed).toBeInstanceOf(ApiError)
  expect(failed).toMatchObject({ status: 400, code: 'bad_filter', message: 'no column lane' })
  await querySql('select lane').catch(() => null)
  expect(fetch).toHaveBeenCalledTimes(2)
})

test('a lost connection has its own code', async () => {
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('failed to fetch')))
  await expect(tableRows('meta.runs')).rejects.toMatchObject({ status: 0, code: 'no_connection' })
})

test('allRows fetches page by page up to a limit', async () => {
  const page = (offset: number) => Array.from({ length: 10_000 }, (_, n) => ({ n: offset + n }))
  const fetch = vi.fn(async (url: string) => {
    const offset = Number(new URL(url, 'http://plant').searchParams.get('offset') ?? 0)
    return response({ rows: page(offset).slice(0, 25_000 - offset), total: 25_000, version: 4 })
  })
  vi.stubGlobal('fetch', fetch)
  const whole = await allRows<{ n: number }>('gold.inventory_by_lot', {})
  expect(whole.rows).toHaveLength(20_000)
  expect(whole.total).toBe(25_000)
  clearCache()
  const more = await allRows<{ n: number }>('gold.inventory_by_lot', {}, 30_000)
  expect(more.rows).toHaveLength(25_000)
  expect(more.rows.at(-1)).toEqual({ n: 24_999 })
})

test('health names what does not work and when dumps were read', () => {
  const run = {
    started_at: '2022-06-05T01:00:00Z',
    ended_at: '2022-06-05T01:00:09Z',
    ok: true,
    read: 0,
    landed: 0,
    rejected: 0,
  }
  const body = {
    state: 'running' as const,
    reason: null,
    plant: 'Kerala',
    zone: 'Asia/Kolkata',
    is_simulated: true,
    build: { version: '0.1.0', commit: 'abc' },
    lake: 'lake',
    last_run: run,
    next_run_at: null,
  }
  expect(parseHealth(body)).toMatchObject({
    healthy: true,
    readAt: run.ended_at,
    nextAt: null,
    simulated: true,
  })
  expect(parseHealth({ ...body, state: 'degraded', reason: 'lake is full' })).toMatchObject({
    healthy: false,
    reason: 'lake is full',
  })
})

test('a table that was never made has no tableRows, and no other trouble is hidden', async () => {
  const none = await orEmpty(
    Promise.reject(new ApiError(404, 'unknown_table', 'there is no table meta.files')),
  )
  expect(none).toMatchObject({ rows: [], total: 0 })
  await expect(orEmpty(Promise.reject(new ApiError(500, 'failed', 'no')))).rejects.toThrow('no')
})
