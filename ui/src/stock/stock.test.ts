import { expect, test } from 'vitest'
import { type AgeRow, buckets, type LotRow, lastDay, matching, topOf, totalOf } from './stock'

const age = (from: number, value: number): AgeRow => ({
  as_of: '2023-01-10',
  age_bucket: String(from),
  age_from_d: from,
  entries: 1,
  quantity: 0.1,
  value,
  unpriced_quantity: 0,
})

test('all buckets are in order, later entries are last', () => {
  const rows = buckets([age(-1, 5), age(61, 7)], '2023-01-10')
  expect(rows.map((row) => row.age_from_d)).toEqual([0, 31, 61, 91, 181, 366, 541, 721, -1])
  expect(totalOf(rows).value).toBe(12)
})

test('totals are exact', () => {
  expect(totalOf([age(0, 0.1), age(0, 0.2)])).toMatchObject({ value: 0.3, quantity: 0.2 })
})

test('the rest of a top ten is separate', () => {
  const { top, rest } = topOf([age(0, 1), age(0, 3), age(0, 2)], 2)
  expect(top.map((row) => row.value)).toEqual([3, 2])
  expect(rest.map((row) => row.value)).toEqual([1])
})

const lot = (lot_no: string | null, last: string): LotRow => ({
  ...age(0, 1),
  lot_no,
  item_no: '119852',
  description: 'RoHS CARTON',
  first_registered_on: '2021-01-01',
  last_registered_on: last,
})

test('lots are found by words of their number, item or description', () => {
  const lots = [lot('IDS-1', '2022-01-01'), lot(null, '2022-12-31')]
  expect(matching(lots, 'ids carton')).toHaveLength(1)
  expect(matching(lots, '1198')).toHaveLength(2)
  expect(matching(lots, ' ')).toHaveLength(2)
  expect(lastDay(lots)).toBe('2022-12-31')
  expect(lastDay([])).toBeNull()
})
