import { beforeAll, expect, test } from 'vitest'
import { useTexts } from '../kit/i18n'
import { en } from '../messages/en'
import { isWorking, kindText, lagText, rateText, type Source, sourceStatus, span } from './sources'

beforeAll(() => useTexts('en', en))

const source = (changes: Partial<Source>): Source => ({
  table: 'work_order',
  kind: 'sql',
  source: 'mes',
  address: 'postgresql://cockpit@mes-db:5432/mes',
  state: 'ok',
  is_late: false,
  error: null,
  failing_since: null,
  read_at: '2026-11-26T21:15:00Z',
  next_read_at: '2026-11-26T21:20:00Z',
  changed_at: null,
  records: 0,
  records_per_s: null,
  lag_s: null,
  unread: null,
  checkpoint: null,
  ...changes,
})

test('an overdue source is late, unless it fails', () => {
  expect(sourceStatus(source({}))).toBe('ok')
  expect(sourceStatus(source({ is_late: true }))).toBe('late')
  expect(sourceStatus(source({ is_late: true, state: 'failing' }))).toBe('failing')
  expect(isWorking(source({ is_late: true }))).toBe(false)
})

test('lags are messages or time spans', () => {
  expect(lagText(source({ unread: 123456 }))).toBe('1,23,456 messages')
  expect(lagText(source({ lag_s: 30.4 }))).toBe('30 s')
  expect(lagText(source({}))).toBe('\u2013')
  expect([90, 5400, 180_000].map(span)).toEqual(['2 min', '1.5 h', '2 d'])
})

test('rates have one decimal digit if they are small', () => {
  expect(rateText(source({ records_per_s: 0.25 }))).toBe('0.3')
  expect(rateText(source({ records_per_s: 48_000.4 }))).toBe('48,000')
  expect(rateText(source({}))).toBe('\u2013')
})

test('an unknown kind is shown as it is', () => {
  expect(kindText('sql')).toBe('Database')
  expect(kindText('sftp')).toBe('sftp')
})
