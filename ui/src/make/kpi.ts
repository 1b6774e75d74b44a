/** Key figures as the screen says them: with their bounds, and in words where something is unknown. */

import { t } from '../kit/i18n'
import { dec, int } from '../kit/num'
import { type Column, sorted } from '../kit/table'
import type { Sort } from '../kit/url'
import { duration } from './ledger'

export interface Definition {
  name: string
  title: string
  set_name: string
  table_name: string
  formula: string
  numerator: string
  denominator: string
  unit: string
  better: string
  source: string
  caveat: string
}

export interface Kpi {
  value: number | null
  /** The least and the greatest it can be; null where nothing behind it is unknown. */
  low: number | null
  high: number | null
  numerator: number | null
  denominator: number | null
  /** Why it is not known, though there is something to know. */
  unknown: string | null
  /** What its denominator of 0 means, where nothing else keeps it from being known. */
  none: string | null
  /** How it differs from its like in another set, where there is one. */
  difference?: Difference
}

export interface Difference {
  /** The name of the other KPI. */
  against: string
  other: number
  value: number
  causes: { say: string; share: number }[]
}

/** How far figures can be relied on: their day not over, over, or changed since it was. */
export type Standing = 'provisional' | 'certified' | 'restated'

export interface KpiRow {
  production_day: string
  /** Null is the time outside every shift. */
  shift: string | null
  line: string | null
  /** Null is all units together. */
  unit: string | null
  standing: Standing
  kpis: Record<string, Kpi>
}

export interface KpiAnswer {
  definitions: Definition[]
  rows: KpiRow[]
}

/** What the page shows, in its order; a plant that does not define one has no column for it. */
export const PARTS = ['oee', 'availability', 'effectiveness', 'quality_ratio', 'utilisation']
export const RATES = ['boards_per_hour', 'plan_attainment', 'planned_hours_with_production']

/** How the address names the time outside every shift. */
export const OUTSIDE = 'none'
export const shiftKey = (shift: string | null): string => shift ?? OUTSIDE

const digits = (value: number, unit: string): string => dec(unit === '%' ? 100 * value : value, 1)

/** 74.7 % or 113.2; the unit of what is no share stands above its column. */
export function valueText(value: number, unit: string): string {
  return unit === '%' ? `${digits(value, unit)} %` : digits(value, unit)
}

/** Whether its bounds leave more than "anything": null and null, or none to all, say nothing. */
export function isBounded({ value, low, high }: Kpi): boolean {
  if (low === null && high === null) return false
  return value !== null || (low ?? 0) > 0 || (high !== null && high < 1)
}

/** The ends of what it can be, each null if nothing holds it there. */
export function bounds(kpi: Kpi, unit: string): { low: string; high: string | null } | null {
  if (!isBounded(kpi)) return null
  return {
    low: digits(kpi.low ?? 0, unit),
    high: kpi.high === null ? null : valueText(kpi.high, unit),
  }
}

/** A share above the whole: it is flagged, never clipped, unless plans may well be exceeded. */
export function isAbove({ name, unit }: Definition, { value }: Kpi): boolean {
  return unit === '%' && name !== 'plan_attainment' && value !== null && value > 1
}

/** Why there is no value, in words. */
export const whyText = ({ unknown, none }: Kpi): string =>
  none ?? t('oee.unknown', { why: unknown ?? t('oee.unsaid') })

/** +3.1 points, for a difference of shares. */
export const points = (share: number): string =>
  `${share < 0 ? '−' : '+'}${dec(Math.abs(100 * share), 1)}`

const PART_UNITS = [
  [/^\w+_s( \+ \w+_s)*$/, 's'],
  [/^\w+_ms$|^\w+_s \* 1000$/, 'ms'],
  [/^\w+_s \/ 60(\.0)?$/, 'min'],
] as const

/** In what the numerator or denominator of a definition is counted, from how its columns end. */
export function partUnit(expression: string): 's' | 'ms' | 'min' | '' {
  return PART_UNITS.find(([form]) => form.test(expression))?.[1] ?? ''
}

/** 25,813 s (7 h 10 min 13 s). Of a figure without a value, nothing counted is nothing known. */
export function partText(expression: string, value: number | null, known: boolean): string | null {
  if (value === null || (value === 0 && !known)) return null
  const unit = partUnit(expression)
  const text = `${Number.isInteger(value) ? int(value) : dec(value, 1)} ${unit}`.trim()
  if (unit === 's') return `${text} (${duration(value)})`
  return unit === 'ms' ? `${text} (${duration(Math.round(value / 1000))})` : text
}

/** The one name of a figure in the address: `oee.G.BC-0001`, of all units together `oee.G`. */
export function figureId(name: string, row: KpiRow): string {
  return [name, shiftKey(row.shift), ...(row.unit === null ? [] : [row.unit])].join('.')
}

export interface ShiftGroup {
  shift: string | null
  units: KpiRow[]
  /** All units together. */
  whole: KpiRow | null
  /** Units left out, because nothing is known, planned or made for them outside the shifts. */
  idle: string[]
}

/** Rows by shift in the order of their names, outside last, the units of each in the order asked for. */
export function byShift(
  units: readonly KpiRow[],
  wholes: readonly KpiRow[],
  order: Sort,
): ShiftGroup[] {
  const shifts = [...new Set(units.map((row) => row.shift))].sort(outsideLast)
  const groups = shifts.map((shift) => {
    const all = units.filter((row) => row.shift === shift)
    const seen = shift === null ? all.filter(hasValue) : all
    return {
      shift,
      units: inOrder(seen, order),
      whole: wholes.find((row) => row.shift === shift) ?? null,
      idle: all.filter((row) => !seen.includes(row)).map((row) => row.unit ?? ''),
    }
  })
  return groups.filter((group) => group.units.length > 0)
}

function outsideLast(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  return a.localeCompare(b, 'en', { numeric: true })
}

const hasValue = (row: KpiRow): boolean => Object.values(row.kpis).some((kpi) => kpi.value !== null)

/** Units in the order asked for; the unknown last whichever way. */
export function inOrder(rows: readonly KpiRow[], order: Sort): KpiRow[] {
  const byUnit: Column<KpiRow> = {
    key: 'unit',
    label: '',
    text: () => '',
    value: (row) => row.unit,
  }
  const asked: Column<KpiRow> = {
    ...byUnit,
    key: order.key,
    value: (row) => row.kpis[order.key]?.value ?? null,
  }
  const named = sorted(rows, [byUnit], { key: 'unit', down: order.key === 'unit' && order.down })
  return order.key === 'unit' ? named : sorted(named, [asked], order)
}
