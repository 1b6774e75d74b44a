import { expect, test } from 'vitest'
import {
  contradictionsOf,
  forecastOf,
  matching,
  type OrderHour,
  type OrderRow,
  slicesOf,
  statusOf,
  surfacesOf,
} from './orders'

const order = (changes: Partial<OrderRow> = {}): OrderRow => ({
  work_order: 'W-100001',
  item: 'Items-EP-1',
  quantity: 100,
  planned: 100,
  actual: 40,
  remaining: 60,
  first_board_at: '2026-11-25T04:00:00Z',
  last_board_at: '2026-11-25T08:00:00Z',
  started_at: '2026-11-25T03:00:00Z',
  ended_at: null,
  is_started: true,
  is_blocked: false,
  is_closed: false,
  short_closed_quantity: 0,
  ...changes,
})

test.each<[Partial<OrderRow>, string]>([
  [{}, 'running'],
  [{ is_closed: true, is_blocked: true }, 'closed'],
  [{ is_blocked: true }, 'blocked'],
  [{ is_started: false, actual: 0 }, 'waiting'],
  [{ is_started: false }, 'running'],
  [{ quantity: null, is_started: null }, 'unknown'],
])('%o is %s', (changes, status) => expect(statusOf(order(changes))).toBe(status))

test('a consistent order has no contradictions', () => {
  expect(contradictionsOf(order())).toEqual([])
  expect(
    contradictionsOf(
      order({ is_closed: true, ended_at: '2026-11-25T09:00:00Z', actual: 99, remaining: 1 }),
    ),
  ).toEqual([])
})

test.each<[Partial<OrderRow>, RegExp]>([
  [{ actual: 105 }, /105 boards made, 100 ordered/],
  [{ is_started: false }, /not started/],
  [{ first_board_at: '2026-11-25T02:59:59Z' }, /before/],
  [{ ended_at: '2026-11-25T07:00:00Z', is_closed: true, remaining: 0 }, /after/],
  [{ ended_at: '2026-11-25T09:00:00Z' }, /not closed/],
  [{ is_closed: true, short_closed_quantity: 10 }, /60 boards are missing, 10/],
  [{ quantity: null, remaining: null }, /no dump/],
])('%o is a contradiction', (changes, text) => {
  const found = contradictionsOf(order(changes))
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(text)
})

test('orders are found by number, item and status', () => {
  const rows = [order(), order({ work_order: 'W-2', item: 'Items-TS-9', is_closed: true })]
  expect(matching(rows, 'ts-9', null).map((row) => row.work_order)).toEqual(['W-2'])
  expect(matching(rows, 'items w-1', null)).toHaveLength(1)
  expect(matching(rows, '', 'closed')).toHaveLength(1)
})

const hour = (
  day_local: string,
  hour_local: number,
  planned: number,
  actual: number,
): OrderHour => ({
  day_local,
  hour_local,
  station: 'EP-0001',
  planned,
  actual,
})

test('slices add up the rows of an hour and count boards so far', () => {
  const rows = [
    hour('2026-11-25', 9, 10, 0),
    hour('2026-11-24', 20, 0, 5),
    hour('2026-11-25', 9, 0, 7),
  ]
  expect(
    slicesOf(rows).map(({ day, planned, made, cumulative }) => [day, planned, made, cumulative]),
  ).toEqual([
    ['2026-11-24', 0, 5, 5],
    ['2026-11-25', 10, 7, 12],
  ])
})

test('the forecast uses the rate of the last day with boards', () => {
  const rows = [
    hour('2026-11-24', 20, 50, 500),
    hour('2026-11-25', 9, 50, 20),
    hour('2026-11-25', 10, 50, 40),
    hour('2026-11-26', 11, 50, 0),
  ]
  expect(forecastOf(rows, 60)).toEqual({
    rate: 30,
    hours: 2,
    plannedEnd: { day: '2026-11-26', hour: 12 },
  })
  expect(forecastOf([hour('2026-11-26', 11, 50, 0)], 60)).toBeNull()
})

test('stages are counted by side', () => {
  const rows = [
    { surface: 2, stage_started_at: '2026-11-25T05:00:00Z' },
    { surface: 1, stage_started_at: '2026-11-25T04:00:00Z' },
    { surface: 1, stage_started_at: '2026-11-25T03:00:00Z' },
  ]
  expect(surfacesOf(rows)).toEqual([
    {
      surface: 1,
      stages: 2,

      first_at: '2026-11-25T03:00:00Z',
      last_at: '2026-11-25T04:00:00Z',
    },
    {
      surface: 2,
      stages: 1,

      first_at: '2026-11-25T05:00:00Z',
      last_at: '2026-11-25T05:00:00Z',
    },
  ])
})
