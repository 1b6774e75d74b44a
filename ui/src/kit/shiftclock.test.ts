import { expect, test } from 'vitest'
import { runningShift } from './shiftclock'

const hours = (day: string, shift: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => ({
    production_day: day,
    day_local: from + n < 24 ? day : '2026-11-02',
    hour_local: (from + n) % 24,
    shift,
  }))
const rows = [
  ...hours('2026-11-01', 'G', 9, 21),
  ...hours('2026-11-01', 'N', 21, 30),
  { production_day: '2026-11-01', day_local: '2026-11-01', hour_local: 8, shift: null },
  // Not over yet: its last hour is not known.
  ...hours('2026-11-02', 'G', 9, 11),
]

test.each([
  [9.5, 'G', 30, 690],
  [20.99, 'G', 719, 1],
  [21, 'N', 0, 540],
  [2, 'N', 300, 240],
] as const)('at %s the shift is %s', (hour, shift, gone_min, left_min) => {
  expect(runningShift(rows, '2026-11-02', hour)).toMatchObject({ shift, gone_min, left_min })
})

test('between shifts, and without a complete day, there is none', () => {
  expect(runningShift(rows, '2026-11-02', 7)).toBeNull()
  expect(runningShift([], '2026-11-02', 9)).toBeNull()
})
