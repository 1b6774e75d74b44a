import { expect, test } from 'vitest'
import { byUnit } from './ledger'
import {
  type BoardRow,
  byDay,
  cyclesOf,
  type DayLedgerRow,
  lossesOf,
  median,
  ordersRun,
  stopsOf,
} from './station'

const board = (time: string, work_order = 'W-1', verdict: string | null = 'good'): BoardRow => ({
  made_at: `2026-11-25T${time}Z`,
  item: 'I',
  work_order,
  verdict,
  ideal_cycle_ms: 24_500,
})

test('cycles are the times between boards, without stops', () => {
  const boards = [
    board('04:00:00'),
    board('04:00:25'),
    board('04:20:00'),
    board('04:20:30'),
    board('04:20:30'),
  ]
  expect(cyclesOf(boards).map((cycle) => cycle.cycle_s)).toEqual([25, 30])
  expect(cyclesOf(boards)[0]?.ideal_s).toBe(24.5)
})

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
  [[], null],
])('the median of %s is %s', (values, middle) => expect(median(values)).toBe(middle))

test('orders have their boards, rejects and pace', () => {
  const boards = [
    board('04:00:00'),
    board('04:00:20'),
    board('04:00:40', 'W-2', 'scrap'),
    board('04:01:00', 'W-2', null),
  ]
  expect(ordersRun(boards)).toEqual([
    {
      order: 'W-1',
      item: 'I',
      from_at: '2026-11-25T04:00:00Z',
      to_at: '2026-11-25T04:00:20Z',
      made: 2,
      rejected: 0,
      cycle_s: 20,
      ideal_s: 24.5,
    },
    {
      order: 'W-2',
      item: 'I',
      from_at: '2026-11-25T04:00:40Z',
      to_at: '2026-11-25T04:01:00Z',
      made: 2,
      rejected: 1,
      cycle_s: 20,
      ideal_s: 24.5,
    },
  ])
})

const row = (
  day: string,
  from: string,
  to: string,
  category: DayLedgerRow['category'],
  reason: string | null,
): DayLedgerRow => ({
  unit: 'EP',
  production_day: day,
  from_at: `${day}T${from}:00Z`,
  to_at: `${day}T${to}:00Z`,
  category,
  reason,
  state: null,
  work_order: null,
  shift: 'G',
  duration_s: (Date.parse(`${day}T${to}:00Z`) - Date.parse(`${day}T${from}:00Z`)) / 1000,
})

test('stops are ranked, and added up by reason', () => {
  const rows = [
    row('2026-11-25', '04:00', '04:10', 'delay', 'jam'),
    row('2026-11-25', '04:10', '05:00', 'production', null),
    row('2026-11-25', '05:00', '05:20', 'setup', null),
    row('2026-11-25', '06:00', '06:15', 'delay', 'jam'),
  ]
  const stops = stopsOf(byUnit(rows))
  expect(stops.map((stop) => stop.duration_s)).toEqual([1200, 900, 600])
  expect(lossesOf(stops)).toEqual([
    { category: 'delay', reason: 'jam', count: 2, seconds: 1500 },
    { category: 'setup', reason: null, count: 1, seconds: 1200 },
  ])
})

test('days are moved below each other', () => {
  const rows = [
    row('2026-11-24', '04:00', '05:00', 'production', null),
    row('2026-11-25', '04:00', '05:30', 'production', null),
  ]
  const { units } = byDay(rows, (day) => day.slice(-2))
  expect(units.map((unit) => unit.unit)).toEqual(['24', '25'])
  expect(units[0]?.spans[0]?.from_ms).toBe(units[1]?.spans[0]?.from_ms)
})
