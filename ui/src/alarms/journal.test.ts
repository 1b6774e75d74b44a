import { expect, test } from 'vitest'
import type { JournalPage } from './api'
import { extended, refreshed } from './journal'
import { anEvent } from './testing'

/** The entries of a page with these numbers; older ones exist before the last of them, unless it is 1. */
function page(...numbers: number[]): JournalPage {
  const last = numbers.at(-1) ?? 1
  const events = numbers.map((number) => anEvent({ number }))
  return { events, next_before: last > 1 ? last : null }
}

const numbersOf = ({ events }: { events: readonly { number: number }[] }) =>
  events.map(({ number }) => number)

test('loaded older entries stay when the newest page is read again', () => {
  const rows = extended(page(9, 8, 7), page(6, 5, 4))
  const after = refreshed(rows, page(11, 10, 9))
  expect(numbersOf(after)).toEqual([11, 10, 9, 8, 7, 6, 5, 4])
  expect(after.next_before).toBe(4)
})

test('after a gap only the newest page is left', () => {
  const rows = extended(page(9, 8, 7), page(6, 5, 4))
  const after = refreshed(rows, page(13, 12, 11))
  expect([numbersOf(after), after.next_before]).toEqual([[13, 12, 11], 11])
})

test('a page replaces rows that it contains', () => {
  expect(numbersOf(refreshed(page(3, 2, 1), page(4, 3, 2, 1)))).toEqual([4, 3, 2, 1])
  expect(refreshed(page(3, 2), page()).events).toEqual([])
  expect(numbersOf(refreshed(page(), page(2, 1)))).toEqual([2, 1])
})

test('a journal with other entries between has no gap', () => {
  // Entries of other alarms are filtered out, so that numbers are not consecutive.
  const rows = extended(page(90, 70), page(40, 20))
  expect(numbersOf(refreshed(rows, page(95, 90)))).toEqual([95, 90, 70, 40, 20])
})
