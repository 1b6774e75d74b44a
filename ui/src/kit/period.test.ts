import { expect, test } from 'vitest'
import { neighbourShift, parseTime, periodOf, type ShiftHour, shiftRunsOf } from './period'

const hour = (
  production_day: string,
  day_local: string,
  hour_local: number,
  shift: string | null,
): ShiftHour => ({
  production_day,
  day_local,
  hour_local,
  shift,
})

// A night shift C of the 24th that ends on the 25th.
const runs = shiftRunsOf([
  hour('2026-11-25', '2026-11-25', 7, 'A'),
  hour('2026-11-24', '2026-11-25', 1, 'C'),
  hour('2026-11-24', '2026-11-24', 22, 'C'),
  hour('2026-11-24', '2026-11-24', 6, 'A'),
  hour('2026-11-24', '2026-11-24', 5, null),
])

test('shifts are ordered by their first hour', () => {
  expect(runs.map((run) => `${run.day} ${run.shift}`)).toEqual([
    '2026-11-24 A',
    '2026-11-24 C',
    '2026-11-25 A',
  ])
})

test.each([
  ['live', { from: '2026-11-25', to: '2026-11-25', shift: null }],
  ['this', { from: '2026-11-25', to: '2026-11-25', shift: 'A' }],
  ['last', { from: '2026-11-24', to: '2026-11-24', shift: 'C' }],
  ['today', { from: '2026-11-26', to: '2026-11-26', shift: null }],
  ['7d', { from: '2026-11-19', to: '2026-11-25', shift: null }],
  ['shift:2026-11-24.A', { from: '2026-11-24', to: '2026-11-24', shift: 'A' }],
  ['2026-11-01..2026-11-03', { from: '2026-11-01', to: '2026-11-03', shift: null }],
])('%s is a period', (text, period) => {
  const wanted = parseTime(text)
  expect(wanted && periodOf(wanted, runs, '2026-11-26')).toEqual(period)
})

test.each([
  'tomorrow',
  '2026-11-03..2026-11-01',
  '2026-11-31..2026-12-01',
  'shift:2026-11-24.',
  '',
])('%s is not a time', (text) => {
  expect(parseTime(text)).toBeNull()
})

test('without data there is no newest shift', () => {
  expect(periodOf({ kind: 'choice', choice: 'live' }, [], '2026-11-26')).toBeNull()
  expect(periodOf({ kind: 'choice', choice: 'last' }, runs.slice(0, 1), '2026-11-26')).toBeNull()
})

test('the shift before and after', () => {
  const period = { from: '2026-11-24', to: '2026-11-24', shift: 'C' }
  expect(neighbourShift(period, runs, -1)?.shift).toBe('A')
  expect(neighbourShift(period, runs, 1)?.day).toBe('2026-11-25')
  expect(neighbourShift({ ...period, to: '2026-11-25', shift: 'A' }, runs, 1)).toBeNull()
})
