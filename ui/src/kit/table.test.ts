import { expect, test } from 'vitest'
import { type Column, csvOf } from './table'

interface Row {
  name: string
  count: number
}

const COLUMNS: Column<Row>[] = [
  { key: 'name', label: 'Station', text: ({ name }) => name },
  { key: 'bar', label: '', text: () => '', bar: () => ({ part: 1 }) },
  {
    key: 'count',
    label: 'Made',
    unit: 'boards',
    numeric: true,
    text: ({ count }) => count.toLocaleString('en-IN'),
    value: ({ count }) => count,
  },
]

test('numbers have no grouping, texts are quoted as RFC 4180 requires', () => {
  const rows = [
    { name: 'BC-0001', count: 1234567 },
    { name: 'a "b", c', count: -2 },
  ]
  expect(csvOf(COLUMNS, rows)).toBe(
    'Station,Made (boards)\r\nBC-0001,1234567\r\n"a ""b"", c",-2\r\n',
  )
})

test('a text is not run as a formula', () => {
  const text = (name: string) => csvOf(COLUMNS, [{ name, count: 0 }]).split('\r\n')[1]
  expect(text('=1+1')).toBe("'=1+1,0")
  expect(text('-cmd')).toBe("'-cmd,0")
  expect(text('-12.5')).toBe('-12.5,0')
})
