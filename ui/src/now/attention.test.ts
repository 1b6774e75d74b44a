import { expect, test } from 'vitest'
import { deviationsOf } from './attention'
import type { Station } from './stations'

const station = (unit: string, made: number, planned: number): Station => ({
  unit,
  made,
  planned,
  oee: null,
  last: null,
  spans: [],
})
const keys = (stations: Station[], planShare: number, silent = 0) =>
  deviationsOf({ day: '2026-11-25', stations, planShare, silent, sensors: 65 }).map(
    (one) => one.key,
  )

test('stations more than a tenth behind their plan so far are listed, the furthest first', () => {
  const stations = [station('A', 45, 100), station('B', 40, 100), station('C', 5, 20)]
  expect(keys(stations, 0.5)).toEqual(['behind B', 'behind C'])
  expect(keys(stations, 1)).toEqual(['behind B', 'behind A', 'behind C'])
})

test('a station without a plan is not behind', () => {
  expect(keys([station('A', 0, 0)], 1)).toEqual([])
})

test('silent sensors come first', () => {
  expect(keys([station('A', 0, 10)], 1, 3)).toEqual(['silent', 'behind A'])
})
