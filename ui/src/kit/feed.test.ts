import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Feed, type FeedEvent, liveUrl, type Source } from './feed'

/** An event source that the test controls. */
class FakeSource implements Source {
  readyState = 1
  onerror: ((event: Event) => void) | null = null
  closed = false
  #listeners = new Map<string, (event: MessageEvent<string>) => void>()

  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(name, listener)
  }

  close(): void {
    this.closed = true
  }

  send(name: string, data: unknown): void {
    this.#listeners.get(name)?.({ data: JSON.stringify(data) } as MessageEvent<string>)
  }

  fail(readyState: number): void {
    this.readyState = readyState
    this.onerror?.(new Event('error'))
  }
}

const SERVER = 1_673_518_974_000
let clock = 0
let sources: FakeSource[] = []
let events: FeedEvent[] = []
let feed: Feed

const last = () => sources.at(-1) as FakeSource
const takeEvents = () => events.splice(0)

beforeEach(() => {
  vi.useFakeTimers()
  clock = 0
  sources = []
  events = []
  const open = () => {
    sources.push(new FakeSource())
    return last()
  }
  feed = new Feed(
    (event) => events.push(event),
    open,
    () => clock,
  )
  feed.start('/live')
  last().send('hello', { now: SERVER })
  last().send('dict', {
    d: 2,
    s: [
      ['Plant1.4.a.m', '°C', 100, [50]],
      ['Plant1.5.a.m', '°C', 100, [50]],
    ],
  })
})

afterEach(() => {
  feed.stop()
  vi.useRealTimers()
})

/** Advances the clock and the timers. */
function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) {
    clock += 100
    vi.advanceTimersByTime(100)
  }
}

test('values are degrees, and null becomes NaN', () => {
  last().send('snap', { t: SERVER, d: 2, v: [8241, null], q: [1] })
  const snap = takeEvents().find((event) => event.kind === 'snapshot')
  expect(snap).toEqual({
    kind: 'snapshot',
    at: SERVER,
    values: new Float64Array([82.41, Number.NaN]),
    silent: [1],
  })
  last().send('t', { t: SERVER + 1, i: [1], v: [4000] })
  expect(takeEvents()).toEqual([
    { kind: 'readings', at: SERVER + 1, indexes: [1], values: [40], silent: null },
  ])
})

test('a page that joins later gets the current state', () => {
  last().send('snap', { t: SERVER, d: 2, v: [8241, null], q: [1] })
  last().send('t', { t: SERVER + 1, i: [1], v: [4000], q: [] })
  last().send('hb', { now: SERVER, link: 'connected', reason: null, lag_messages: 0, rejected: 4 })
  const kinds = feed.current().map((one) => one.kind)
  expect(kinds).toEqual(['status', 'sensors', 'snapshot', 'heartbeat', 'alarm_reset'])
  const snap = feed.current()[2]
  expect(snap).toMatchObject({ values: new Float64Array([82.41, 40]), silent: [] })
})

test('new sensors keep the values of the others', () => {
  last().send('snap', { t: SERVER, d: 2, v: [8241, 4000], q: [] })
  const one = (name: string) => [name, '°C', 100, [50]]
  last().send('dict', { d: 3, s: ['a.b.c.d', 'a.b.c.e', 'a.b.c.f'].map(one) })
  expect(feed.current()[2]).toMatchObject({ values: new Float64Array([82.41, 40, Number.NaN]) })
})

test('silence is reported within ten seconds, with the time of the last event', () => {
  pass(4_000)
  last().send('hb', { now: SERVER + 4_000, link: 'connected', lag_messages: 0, rejected: 0 })
  takeEvents()
  pass(9_400)
  expect(takeEvents()).toEqual([])
  pass(600)
  expect(takeEvents()).toEqual([{ kind: 'status', stale: true, since: SERVER + 4_000 }])
})

test('a dead socket is opened again, and the stream recovers', () => {
  pass(12_000)
  expect(sources.length).toBe(2)
  expect(sources[0]?.closed).toBe(true)
  takeEvents()
  last().send('hello', { now: SERVER + 12_000 })
  expect(takeEvents()).toEqual([
    { kind: 'status', stale: false, since: null },
    { kind: 'alarm_reset' },
  ])
})

test('alarms are passed on in order, and fetched again after every gap', () => {
  const kinds = () => takeEvents().map((event) => event.kind)
  expect(kinds()).toEqual(['alarm_reset', 'sensors'])
  for (const n of [7, 8]) last().send('alarm', { n, transition: 'raised', at: '', alarm: {} })
  expect(takeEvents()).toMatchObject([{ change: { n: 7 } }, { change: { n: 8 } }])
  last().send('alarm_reset', {})
  expect(kinds()).toEqual(['alarm_reset'])
  last().fail(0)
  last().send('hello', { now: SERVER })
  expect(kinds()).toEqual(['alarm_reset'])
})

test('pages without temperatures request alarms only', () => {
  expect(liveUrl(0)).toBe('/api/v1/live?topics=alarms')
  expect(liveUrl(4)).toBe('/api/v1/live?topics=temps,alarms&hz=4')
})

test('a broken connection is reported after two seconds unless it recovers', () => {
  last().fail(0)
  pass(1_000)
  last().send('hello', { now: SERVER + 1_000 })
  pass(3_000)
  expect(takeEvents().filter((one) => one.kind === 'status')).toEqual([])
  last().fail(0)
  pass(3_000)
  expect(takeEvents()).toMatchObject([{ kind: 'status', stale: true }])
  expect(sources.length).toBe(1)
})

test('a stream that the browser gives up is opened until it works', () => {
  last().fail(2)
  pass(1_000)
  last().fail(2)
  pass(1_000)
  expect(sources.length).toBe(3)
  feed.stop()
  pass(5_000)
  expect(sources.length).toBe(3)
})

test('the long event names work like the short ones', () => {
  last().send('snapshot', { t: SERVER, d: 2, v: [8241, 4000], q: [] })
  last().send('readings', { t: SERVER + 1, i: [0], v: [5000] })
  last().send('heartbeat', { now: SERVER, link: 'connected', lag_messages: 0, rejected: 0 })
  last().send('version', { table: 'silver.temperature', v: 3 })
  expect(takeEvents().map((event) => event.kind)).toEqual([
    'alarm_reset',
    'sensors',
    'snapshot',
    'readings',
    'heartbeat',
    'version',
  ])
  expect(feed.current()[2]).toMatchObject({ values: new Float64Array([50, 40]) })
})
