import { expect, test } from 'vitest'
import type { AlarmState } from './alarm'
import { keyOf } from './alarm'
import { AlarmReplica } from './replica'
import { anAlarm } from './testing'

const change = (n: number, object: string, state: AlarmState) => ({
  n,
  transition: 'raised',
  at: '',
  alarm: anAlarm({ object, state, id: n }),
})

const states = (replica: AlarmReplica) =>
  [...replica.current().values()].map((alarm) => `${alarm.object} ${alarm.state}`).sort()

function loaded(cursor = 10): AlarmReplica {
  const replica = new AlarmReplica()
  replica.load({ alarms: [anAlarm({ object: 'a' })], cursor })
  return replica
}

test('a change is applied once', () => {
  const replica = loaded()
  expect(replica.apply(change(11, 'b', 'unacknowledged'))).toBe(true)
  expect(replica.apply(change(11, 'b', 'acknowledged'))).toBe(false)
  expect(states(replica)).toEqual(['a unacknowledged', 'b unacknowledged'])
})

test('a change that the snapshot includes is not applied', () => {
  const replica = loaded()
  expect(replica.apply(change(9, 'a', 'normal'))).toBe(false)
  expect(states(replica)).toEqual(['a unacknowledged'])
})

test('changes that arrive before the snapshot are applied after it, without the older ones', () => {
  const replica = new AlarmReplica()
  replica.apply(change(9, 'a', 'normal'))
  replica.apply(change(11, 'a', 'acknowledged'))
  const applied = replica.load({ alarms: [anAlarm({ object: 'a' })], cursor: 10 })
  expect(applied.map(({ n }) => n)).toEqual([11])
  expect(states(replica)).toEqual(['a acknowledged'])
  expect(replica.cursor).toBe(11)
})

test('a second snapshot replaces the first, also what it does not contain', () => {
  const replica = loaded()
  replica.beginLoading()
  replica.apply(change(12, 'c', 'unacknowledged'))
  replica.load({ alarms: [anAlarm({ object: 'b' })], cursor: 11 })
  expect(states(replica)).toEqual(['b unacknowledged', 'c unacknowledged'])
})

test('a snapshot that fails keeps the alarms, and the changes meanwhile', () => {
  const replica = loaded()
  replica.beginLoading()
  replica.apply(change(11, 'b', 'unacknowledged'))
  replica.abandon()
  expect(states(replica)).toEqual(['a unacknowledged', 'b unacknowledged'])
})

test('the last state of an alarm that became normal is known', () => {
  const replica = loaded()
  replica.apply(change(11, 'a', 'normal'))
  expect(states(replica)).toEqual([])
  expect(replica.latest(keyOf(anAlarm({ object: 'a' })))?.state).toBe('normal')
})

test('any interleaving of snapshots and repeated changes has the same result', () => {
  const all = [1, 2, 3, 4, 5, 6].map((n) =>
    change(n, `o${n % 3}`, n % 2 === 0 ? 'acknowledged' : 'unacknowledged'),
  )
  const complete = new AlarmReplica()
  complete.load({ alarms: [], cursor: 0 })
  for (const one of all) complete.apply(one)
  for (let cursor = 0; cursor <= all.length; cursor += 1) {
    const server = new AlarmReplica()
    server.load({ alarms: [], cursor: 0 })
    for (const one of all.slice(0, cursor)) server.apply(one)
    for (let from = 0; from <= cursor; from += 1) {
      const replica = new AlarmReplica()
      for (const one of all.slice(from)) replica.apply(one)
      replica.load({ alarms: [...server.current().values()], cursor })
      expect(states(replica)).toEqual(states(complete))
    }
  }
})
