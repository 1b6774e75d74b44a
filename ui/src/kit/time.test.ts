import { expect, test } from 'vitest'
import {
  addMonths,
  dateTime,
  dayEnd,
  dayLong,
  dayOf,
  dayShort,
  dayStart,
  hourOf,
  isDay,
  twoDigits,
  weekday,
  zoneName,
} from './time'

test.each([
  ['2022-06-05', true],
  ['2024-02-29', true],
  ['2023-02-29', false],
  ['2022-13-01', false],
  ['5 June', false],
  ['', false],
  [null, false],
])('%s is a valid day: %s', (text, is) => expect(isDay(text)).toBe(is))

test('days do not depend on the time zone of the browser', () => {
  expect(dayLong('2022-06-05')).toBe('Sun 5 Jun 2022')
  expect(dayShort('2022-06-05')).toBe('5 Jun')
  expect(weekday('2022-06-05')).toBe('Sun')
  expect(dayLong('soon')).toBe('soon')
})

test('times are in plant time with the zone', () => {
  expect(dateTime('2022-06-04T18:30:00Z', 'Asia/Kolkata')).toBe('5 Jun 2022, 00:00 IST')
  expect(dateTime(null, 'Asia/Kolkata')).toBe('\u2013')
  expect(zoneName('Asia/Kolkata')).toBe('IST')
})

test.each([
  ['2022-12-31', -1, '2022-11-30'],
  ['2023-01-10', -1, '2022-12-10'],
  ['2023-12-31', 2, '2024-02-29'],
  ['2022-06-15', 12, '2023-06-15'],
])('%s plus %s months is %s', (day, months, then) => expect(addMonths(day, months)).toBe(then))

test('an hour has two digits', () => expect(twoDigits(9)).toBe('09'))

test('days are those of the plant', () => {
  expect(dayStart('2022-06-05', 'Asia/Kolkata')).toBe('2022-06-04T18:30:00.000Z')
  expect(dayEnd('2022-06-05', 'Asia/Kolkata')).toBe('2022-06-05T18:30:00.000Z')
  expect(dayEnd('2022-12-31', 'UTC')).toBe('2023-01-01T00:00:00.000Z')
  expect(dayStart('2022-02-31', 'UTC')).toBeNull()
  expect(dayEnd(null, 'UTC')).toBeNull()
})

test('day and hour are those of the plant', () => {
  const at_ms = Date.parse('2026-11-25T19:00:00Z')
  expect(dayOf(at_ms, 'Asia/Kolkata')).toBe('2026-11-26')
  expect(hourOf(at_ms, 'Asia/Kolkata')).toBe(0.5)
  expect(dayOf(at_ms, 'America/New_York')).toBe('2026-11-25')
})
