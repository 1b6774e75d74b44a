import { expect, test } from 'vitest'
import { byHour, type HourRow } from '../production/boards'
import { currentDay, outputOf, shownHours } from './shift'

const row = (hour_local: number, planned: number, actual: number): HourRow => ({
  hour_local,
  shift: 'G',
  station: 'EP',
  item: 'I',
  planned,
  actual,
  plan_rows: planned > 0 ? 1 : 0,
})

const day = (day_local: string, planned: number, actual: number) => ({ day_local, planned, actual })

test('the current day is the last one with boards, not one with a plan only', () => {
  const days = [day('2026-11-24', 100, 90), day('2026-11-25', 100, 40), day('2026-11-26', 100, 0)]
  expect(currentDay(days, '2026-11-25')).toBe('2026-11-25')
  expect(currentDay(days, '2026-11-26')).toBe('2026-11-25')
  expect(currentDay(days, '2026-11-24')).toBe('2026-11-24')
  expect(currentDay([day('2026-11-26', 100, 0)], '2026-11-26')).toBe('2026-11-26')
  expect(currentDay([day('2022-06-10', 9, 9), day('2022-06-11', 0, 5)], '2026-11-26')).toBe(
    '2022-06-10',
  )
  expect(currentDay([day('2026-11-25', 9, 9), day('2026-11-26', 0, 5)], '2026-11-26')).toBe(
    '2026-11-26',
  )
  expect(currentDay([], '2026-11-26')).toBeNull()
})

test('the landing adds the remaining plan at the rate so far', () => {
  const hours = byHour([row(9, 100, 80), row(10, 100, 80), row(11, 200, 0)])
  expect(outputOf(hours, 11)).toEqual({
    made: 160,
    planned: 400,
    plannedSoFar: 200,
    until: 11,
    landing: 320,
    isOver: false,
  })
})

test('a running hour counts by its elapsed part', () => {
  const hours = byHour([row(9, 100, 100), row(10, 100, 25), row(11, 100, 0)])
  expect(outputOf(hours, 10.25)).toMatchObject({ plannedSoFar: 125, landing: 300, until: 10.25 })
})

test('hours after the newest boards are not counted as lost', () => {
  const hours = byHour([row(9, 100, 90), row(10, 100, 0), row(11, 100, 0)])
  expect(outputOf(hours, 11.5)).toMatchObject({ until: 10, plannedSoFar: 100, landing: 270 })
})

test('a day that is over lands at what was made', () => {
  const hours = byHour([row(9, 100, 90), row(10, 100, 0)])
  expect(outputOf(hours, 24)).toMatchObject({ landing: 90, isOver: true })
})

test('without a plan so far there is no landing', () => {
  const hours = byHour([row(8, 0, 5), row(10, 100, 0)])
  expect(outputOf(hours, 9)).toMatchObject({ landing: null, isOver: false })
})

test('the shown hours reach from the first to the last with a row', () => {
  const numbers = (rows: HourRow[]) => shownHours(byHour(rows)).map((one) => one.hour)
  expect(numbers([row(9, 1, 1), row(18, 1, 1)])).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 18])
  expect(numbers([row(23, 1, 1)])).toEqual([16, 17, 18, 19, 20, 21, 22, 23])
  expect(numbers([])).toEqual([])
})
