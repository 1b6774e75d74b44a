import { expect, test } from 'vitest'
import {
  bytes,
  dec,
  headline,
  int,
  NONE,
  percent,
  quantity,
  roundMarks,
  rupees,
  signed,
  sum,
  ticks,
} from './numbers'

test.each([
  [0, '0'],
  [999, '999'],
  [100000, '1,00,000'],
  [1879750, '18,79,750'],
  [-3899, '\u22123,899'],
  [-0, '0'],
  [null, NONE],
])('int %s is %s', (value, text) => expect(int(value)).toBe(text))

test.each([
  [938057922.58, 2, '93,80,57,922.58'],
  [-0.5, 1, '\u22120.5'],
  [undefined, 2, NONE],
])('dec %s with %s digits is %s', (value, digits, text) => expect(dec(value, digits)).toBe(text))

test.each([
  [175, '175'],
  [0.25, '0.25'],
  [12.5, '12.5'],
  [1234567.0001, '12,34,567.0001'],
])('quantity %s is %s', (value, text) => expect(quantity(value)).toBe(text))

test.each([
  [3964362.1425, '39,64,362'],
  [-100.5, '\u2212100'],
  [99.75, '99.75'],
  [0, '0'],
  [null, NONE],
])('the headline of %s is %s', (value, text) => expect(headline(value)).toBe(text))

test.each([
  [5, '+5'],
  [0, '0'],
  [-5, '\u22125'],
])('signed %s is %s', (value, text) => expect(signed(value)).toBe(text))

test('a percentage of 0 is null', () => {
  expect(percent(0, 0)).toBeNull()
  expect(percent(0, 4)).toBe('0.0 %')
  expect(percent(5972, 9871)).toBe('60.5 %')
})

test.each([
  [938057922.58, '93.81', 'crore'],
  [420000, '4.20', 'lakh'],
  [-12345678, '\u22121.23', 'crore'],
  [812, '812', ''],
])('rupees %s is %s %s', (value, figure, unit) => expect(rupees(value)).toEqual({ figure, unit }))

test.each([
  [812, '812 B'],
  [14200, '14.2 KB'],
  [5310000, '5.31 MB'],
  [123456789, '123 MB'],
  [null, NONE],
])('bytes %s is %s', (value, text) => expect(bytes(value)).toBe(text))

test('sums of decimals are exact', () => {
  expect(sum([0.1, 0.2], 2)).toBe(0.3)
  expect(sum([393193193.7, 544864728.88], 2)).toBe(938057922.58)
  expect(sum([1, null, 2])).toBe(3)
})

test.each([
  [0, [0]],
  [9, [0, 5, 10]],
  [1725, [0, 500, 1000, 1500, 2000]],
  [2000, [0, 500, 1000, 1500, 2000]],
])('ticks up to %s', (max, marks) => expect(ticks(max, 4)).toEqual(marks))

test.each([
  [5219, 7440, 5, [5500, 6000, 6500, 7000], 0],
  [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1], 1],
  [-3, 3, 4, [-2, 0, 2], 0],
])('round marks of %s to %s', (low, high, count, marks, digits) => {
  expect(roundMarks(low, high, count)).toEqual({ marks, digits })
})
