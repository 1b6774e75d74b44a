import { expect, test } from 'vitest'
import { type Alarm, comparisonText, elapsed, hrefOf, span, stateKey, valueText } from './alarm'
import { diffLines, lineStart } from './diff'
import { condense, loadBars, splitOf, topShare } from './health'
import { anAlarm } from './testing'
import { transitionText } from './transitions'
import { trialTexts } from './trial'

const SECOND = 1000

test.each([
  [0, '00:00:00'],
  [-5 * SECOND, '00:00:00'],
  [190 * SECOND, '00:03:10'],
  [90_061 * SECOND, '1 d 01:01'],
])('%d ms elapsed is %s', (ms, text) => expect(elapsed(ms)).toBe(text))

test.each([
  [45, '45 s'],
  [119.6, '2 min'],
  [840, '14 min'],
  [7_500, '2 h 05 min'],
  [273_600, '3 d 4 h'],
])('%d s is %s', (seconds, text) => expect(span(seconds)).toBe(text))

test('a value is compared with its limit', () => {
  const text = (fields: Partial<Alarm>) => comparisonText(anAlarm(fields))
  expect(text({ value: 82.43, limit: 80, unit: '°C' })).toBe('82.43 > 80 °C')
  expect(text({ value: -42, limit: -30, unit: null, direction: 'below' })).toBe(
    '\u221242 < \u221230',
  )
  expect(text({ value: 5, limit: null, unit: '' })).toBe('5')
  expect(text({ value: null, limit: null, unit: 's' })).toBe('\u2013')
  expect(text({ value: null, limit: 60, unit: 's' })).toBe('\u2013 / 60 s')
  expect(text({ value: 2, limit: 1, unit: 'degC/min' })).toBe('2 > 1 °C/min')
  expect(valueText(1.005)).toBe('1')
})

test('an active alarm whose value is back behind the limit is within the deadband', () => {
  const text = (fields: Partial<Alarm>) => comparisonText(anAlarm({ limit: 50, ...fields }))
  expect(text({ value: 49.7 })).toBe('49.7 °C, within deadband of 50 °C')
  expect(text({ value: 50 })).toBe('50 °C, within deadband of 50 °C')
  expect(text({ value: 50.2, direction: 'below' })).toBe('50.2 °C, within deadband of 50 °C')
  expect(text({ value: 49.7, direction: 'below' })).toBe('49.7 < 50 °C')
  expect(text({ value: 49.7, is_active: false, state: 'returned_unacknowledged' })).toBe(
    '49.7 < 50 °C',
  )
  expect(text({ value: 3, limit: 3, direction: null, unit: null })).toBe('3 = 3')
})

test('an alarm that was never raised is addressed by its rule and object', () => {
  expect(hrefOf(anAlarm({ id: 8812 }))).toBe('/alarms/8812')
  expect(hrefOf(anAlarm({ id: 0, rule: 'hot', object: 'a/b' }))).toBe('/alarms/hot%2Fa%2Fb')
})

test('states and transitions have words', () => {
  expect(stateKey('returned_unacknowledged')).toBe('alarm.state.returned_unacknowledged')
  expect(transitionText('shelving_expired')).toBe('shelving expired')
  expect(transitionText('of_another_version')).toBe('of another version')
})

test('load bars fill the steps without alarms', () => {
  const from = Date.parse('2026-11-26T12:00:00Z')
  const buckets = [
    { at: '2026-11-26T12:10:00Z', annunciations: 3 },
    { at: '2026-11-26T11:50:00Z', annunciations: 9 },
    { at: '2026-11-26T12:30:00Z', annunciations: 9 },
  ]
  expect(loadBars(buckets, from, from + 1_800_000, 600_000)).toEqual([0, 3, 0])
})

test('condensed bars keep every peak', () => {
  expect(condense([1, 9, 2, 3, 8, 0, 4], 3)).toEqual([9, 8, 4])
  expect(condense([1, 2], 3)).toEqual([1, 2])
})

test('the priorities are split with their targets', () => {
  const split = splitOf({ 1: 5, 2: 15, 3: 80, 4: 0 })
  expect(split.map(({ share, target }) => [share, target])).toEqual([
    [0.05, 0.05],
    [0.15, 0.15],
    [0.8, 0.8],
    [0, null],
  ])
  expect(splitOf({ 1: 0, 2: 0, 3: 0, 4: 0 })[0]?.share).toBe(0)
  expect(topShare([{ rule: 'a', object: 'b', annunciations: 1, share: 0.25 }])).toBe(0.25)
})

test('a diff has no file names, and its lines no signs', () => {
  const diff = '--- a\n+++ b\n@@ -1,2 +1,2 @@\n name = "x"\n-above_c = 70\n+above_c = 82\n'
  expect(diffLines(diff)).toEqual([
    { kind: 'place', text: '@@ -1,2 +1,2 @@' },
    { kind: 'same', text: 'name = "x"' },
    { kind: 'removed', text: 'above_c = 70' },
    { kind: 'added', text: 'above_c = 82' },
  ])
})

test('a line begins after the line breaks before it', () => {
  expect([1, 2, 3, 9].map((line) => lineStart('ab\n\ncd', line))).toEqual([0, 3, 4, 4])
})

test('a trial is compared with the rule in use', () => {
  const trial = {
    alarms: 41,
    alarms_before: 318,
    per_day: [],
    floods: 0,
    floods_before: 3,
    chattering: 0,
    first_delay_s: 840,
    missed: [],
    added: [],
    kept: [],
    is_not_replayable: false,
    suggestion: null,
    events: [],
  }
  expect(trialTexts(trial)).toEqual([
    '41 alarms instead of 318',
    'floods: 0 instead of 3',
    'chattering: 0',
    'the first alarm 14 min later',
  ])
  expect(trialTexts({ ...trial, alarms: 318, first_delay_s: null })[0]).toBe(
    '318 alarms, as many as before',
  )
  const fault = { rule: 'hot', object: 'a', at: '', priority: 2 as const, value: null }
  const kept = [fault, { ...fault, delay_s: 840 }]
  expect(trialTexts({ ...trial, kept, missed: [fault] }).slice(3, 5)).toEqual([
    'faults still shown: 2 of 3',
    'each at most 14 min later',
  ])
  expect(trialTexts({ ...trial, is_not_replayable: true })).toEqual([
    'This rule cannot be tried on the past.',
  ])
  expect(trialTexts({ ...trial, first_delay_s: -60 }).at(-1)).toBe('the first alarm 60 s earlier')
})
