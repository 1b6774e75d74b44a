import { expect, test } from 'vitest'
import {
  axis,
  byUnit,
  type Category,
  duration,
  fullHour,
  hoursMinutes,
  isBalanced,
  type LedgerRow,
  minutes,
  reach,
} from './ledger'

const at = (clock: string) => `2026-11-18T${clock}:00Z`

function row(
  from: string,
  to: string,
  category: Category,
  over: Partial<LedgerRow> = {},
): LedgerRow {
  const duration_s = (Date.parse(at(to)) - Date.parse(at(from))) / 1000
  return {
    unit: 'EP',
    from_at: at(from),
    to_at: at(to),
    category,
    reason: null,
    state: null,
    work_order: 'W-1',
    shift: 'G',
    duration_s,
    ...over,
  }
}

test('adjacent rows of equal content are one span', () => {
  const [unit] = byUnit([
    row('10:00', '11:00', 'production'),
    row('09:00', '10:00', 'production'),
    row('11:00', '11:30', 'production', { work_order: 'W-2' }),
    row('11:30', '12:00', 'delay', { work_order: 'W-2', reason: 'board_jam' }),
    row('12:00', '12:10', 'delay', { work_order: 'W-2', reason: 'misfeed' }),
    row('13:00', '13:10', 'delay', { work_order: 'W-2', reason: 'misfeed' }),
  ])
  expect(unit?.spans.map((one) => [one.category, one.reason, one.duration_s])).toEqual([
    ['production', null, 7200],
    ['production', null, 1800],
    ['delay', 'board_jam', 1800],
    ['delay', 'misfeed', 600],
    ['delay', 'misfeed', 600],
  ])
  expect(unit?.seconds).toMatchObject({ production: 9000, delay: 3000, setup: 0 })
  expect(unit?.total_s).toBe(12_000)
})

test('a unit isBalanced if every second stands in exactly one row', () => {
  const whole = [row('09:00', '10:00', 'production'), row('10:00', '11:00', 'setup')]
  const gap = row('09:00', '10:30', 'unknown', { unit: 'TS' })
  const twice = [...whole, row('10:30', '11:00', 'delay')].map((one) => ({ ...one, unit: 'BC' }))
  const hole = [
    row('09:00', '09:30', 'production', { unit: 'HO' }),
    row('10:30', '11:00', 'production', { unit: 'HO' }),
  ]
  const rows = [...whole, gap, ...twice, ...hole]
  expect(reach(rows)?.covered_s).toBe(7200)
  expect(byUnit(rows).map((unit) => [unit.unit, isBalanced(unit, rows)])).toEqual([
    ['BC', false],
    ['EP', true],
    ['HO', false],
    // The ledger of this unit ends at 10:30.
    ['TS', true],
  ])
})

test('a shift with a break is as long as its parts', () => {
  const pieces = [row('06:00', '07:00', 'production'), row('09:00', '10:00', 'production')]
  expect(reach(pieces)).toMatchObject({ covered_s: 7200, from_ms: Date.parse(at('06:00')) })
  expect(reach([])).toBeNull()
})

test('minutes add up to the rounded sum', () => {
  expect(minutes([90, 90, 60])).toEqual([2, 1, 1])
  expect(minutes([20, 20, 20, 0])).toEqual([1, 0, 0, 0])
  expect(minutes([3600, 0])).toEqual([60, 0])
  const odd = [25_813, 2150, 4579, 5400, 43_210, 5248]
  expect(minutes(odd).reduce((so, one) => so + one, 0)).toBe(1440)
})

test('times are formatted as hours and minutes', () => {
  expect(hoursMinutes(425)).toBe('7:05')
  expect(duration(25_813)).toBe('7 h 10 min 13 s')
  expect(duration(43_200)).toBe('12 h')
  expect(duration(0)).toBe('0 s')
})

test('the axis has as many ticks as fit', () => {
  const day = reach([row('00:00', '12:00', 'production')])
  expect(day && axis(day, 12)).toHaveLength(13)
  expect(day && axis(day, 5)).toHaveLength(5)
})

test('the axis starts at a full hour', () => {
  const part = reach([row('09:03', '12:10', 'production')])
  const first = part ? fullHour(part.from_ms, '14:33:00') : 0
  expect(part && axis(part, 12, first)).toEqual(
    ['09:30', '10:30', '11:30'].map((clock) => Date.parse(at(clock))),
  )
  expect(fullHour(Date.parse(at('09:30')), '15:00:00')).toBe(Date.parse(at('09:30')))
})
