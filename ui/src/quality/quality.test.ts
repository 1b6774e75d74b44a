import { expect, test } from 'vitest'
import { commonPrefix, paretoOf } from './pareto'
import { type SpcRow, scaleOf, verdictsOf, violated, yieldBounds, yieldOf } from './quality'

test('the most frequent causes come first, with cumulative parts', () => {
  const rows = [
    { key: 'crack', boards: 1 },
    { key: 'bridge', boards: 3 },
    { key: 'crack', boards: 1 },
    { key: 'none', boards: 0 },
  ]
  expect(paretoOf(rows, 5)).toEqual([
    { key: 'bridge', boards: 3, part: 0.6, cumulative: 0.6, causes: 1 },
    { key: 'crack', boards: 2, part: 0.4, cumulative: 1, causes: 1 },
  ])
})

test('further causes are one bar, and the last cumulative part is 1', () => {
  const rows = ['a', 'b', 'c', 'd'].map((key) => ({ key, boards: 1 }))
  const bars = paretoOf(rows, 2)
  expect(bars).toHaveLength(3)
  expect(bars.at(-1)).toEqual({ key: null, boards: 2, part: 0.5, cumulative: 1, causes: 2 })
})

test.each([
  [['Items-EP-1', 'Items-EP-2', 'Items-TS-3'], 'Items-'],
  [['crack', 'cross'], ''],
  [['Items-EP-1'], ''],
  [[], ''],
])('names %s begin with "%s"', (names, prefix) => expect(commonPrefix(names)).toBe(prefix))

const row = {
  production_day: '2026-11-25',
  unit: 'EP',
  item: 'I',
  pq: 100,
  gq: 90,
  sq: 2,
  rq: 4,
  verdict_unknown: 4,
}

test('boards without a verdict are not in the yield, only in its bounds', () => {
  const sum = verdictsOf([row, row])
  expect(sum).toEqual({ made: 200, good: 180, scrap: 4, rework: 8, unknown: 8 })
  expect(yieldOf(sum)).toBe(180 / 192)
  expect(yieldBounds(sum)).toEqual({ low: 0.9, high: 0.94 })
  const none = verdictsOf([{ ...row, gq: 0, sq: 0, rq: 0, verdict_unknown: 100 }])
  expect(yieldOf(none)).toBeNull()
})

const point = (value: number, lower_limit: number, upper_limit: number) =>
  ({ value, lower_limit, upper_limit, nelson_1: true, nelson_2: null, nelson_5: true }) as SpcRow

test('violated rules are numbered', () => expect(violated(point(1, 0, 1))).toEqual([1, 5]))

test('the scale covers values and limits with round marks', () => {
  const scale = scaleOf([point(0.963, 0.949, 0.985), point(0.94, 0.95, 0.984)])
  expect(scale.low).toBeLessThan(0.94)
  expect(scale.high).toBeGreaterThan(0.985)
  expect(scale.marks).toEqual([0.94, 0.95, 0.96, 0.97, 0.98])
  expect(scale.digits).toBe(2)
  expect(scaleOf([point(33, 30, 36)]).marks).toEqual([30, 32, 34, 36])
})
