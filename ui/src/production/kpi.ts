/** KPIs as the page shows them: with bounds, and with a reason where the value is unknown. */

import { t } from '../kit/i18n'
import { dec, int } from '../kit/numbers'
import type { Answer } from '../kit/schema'
import { type Column, sorted } from '../kit/table'
import type { Sort } from '../kit/url'
import { duration } from './ledger'

export type Definition = Answer<'Definition'>

/** `low` and `high` are null if all inputs are known; `unknown` is why the value is, `none` what a denominator of 0 means. */
export type Kpi = Pick<
  Answer<'Figure'>,
  'value' | 'low' | 'high' | 'numerator' | 'denominator' | 'unknown' | 'none'
> & { difference?: Difference | null }

export type Difference = Answer<'Difference'>

/** Status of figures: the day is not over, is over, or its figures changed after it was over. */
export type FigureStatus = 'provisional' | 'certified' | 'restated'

/** `shift` is null outside all shifts, `unit` for all units together. */
export type KpiRow = Pick<
  Answer<'Row', { production_day: string; standing: FigureStatus; kpis: Record<string, Kpi> }>,
  'production_day' | 'shift' | 'line' | 'unit' | 'standing' | 'kpis'
>

export type KpiAnswer = Pick<Answer<'KpisAnswer', { rows: KpiRow[] }>, 'definitions' | 'rows'>

/** The KPIs of the page, in order; those that the plant does not define are omitted. */
export const PARTS = ['oee', 'availability', 'effectiveness', 'quality_ratio', 'utilisation']
export const RATES = ['boards_per_hour', 'plan_attainment', 'planned_hours_with_production']

/** The value of the query parameter `shift` for the time outside all shifts. */
export const OUTSIDE = 'none'
export const shiftKey = (shift: string | null): string => shift ?? OUTSIDE

const formatNumber = (value: number, unit: string): string =>
  dec(unit === '%' ? 100 * value : value, 1)

/** 74.7 % or 113.2; units other than % are in the column header. */
export function valueText(value: number, unit: string): string {
  return unit === '%' ? `${formatNumber(value, unit)} %` : formatNumber(value, unit)
}

/** Whether the bounds carry information: null to null, or 0 to 1, do not. */
export function isBounded({ value, low, high }: Kpi): boolean {
  if (low === null && high === null) return false
  return value !== null || (low ?? 0) > 0 || (high !== null && high < 1)
}

/** The formatted bounds; `high` is null without an upper bound. */
export function bounds(kpi: Kpi, unit: string): { low: string; high: string | null } | null {
  if (!isBounded(kpi)) return null
  return {
    low: formatNumber(kpi.low ?? 0, unit),
    high: kpi.high === null ? null : valueText(kpi.high, unit),
  }
}

/** Whether a ratio exceeds 100 %: it is flagged, never clipped. A plan may be exceeded. */
export function isAbove({ name, unit }: Definition, { value }: Kpi): boolean {
  return unit === '%' && name !== 'plan_attainment' && value !== null && value > 1
}

/** The text of a KPI without a value. */
export const whyText = ({ unknown, none }: Kpi): string =>
  none ?? t('oee.unknown', { why: unknown ?? t('oee.reason.none') })

/** +3.1 percentage points, for a difference of ratios. */
export const points = (share: number): string =>
  `${share < 0 ? '−' : '+'}${dec(Math.abs(100 * share), 1)}`

const PART_UNITS = [
  [/^\w+_s( \+ \w+_s)*$/, 's'],
  [/^\w+_ms$|^\w+_s \* 1000$/, 'ms'],
  [/^\w+_s \/ 60(\.0)?$/, 'min'],
] as const

/** The unit of a numerator or denominator, by the suffixes of its columns. */
export function partUnit(expression: string): 's' | 'ms' | 'min' | '' {
  return PART_UNITS.find(([form]) => form.test(expression))?.[1] ?? ''
}

/** 25,813 s (7 h 10 min 13 s); null if 0 only means that nothing is known. */
export function partText(expression: string, value: number | null, known: boolean): string | null {
  if (value === null || (value === 0 && !known)) return null
  const unit = partUnit(expression)
  const text = `${Number.isInteger(value) ? int(value) : dec(value, 1)} ${unit}`.trim()
  if (unit === 's') return `${text} (${duration(value)})`
  return unit === 'ms' ? `${text} (${duration(Math.round(value / 1000))})` : text
}

/** The value of the query parameter `figure`: `oee.G.BC-0001`, or `oee.G` for all units together. */
export function figureId(name: string, row: KpiRow): string {
  return [name, shiftKey(row.shift), ...(row.unit === null ? [] : [row.unit])].join('.')
}

export interface ShiftGroup {
  shift: string | null
  units: KpiRow[]
  /** The row of all units together. */
  whole: KpiRow | null
  /** Units that are not shown, because they have no values outside the shifts. */
  idle: string[]
}

/** Rows grouped by shift, the time outside shifts last, the units of each group sorted. */
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
      units: sortUnits(seen, order),
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

/** Sorted units; unknown values are last in both directions. */
export function sortUnits(rows: readonly KpiRow[], order: Sort): KpiRow[] {
  const byUnit: Column<KpiRow> = {
    key: 'unit',
    label: '',
    text: () => '',
    value: (row) => row.unit,
  }
  const byKpi: Column<KpiRow> = {
    ...byUnit,
    key: order.key,
    value: (row) => row.kpis[order.key]?.value ?? null,
  }
  const byName = sorted(rows, [byUnit], { key: 'unit', down: order.key === 'unit' && order.down })
  return order.key === 'unit' ? byName : sorted(byName, [byKpi], order)
}
