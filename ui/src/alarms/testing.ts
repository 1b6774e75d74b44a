/** Alarms for tests. */
import type { Alarm, AlarmEvent } from './alarm'

export function anAlarm(fields: Partial<Alarm>): Alarm {
  return {
    id: 1,
    rule: 'hot',
    object: 'Plant1.4.printer.m',
    text: 'Temperature high',
    priority: 2,
    state: 'unacknowledged',
    is_active: true,
    since_at: null,
    raised_at: null,
    returned_at: null,
    acknowledged_at: null,
    acknowledged_by: null,
    shelved_until_at: null,
    value: 82.4,
    limit: 80,
    kind: 'temperature',
    direction: 'above',
    unit: '°C',
    owner: null,
    assignee: null,
    cause: null,
    response: null,
    consequence: null,
    place: null,
    evidence: null,
    comments: 0,
    sound: false,
    may: ['acknowledge', 'shelve'],
    ...fields,
  }
}

export function anEvent(fields: Partial<AlarmEvent>): AlarmEvent {
  return {
    number: 1,
    at: '2026-11-26T13:00:00Z',
    rule: 'hot',
    object: 'Plant1.4.printer.m',
    id: 1,
    transition: 'raised',
    from: 'normal',
    to: 'unacknowledged',
    priority: 2,
    value: null,
    limit: null,
    actor: null,
    comment: null,
    evidence: null,
    ...fields,
  }
}
