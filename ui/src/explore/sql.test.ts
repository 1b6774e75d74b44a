import { expect, test } from 'vitest'
import { cellText, chartOf, decodeSql, encodeSql, errorPlace, pointsOf } from './sql'

test.each(['SELECT 1', 'SELECT \'മലയാളം\' AS "a+b/c"', ''])('%s survives the address', (sql) => {
  const text = encodeSql(sql)
  expect(text).toMatch(/^[\w-]*$/)
  expect(decodeSql(text)).toBe(sql)
})

test.each(['%', 'gA'])('%s is not a statement', (text) => expect(decodeSql(text)).toBeNull())

test.each([
  [null, 'null'],
  [0.1, '0.1'],
  ['', ''],
  [{ a: 1 }, '{"a":1}'],
])('%s is shown as %s', (value, text) => expect(cellText(value)).toBe(text))

const column = (name: string, type: string) => ({ name, type })
const columns = [
  column('unit', 'text'),
  column('day', 'date'),
  column('made', 'bigint'),
  column('share', 'double precision'),
]

test('a chart takes the first time and the first number', () => {
  const chart = chartOf(columns, null, null)
  expect([chart?.x.name, chart?.y.name, chart?.kind]).toEqual(['day', 'made', 'line'])
  const chosen = chartOf(columns, 'unit', 'share')
  expect([chosen?.x.name, chosen?.y.name, chosen?.kind]).toEqual(['unit', 'share', 'bars'])
  expect(chartOf([column('a', 'text')], null, null)).toBeNull()
  expect(chartOf([column('hour', 'int'), column('made', 'bigint')], null, null)?.y.name).toBe(
    'made',
  )
})

test('points are ordered by time, and rows without a value are left out', () => {
  const rows = [
    { day: '2026-11-25', made: 5 },
    { day: '2026-11-24', made: 7 },
    { day: '2026-11-23', made: null },
  ]
  const chart = chartOf([column('day', 'date'), column('made', 'bigint')], null, null)
  expect(chart && pointsOf(rows, chart).map((point) => point.value)).toEqual([7, 5])
})

test('the place of an error', () => {
  expect(errorPlace('found: frm at Line: 2, Column: 10')).toEqual({ line: 2, column: 10 })
  expect(errorPlace('no such table')).toBeNull()
})
