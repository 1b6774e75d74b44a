import { expect, test } from 'vitest'
import { list, nextSort, oneOf, parseSort, unknown, withQuery } from './url'

test.each([
  ['', { day: '2022-06-05' }, '?day=2022-06-05'],
  ['?day=2022-06-05&by=item', { by: null }, '?day=2022-06-05'],
  ['?day=2022-06-05', { day: '' }, ''],
  ['?x=1', { station: 'EP-0001,TS-0001' }, '?x=1&station=EP-0001,TS-0001'],
])('%s with %j is %s', (search, changes, query) => expect(withQuery(search, changes)).toBe(query))

test('a value that is not allowed becomes the first', () => {
  expect(oneOf('item', ['hour', 'item'])).toBe('item')
  expect(oneOf('planet', ['hour', 'item'])).toBe('hour')
  expect(oneOf(null, ['hour', 'item'])).toBe('hour')
})

test('lists are comma-separated', () => {
  expect(list('EP-0001,TS-0001')).toEqual(['EP-0001', 'TS-0001'])
  expect(list('')).toEqual([])
  expect(list(null)).toEqual([])
})

test('a sort order names a column of the table', () => {
  expect(parseSort('-value', ['value'], 'lot')).toEqual({ key: 'value', down: true })
  expect(parseSort('planet', ['value'], '-value')).toEqual({ key: 'value', down: true })
})

test('a second click reverses the order', () => {
  expect(nextSort({ key: 'lot', down: false }, 'value', true)).toBe('-value')
  expect(nextSort({ key: 'value', down: true }, 'value', true)).toBe('value')
  expect(nextSort({ key: 'value', down: true }, 'lot', false)).toBe('lot')
})

test('unknown parameters are listed', () => {
  expect(unknown('?day=1&lane=4&lane=5', ['day'])).toEqual(['lane'])
})
