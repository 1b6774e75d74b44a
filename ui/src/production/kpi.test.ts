import { expect, test } from 'vitest'
import {
  bounds,
  byShift,
  type Definition,
  figureId,
  isAbove,
  type Kpi,
  type KpiRow,
  partText,
  partUnit,
  sortUnits,
  valueText,
} from './kpi'

const kpi = (over: Partial<Kpi>): Kpi => ({
  value: null,
  low: null,
  high: null,
  numerator: 0,
  denominator: 0,
  unknown: null,
  none: null,
  ...over,
})

const row = (unit: string | null, shift: string | null, oee: number | null): KpiRow => ({
  production_day: '2026-11-18',
  shift,
  line: 'Assembly',
  standing: 'certified',
  unit,
  kpis: { oee: kpi({ value: oee }) },
})

test('ratios are shown in percent, other figures unchanged', () => {
  expect(valueText(0.7474, '%')).toBe('74.7 %')
  expect(valueText(1.1404, '%')).toBe('114.0 %')
  expect(valueText(1045.25, 'boards/h')).toBe('1,045.3')
})

test('bounds are shown only if they carry information', () => {
  const format = (over: Partial<Kpi>) => bounds(kpi(over), '%')
  expect(format({ value: 0.74, low: 0.74, high: 0.87 })).toEqual({ low: '74.0', high: '87.0 %' })
  expect(format({ value: 0.74, low: 0.74, high: null })).toEqual({ low: '74.0', high: null })
  expect(format({ value: 0.74 })).toBeNull()
  expect(format({ low: 0, high: 1 })).toBeNull()
  expect(format({ low: 0, high: null })).toBeNull()
  expect(format({ low: 0, high: 0.4 })).toEqual({ low: '0.0', high: '40.0 %' })
})

test('a ratio above 100 % is flagged, a plan may be exceeded', () => {
  const definition = (name: string, unit: string) => ({ name, unit }) as Definition
  expect(isAbove(definition('effectiveness', '%'), kpi({ value: 1.14 }))).toBe(true)
  expect(isAbove(definition('effectiveness', '%'), kpi({ value: 1 }))).toBe(false)
  expect(isAbove(definition('plan_attainment', '%'), kpi({ value: 1.14 }))).toBe(false)
  expect(isAbove(definition('boards_per_hour', 'boards/h'), kpi({ value: 113 }))).toBe(false)
})

test('the unit of a part comes from the suffixes of its columns', () => {
  expect(partUnit('apt_s')).toBe('s')
  expect(partUnit('apt_s + aust_s')).toBe('s')
  expect(partUnit('pbt_s * 1000')).toBe('ms')
  expect(partUnit('ideal_gq_ms')).toBe('ms')
  expect(partUnit('apt_s / 60.0')).toBe('min')
  expect(partUnit('(apt_s + aust_s) * ideal_gq_ms')).toBe('')
  expect(partUnit('pbt_s * apt_s * 1000')).toBe('')
  expect(partUnit('pq - verdict_unknown')).toBe('')
})

test('0 is shown only if the KPI has a value', () => {
  expect(partText('apt_s', 25_813, true)).toBe('25,813 s (7 h 10 min 13 s)')
  expect(partText('ideal_gq_ms', 3_600_000, true)).toBe('36,00,000 ms (1 h)')
  expect(partText('gq', 0, true)).toBe('0')
  expect(partText('apt_s', 0, false)).toBeNull()
  expect(partText('planned', null, true)).toBeNull()
})

test('a figure has one id', () => {
  expect(figureId('oee', row('BC-0001', 'G', 1))).toBe('oee.G.BC-0001')
  expect(figureId('oee', row('BC-0001', null, 1))).toBe('oee.none.BC-0001')
  expect(figureId('oee', row(null, 'G', 1))).toBe('oee.G')
})

test('units are sorted, unknown values last in both directions', () => {
  const rows = [row('U10', 'G', 0.5), row('U2', 'G', null), row('U1', 'G', 0.7)]
  const names = (key: string, down: boolean) =>
    sortUnits(rows, { key, down }).map((one) => one.unit)
  expect(names('unit', false)).toEqual(['U1', 'U2', 'U10'])
  expect(names('unit', true)).toEqual(['U10', 'U2', 'U1'])
  expect(names('oee', true)).toEqual(['U1', 'U10', 'U2'])
  expect(names('oee', false)).toEqual(['U10', 'U1', 'U2'])
})

test('shifts are sorted, the time outside them last and without idle units', () => {
  const units = [row('A', null, 0.9), row('B', null, null), row('A', 'L', 0.5), row('B', 'E', null)]
  const groups = byShift(units, [row(null, 'L', 0.5)], { key: 'unit', down: false })
  expect(groups.map((one) => [one.shift, one.units.map((unit) => unit.unit), one.idle])).toEqual([
    ['E', ['B'], []],
    ['L', ['A'], []],
    [null, ['A'], ['B']],
  ])
  expect(groups.map((one) => one.whole?.kpis.oee?.value ?? null)).toEqual([null, 0.5, null])
  expect(byShift([row('B', null, null)], [], { key: 'unit', down: false })).toEqual([])
})
