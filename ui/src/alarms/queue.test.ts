import { expect, test } from 'vitest'
import type { Alarm, AlarmState, Priority } from './alarm'
import {
  arrange,
  compare,
  countsOf,
  floodGroups,
  isInView,
  mostUrgent,
  newCalls,
  passes,
  range,
} from './queue'
import { anAlarm } from './testing'

const alarm = (
  object: string,
  priority: Priority,
  state: AlarmState = 'unacknowledged',
  raised_at = '2026-11-26T13:00:00Z',
): Alarm => anAlarm({ object, priority, state, raised_at })

const objects = (alarms: readonly Alarm[]) => alarms.map((one) => one.object)
const noLatest = () => undefined

test('unacknowledged alarms are first, then the priority, then the newest', () => {
  const rows = [
    alarm('acked', 1, 'acknowledged'),
    alarm('low', 4),
    alarm('old', 2, 'unacknowledged', '2026-11-26T12:00:00Z'),
    alarm('new', 2, 'returned_unacknowledged', '2026-11-26T12:30:00Z'),
    alarm('critical', 1),
  ]
  expect(objects(rows.sort(compare))).toEqual(['critical', 'new', 'old', 'low', 'acked'])
})

test('counts distinguish open, unacknowledged and removed alarms', () => {
  const counts = countsOf([
    alarm('a', 1),
    alarm('b', 1, 'acknowledged'),
    alarm('c', 3, 'shelved'),
    alarm('d', 3, 'out_of_service'),
    alarm('e', 2, 'suppressed'),
  ])
  expect(counts.open).toEqual({ 1: 2, 2: 0, 3: 0, 4: 0 })
  expect(counts.unacknowledged[1]).toBe(1)
  expect([counts.shelved, counts.suppressed, counts.out_of_service]).toEqual([1, 1, 1])
})

test('a view contains its states', () => {
  expect(isInView(alarm('a', 1, 'acknowledged'), 'open')).toBe(true)
  expect(isInView(alarm('a', 1, 'shelved'), 'open')).toBe(false)
  expect(isInView(alarm('a', 1, 'shelved'), 'shelved')).toBe(true)
})

test('a filter needs all its words, its lane and one of its priorities', () => {
  const one = anAlarm({ text: 'Temperature high', object: 'Plant1.4.printer.m', priority: 2 })
  const filter = { priorities: [], lane: null, words: '' }
  expect(passes(one, filter)).toBe(true)
  expect(passes(one, { ...filter, words: 'HIGH plant1.4' })).toBe(true)
  expect(passes(one, { ...filter, words: 'high plant2' })).toBe(false)
  expect(passes(one, { ...filter, priorities: [1, 3] })).toBe(false)
  expect(passes(one, { ...filter, priorities: [2] })).toBe(true)
  expect(passes(one, { ...filter, lane: '4' })).toBe(false)
})

test('while the order is held no row moves, new alarms wait, and those that left stay', () => {
  const first = alarm('first', 2)
  const second = alarm('second', 3)
  const before = arrange([], [second, first], false, noLatest)
  expect(before.rows.map((row) => row.alarm.object)).toEqual(['first', 'second'])

  const acked = { ...first, state: 'acknowledged' as const }
  const urgent = alarm('urgent', 1)
  const held = arrange(before.rows, [acked, urgent], true, () => ({ ...second, state: 'normal' }))
  expect(held.rows.map((row) => [row.alarm.object, row.alarm.state, row.hasLeft])).toEqual([
    ['first', 'acknowledged', false],
    ['second', 'normal', true],
  ])
  expect(objects(held.waiting)).toEqual(['urgent'])

  const released = arrange(held.rows, [acked, urgent], false, noLatest)
  expect(released.rows.map((row) => row.alarm.object)).toEqual(['urgent', 'first'])
  expect(released.waiting).toEqual([])
})

test('a row that returns to the view is a member again', () => {
  const one = alarm('one', 2)
  const held = arrange(arrange([], [one], false, noLatest).rows, [], true, noLatest)
  expect(held.rows[0]?.hasLeft).toBe(true)
  expect(arrange(held.rows, [one], true, noLatest).rows[0]?.hasLeft).toBe(false)
})

test('a range includes both ends in either direction', () => {
  const rows = arrange([], [alarm('a', 1), alarm('b', 2), alarm('c', 3)], false, noLatest).rows
  const [a = '', b = '', c = ''] = rows.map((row) => row.key)
  expect(range(rows, a, c)).toEqual([a, b, c])
  expect(range(rows, c, b)).toEqual([b, c])
  expect(range(rows, null, b)).toEqual([b])
  expect(range(rows, 'gone', b)).toEqual([b])
})

test('a flood is grouped by place, each group with the alarm that was first', () => {
  const at = (lane: string, object: string, raised_at: string, priority: Priority = 3) =>
    anAlarm({
      object,
      raised_at,
      priority,
      place: { plant: 'P', lane, unit: null, line: null, area: null },
    })
  const laneOf = (alarm: Alarm) => `P lane ${alarm.place?.lane}`
  const members = [
    at('4', 'later', '2026-11-26T13:02:00Z'),
    at('7', 'other', '2026-11-26T12:59:00Z'),
    at('4', 'fan', '2026-11-26T13:00:00Z'),
    at('4', 'hot', '2026-11-26T13:01:00Z', 1),
  ]
  const groups = floodGroups(members, laneOf)
  expect(groups.map((group) => [group.title, group.priority, objects(group.alarms)])).toEqual([
    ['P lane 4', 1, ['fan', 'hot', 'later']],
    ['P lane 7', 3, ['other']],
  ])
  expect(groups[0]?.first.object).toBe('fan')
})

test('after a gap only alarms that were raised meanwhile call', () => {
  const map = (alarms: Alarm[]) => new Map(alarms.map((one) => [one.object, one]))
  const old = anAlarm({ object: 'old', id: 1 })
  const acked = anAlarm({ object: 'acked', id: 2, state: 'acknowledged' })
  const again = anAlarm({ object: 'again', id: 9, priority: 3 })
  const fresh = anAlarm({ object: 'fresh', id: 8, priority: 1 })
  const before = map([old, anAlarm({ object: 'again', id: 3 })])
  const calls = newCalls(before, map([old, acked, again, fresh]))
  expect(objects(calls)).toEqual(['again', 'fresh'])
  expect(mostUrgent(calls)).toBe(fresh)
  expect(mostUrgent([])).toBeUndefined()
})
