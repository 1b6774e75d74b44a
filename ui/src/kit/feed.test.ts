import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Feed, type Source, type Told } from './feed'

/** A stream in the hand of the test. */
class Hand implements Source {
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

  say(name: string, data: unknown): void {
    this.#listeners.get(name)?.({ data: JSON.stringify(data) } as MessageEvent<string>)
  }

  fail(readyState: number): void {
    this.readyState = readyState
    this.onerror?.(new Event('error'))
  }
}

const SERVER = 1_673_518_974_000
let clock = 0
let hands: Hand[] = []
let told: Told[] = []
let feed: Feed

const last = () => hands.at(-1) as Hand
const taken = () => told.splice(0)

beforeEach(() => {
  vi.useFakeTimers()
  clock = 0
  hands = []
  told = []
  const open = () => {
    hands.push(new Hand())
    return last()
  }
  feed = new Feed(
    (one) => told.push(one),
    open,
    () => clock,
  )
  feed.start('/live')
  last().say('hello', { now: SERVER })
  last().say('dict', {
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

/** Lets time pass, and the feed look at it. */
function pass(ms: number): void {
  for (let gone = 0; gone < ms; gone += 100) {
    clock += 100
    vi.advanceTimersByTime(100)
  }
}

test('values are degrees, and null is no number', () => {
  last().say('snap', { t: SERVER, d: 2, v: [8241, null], q: [1] })
  const [, snap] = taken()
  expect(snap).toEqual({
    kind: 'snap',
    at: SERVER,
    values: new Float64Array([82.41, Number.NaN]),
    silent: [1],
  })
  last().say('t', { t: SERVER + 1, i: [1], v: [4000] })
  expect(taken()).toEqual([{ kind: 't', at: SERVER + 1, places: [1], values: [40], silent: null }])
})

test('a page that comes later is told all', () => {
  last().say('snap', { t: SERVER, d: 2, v: [8241, null], q: [1] })
  last().say('t', { t: SERVER + 1, i: [1], v: [4000], q: [] })
  last().say('hb', { now: SERVER, link: 'connected', reason: null, lag_messages: 0, rejected: 4 })
  const kinds = feed.known().map((one) => one.kind)
  expect(kinds).toEqual(['link', 'dict', 'snap', 'beat'])
  const snap = feed.known()[2]
  expect(snap).toMatchObject({ values: new Float64Array([82.41, 40]), silent: [] })
})

test('new sensors keep the values of the others', () => {
  last().say('snap', { t: SERVER, d: 2, v: [8241, 4000], q: [] })
  const one = (name: string) => [name, '°C', 100, [50]]
  last().say('dict', { d: 3, s: ['a.b.c.d', 'a.b.c.e', 'a.b.c.f'].map(one) })
  expect(feed.known()[2]).toMatchObject({ values: new Float64Array([82.41, 40, Number.NaN]) })
})

test('silence is told within ten seconds, with the time of the last word', () => {
  pass(4_000)
  last().say('hb', { now: SERVER + 4_000, link: 'connected', lag_messages: 0, rejected: 0 })
  taken()
  pass(9_400)
  expect(taken()).toEqual([])
  pass(600)
  expect(taken()).toEqual([{ kind: 'link', stale: true, since: SERVER + 4_000 }])
})

test('a dead socket is opened anew, and the page is right again by itself', () => {
  pass(12_000)
  expect(hands.length).toBe(2)
  expect(hands[0]?.closed).toBe(true)
  taken()
  last().say('hello', { now: SERVER + 12_000 })
  expect(taken()).toEqual([{ kind: 'link', stale: false, since: null }])
})

test('a broken link is told after two seconds unless it is back', () => {
  last().fail(0)
  pass(1_000)
  last().say('hello', { now: SERVER + 1_000 })
  pass(3_000)
  expect(taken().filter((one) => one.kind === 'link')).toEqual([])
  last().fail(0)
  pass(3_000)
  expect(taken()).toMatchObject([{ kind: 'link', stale: true }])
  expect(hands.length).toBe(1)
})

test('a stream the browser gives up is opened again and again', () => {
  last().fail(2)
  pass(1_000)
  last().fail(2)
  pass(1_000)
  expect(hands.length).toBe(3)
  feed.stop()
  pass(5_000)
  expect(hands.length).toBe(3)
})
