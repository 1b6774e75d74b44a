import { expect, test } from 'vitest'
import { daysOf, isSensor, periodOf, position, stateSpans, within } from './life'
import { anAlarm, anEvent } from './testing'

const MINUTE = 60_000
const at = (text: string) => Date.parse(`2026-11-26T${text}Z`)
const utc = (text: string) => `2026-11-26T${text}Z`

test('the period begins before the alarm and ends after now, or after its end', () => {
  const raised = anEvent({ at: utc('13:00:00') })
  const alarm = anAlarm({ raised_at: utc('13:00:00') })
  const open = periodOf(alarm, [raised], at('14:00:00'))
  expect(open).toEqual({ from_ms: at('12:45:00'), to_ms: at('14:05:00') })
  const cleared = anEvent({ number: 2, at: utc('13:10:00'), transition: 'cleared', to: 'normal' })
  const over = periodOf({ ...alarm, state: 'normal' }, [raised, cleared], at('20:00:00'))
  expect(over.to_ms).toBe(at('13:15:00'))
})

test('a period is at most a day', () => {
  const alarm = anAlarm({ raised_at: '2026-11-01T00:00:00Z' })
  const { from_ms, to_ms } = periodOf(alarm, [], at('14:00:00'))
  expect(to_ms - from_ms).toBe(24 * 60 * MINUTE)
})

test('states follow the transitions, cut at the ends of the period', () => {
  const period = { from_ms: at('13:00:00'), to_ms: at('14:00:00') }
  const events = [
    anEvent({ at: utc('12:30:00') }),
    anEvent({ at: utc('13:10:00'), from: 'unacknowledged', to: 'unacknowledged' }),
    anEvent({ at: utc('13:20:00'), from: 'unacknowledged', to: 'acknowledged' }),
    anEvent({ at: utc('13:50:00'), from: 'acknowledged', to: 'normal' }),
  ]
  expect(stateSpans(events, period)).toEqual([
    { from_ms: at('13:00:00'), to_ms: at('13:20:00'), state: 'unacknowledged' },
    { from_ms: at('13:20:00'), to_ms: at('13:50:00'), state: 'acknowledged' },
  ])
  expect(stateSpans([], period)).toEqual([])
})

test('rows outside a period are left out', () => {
  const period = { from_ms: at('13:00:00'), to_ms: at('14:00:00') }
  const row = (from: string, to: string) => ({ from_at: utc(from), to_at: utc(to) })
  const rows = [
    row('11:00:00', '13:00:00'),
    row('12:00:00', '13:30:00'),
    row('13:45:00', '15:00:00'),
  ]
  expect(within(rows, period).map((one) => [one.from_ms, one.to_ms])).toEqual([
    [at('13:00:00'), at('13:30:00')],
    [at('13:45:00'), at('14:00:00')],
  ])
  expect(position(at('13:15:00'), period)).toBe('25%')
})

test('days include the production day before midnight', () => {
  const days = daysOf({ from_ms: at('00:10:00'), to_ms: at('01:00:00') })
  expect(days).toEqual(['2026-11-25', '2026-11-26'])
})

test.each([
  ['Plant1.4.solder_paste_printer.manufact2', true],
  ['Plant1/solder_paste_printer', false],
  ['EP-0001', false],
  ['silver.mes_results', false],
])('%s is a sensor: %s', (object, is) => expect(isSensor(object)).toBe(is))
