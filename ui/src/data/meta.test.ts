import { expect, test } from 'vitest'
import {
  byLayer,
  expired,
  type FileRow,
  fileState,
  imbalance,
  isBalanced,
  type LineageRow,
  madeFrom,
  needsAttention,
  newest,
  type RunRow,
  type TableRow,
  usedBy,
} from './meta'

const run = (changes: Partial<RunRow>): RunRow => ({
  run: 'r',
  started_at: null,
  ended_at: null,
  table_name: 'results',
  file: 'Results.csv',
  file_sha256: null,
  read: 10,
  bronze: 10,
  silver: 7,
  rejected: 2,
  superseded: 1,
  closed: true,
  ...changes,
})

test.each([
  [run({}), 0, true],
  [run({ bronze: 9 }), 1, false],
  [run({ silver: 4 }), 3, false],
  [run({ superseded: 3 }), 2, false],
  [run({ closed: false }), 0, false],
])('the balance is recomputed', (row, off, is) => {
  expect(imbalance(row)).toBe(off)
  expect(isBalanced(row)).toBe(is)
})

test.each([
  ['IOTTemperatureStream01/3 expired 120..150', 30],
  ['IOTTemperatureStream01/3', undefined],
  [null, undefined],
])('messages that expired unread are counted', (file, count) => {
  expect(expired(run({ file }))).toBe(count)
})

const file = (changes: Partial<FileRow>): FileRow => ({
  file: 'Results.csv',
  source: 'mes',
  table_name: 'results',
  size_bytes: 1,
  sha256: null,
  modified_at: null,
  status: 'landed',
  reason: null,
  records: 10,
  rejected: 0,
  column_change: null,
  seen_at: null,
  ...changes,
})

test.each([
  [file({}), 'landed', false],
  [file({ rejected: null }), 'landed', false],
  [file({ reason: 'all records are rejected (10 of 10)', rejected: 10 }), 'faulty', true],
  [file({ column_change: 'lacks column `Qty`' }), 'changed', true],
  [
    file({ status: 'unmatched', table_name: null, reason: 'no contract matches' }),
    'unmatched',
    true,
  ],
  [file({ status: 'unreadable', reason: 'not Parquet' }), 'failed', false],
])('a file has a state', (row, state, check) => {
  expect(fileState(row)).toBe(state)
  expect(needsAttention(row)).toBe(check)
})

test('newest keeps the newest row of each key', () => {
  const rows = [
    { file: 'a', n: 1 },
    { file: 'b', n: 2 },
    { file: 'a', n: 3 },
  ]
  expect(newest(rows, (row) => row.file).map((row) => row.n)).toEqual([1, 2])
})

test('gold is first, unknown layers are last', () => {
  const rows = ['meta', 'other', 'bronze', 'gold'].map(
    (schema_name) => ({ schema_name, table_name: 't' }) as TableRow,
  )
  expect(byLayer(rows).map((one) => one.layer)).toEqual(['gold', 'bronze', 'meta', 'other'])
})

test('lineage is followed in both directions', () => {
  const rows: LineageRow[] = [
    {
      schema_name: 'gold',
      table_name: 'a',
      column_name: 'x',
      from_schema: 'silver',
      from_table: 'b',
      from_column: 'x',
    },
  ]
  expect(madeFrom(rows, 'gold.a')).toEqual(['silver.b'])
  expect(usedBy(rows, 'silver.b')).toEqual(['gold.a'])
})
