import { afterEach, expect, test, vi } from 'vitest'
import { ApiError, all, forget, heard, orNone, query, rows, tableUrl } from './api'

afterEach(() => {
  forget()
  vi.unstubAllGlobals()
})

function answer(body: unknown, status = 200): Response {
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

test('an answer is kept until it is forgotten', async () => {
  const fetch = vi.fn(async () => answer({ rows: [], total: 0 }))
  vi.stubGlobal('fetch', fetch)
  await rows('meta.runs')
  await rows('meta.runs')
  expect(fetch).toHaveBeenCalledTimes(1)
  forget()
  await rows('meta.runs')
  expect(fetch).toHaveBeenCalledTimes(2)
})

test('a failure says code and words, and is not kept', async () => {
  const error = { error: { code: 'bad_filter', message: 'no column lane' } }
  const fetch = vi.fn(async () => answer(error, 400))
  vi.stubGlobal('fetch', fetch)
  const failed = await query('select lane').catch((reason: unknown) => reason)
  expect(failed).toBeInstanceOf(ApiError)
  expect(failed).toMatchObject({ status: 400, code: 'bad_filter', message: 'no column lane' })
  await query('select lane').catch(() => null)
  expect(fetch).toHaveBeenCalledTimes(2)
})

test('no connection is an error of its own', async () => {
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('failed to fetch')))
  await expect(rows('meta.runs')).rejects.toMatchObject({ status: 0, code: 'no_connection' })
})

test('all pages of a table are fetched, up to a limit', async () => {
  const page = (offset: number) => Array.from({ length: 10_000 }, (_, n) => ({ n: offset + n }))
  const fetch = vi.fn(async (url: string) => {
    const offset = Number(new URL(url, 'http://plant').searchParams.get('offset') ?? 0)
    return answer({ rows: page(offset).slice(0, 25_000 - offset), total: 25_000, version: 4 })
  })
  vi.stubGlobal('fetch', fetch)
  const whole = await all<{ n: number }>('gold.inventory_by_lot', {})
  expect(whole.rows).toHaveLength(20_000)
  expect(whole.total).toBe(25_000)
  forget()
  const more = await all<{ n: number }>('gold.inventory_by_lot', {}, 30_000)
  expect(more.rows).toHaveLength(25_000)
  expect(more.rows.at(-1)).toEqual({ n: 24_999 })
})

test('health is heard in both spellings', () => {
  const run = { started_at: '2022-06-05T01:00:00Z', ended_at: '2022-06-05T01:00:09Z' }
  const real = heard({
    state: 'running',
    plant: 'Kerala',
    zone: 'Asia/Kolkata',
    build: { version: '0.1.0', commit: 'abc' },
    last_run: run,
    next_run_at: null,
  })
  expect(real).toMatchObject({ well: true, readAt: run.ended_at, nextAt: null, simulated: false })
  expect(heard({ state: 'running', is_simulated: true }).simulated).toBe(true)
  const short = heard({ status: 'ok', build: 'abc', ingest: { last_run_at: run.ended_at } })
  expect(short).toMatchObject({ well: true, build: 'abc', readAt: run.ended_at })
  expect(heard({ state: 'degraded', reason: 'lake is full' })).toMatchObject({
    well: false,
    reason: 'lake is full',
  })
})

test('a table that was never made has no rows, and no other trouble is hidden', async () => {
  const none = await orNone(
    Promise.reject(new ApiError(404, 'unknown_table', 'there is no table meta.files')),
  )
  expect(none).toMatchObject({ rows: [], total: 0 })
  await expect(orNone(Promise.reject(new ApiError(500, 'failed', 'no')))).rejects.toThrow('no')
})
