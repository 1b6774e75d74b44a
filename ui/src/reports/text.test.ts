import { expect, test } from 'vitest'
import type { ReportSchedule } from './api'
import { differenceText, pageImage, parameterText, scheduleText, sizeText } from './text'

const schedule = (changes: Partial<ReportSchedule>): ReportSchedule => ({
  at: null,
  days: [],
  after_shift: null,
  delay_min: null,
  when_final: false,
  formats: ['pdf'],
  language: 'en',
  next_at: null,
  ...changes,
})

test('a schedule is text', () => {
  const week = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
  expect(scheduleText(null)).toBe('on request')
  expect(scheduleText(schedule({ at: '06:30', days: week }))).toBe('daily at 06:30')
  expect(scheduleText(schedule({ at: '06:30', days: ['Mon'] }))).toBe('Mon at 06:30')
  expect(scheduleText(schedule({ after_shift: 'G', delay_min: 0 }))).toBe('after shift G')
  expect(scheduleText(schedule({ after_shift: 'G', delay_min: 15 }))).toBe('15 min after shift G')
  expect(scheduleText(schedule({ when_final: true }))).toBe('when the day is final')
})

test('a difference names place, column, values and unit', () => {
  const changed = {
    query: 'hours',
    row: '10',
    change: 'changed' as const,
    column: 'Made',
    unit: 'boards',
    before: 5,
    after: null,
  }
  expect(differenceText(changed)).toBe('hours, 10: Made 5 → – boards')
  expect(differenceText({ query: 'hours', row: '', change: 'added' })).toBe('hours: new row')
})

test('empty parameters are left out', () => {
  expect(parameterText({ day: '2026-02-02', station: '', top: 10 })).toBe('2026-02-02, 10')
})

test('sizes are short', () => {
  expect([sizeText(12), sizeText(84_300), sizeText(1_240_000)]).toEqual(['12 B', '84 KB', '1.2 MB'])
})

test('a page is an image without markup in the address', () => {
  expect(pageImage('<svg id="a#b">')).toBe(
    'data:image/svg+xml;charset=utf-8,%3Csvg%20id%3D%22a%23b%22%3E',
  )
})
