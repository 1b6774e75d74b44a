import { expect, test } from 'vitest'
import {
  around,
  byGroup,
  byHour,
  defaultDay,
  type HourRow,
  neighbour,
  only,
  shiftRuns,
  totals,
} from './boards'

const row = (hour: number, planned: number, actual: number, plan_rows: number): HourRow => ({
  hour_local: hour,
  shift: hour >= 9 && hour < 21 ? 'G' : null,
  station: 'EP-0001',
  item: 'A',
  planned,
  actual,
  plan_rows,
})

test('hours add up to the day and include boards made off plan', () => {
  const hours = byHour([row(9, 20, 5, 1), row(9, 0, 7, 0), row(22, 0, 3, 0)])
  expect(hours).toHaveLength(24)
  expect(hours[9]).toMatchObject({ planned: 20, actual: 12, off: 7, delta: -8, hasPlan: true })
  expect(hours[22]).toMatchObject({ planned: 0, actual: 3, off: 3, cumulative: -5, hasPlan: false })
  expect(hours[10]).toMatchObject({ hasData: false, cumulative: -8 })
  expect(totals(hours)).toEqual({ planned: 20, actual: 15, off: 10 })
})

test('shiftRuns groups consecutive hours', () => {
  expect(shiftRuns(byHour([row(9, 1, 1, 1), row(10, 1, 1, 1)]))).toEqual([
    { shift: null, from: 0, hours: 9 },
    { shift: 'G', from: 9, hours: 2 },
    { shift: null, from: 11, hours: 13 },
  ])
})

test('groups add up and list their stations', () => {
  const rows = [
    { station: 'TS-0001', item: 'A', planned: 5, actual: 2, actual_off_plan: 1 },
    { station: 'EP-0001', item: 'A', planned: 1, actual: 4, actual_off_plan: 0 },
    { station: 'EP-0001', item: null, planned: 0, actual: 1, actual_off_plan: 1 },
  ]
  expect(byGroup(rows, 'item')).toEqual([
    { key: 'A', stations: ['EP-0001', 'TS-0001'], planned: 6, actual: 6, off: 1, delta: 0 },
    { key: null, stations: ['EP-0001'], planned: 0, actual: 1, off: 1, delta: 1 },
  ])
  expect(only(rows, { stations: ['EP-0001'], item: 'A' })).toHaveLength(1)
  expect(only(rows, { stations: [], item: null })).toHaveLength(3)
})

const days = ['01', '03', '04'].map((day) => ({
  day_local: `2022-06-${day}`,
  planned: day === '04' ? 0 : 10,
  actual: 5,
}))

test('the default day is the last one with a plan', () => {
  expect(defaultDay(days)).toBe('2022-06-03')
  expect(defaultDay(days.slice(2))).toBe('2022-06-04')
  expect(defaultDay([])).toBeNull()
})

test('neighbour skips days without data', () => {
  expect(neighbour(days, '2022-06-01', 1)).toBe('2022-06-03')
  expect(neighbour(days, '2022-06-02', -1)).toBe('2022-06-01')
  expect(neighbour(days, '2022-06-04', 1)).toBeNull()
})

test('the strip contains the selected day', () => {
  expect(around(days, '2022-06-01', 2).map((one) => one.day_local)).toContain('2022-06-01')
  expect(around(days, '2022-06-04', 2).map((one) => one.day_local)).toContain('2022-06-04')
  expect(around(days, '2022-06-04', 9)).toHaveLength(3)
})
