import { expect, test } from 'vitest'
import { sumByDay } from './days'

test('rows of the same day are summed', () => {
  const row = (day_local: string, planned: number, actual: number) => ({
    day_local,
    planned,
    actual,
  })
  expect(
    sumByDay([row('2022-06-05', 1, 2), row('2022-06-05', 3, 4), row('2022-06-06', 5, 6)]),
  ).toEqual([row('2022-06-05', 4, 6), row('2022-06-06', 5, 6)])
  expect(sumByDay([])).toEqual([])
})
