/** Quality: verdicts of the first inspection, defects, and control charts. */
import { roundMarks } from '../kit/numbers'

export interface YieldRow {
  production_day: string
  unit: string
  item: string | null
  pq: number
  gq: number
  sq: number
  rq: number
  verdict_unknown: number
}

export interface DefectRow {
  production_day: string
  unit: string
  defect: string | null
  verdict: string
  boards: number
}

export interface Verdicts {
  made: number
  good: number
  scrap: number
  rework: number
  unknown: number
}

export function verdictsOf(rows: readonly YieldRow[]): Verdicts {
  const sum = { made: 0, good: 0, scrap: 0, rework: 0, unknown: 0 }
  for (const row of rows) {
    sum.made += row.pq
    sum.good += row.gq
    sum.scrap += row.sq
    sum.rework += row.rq
    sum.unknown += row.verdict_unknown
  }
  return sum
}

/** Good at the first inspection by boards with a verdict; null without any. */
export function yieldOf({ made, good, unknown }: Verdicts): number | null {
  return made === unknown ? null : good / (made - unknown)
}

/** The yield if all boards without a verdict were bad, and if all were good; null if all are known. */
export function yieldBounds({
  made,
  good,
  unknown,
}: Verdicts): { low: number; high: number } | null {
  if (unknown === 0 || made === 0) return null
  return { low: good / made, high: (good + unknown) / made }
}

const NELSON = [1, 2, 3, 4, 5, 6, 7, 8] as const
export type NelsonRule = (typeof NELSON)[number]

export interface SpcRow extends Record<`nelson_${NelsonRule}`, boolean | null> {
  chart: string
  subject: string
  period: string
  at: string
  production_day: string | null
  shift: string | null
  size: number
  value: number
  centre: number
  sigma: number
  lower_limit: number
  upper_limit: number
  is_in_control: boolean
}

/** The rules of Nelson that a point violates. */
export const violated = (row: SpcRow): NelsonRule[] =>
  NELSON.filter((rule) => row[`nelson_${rule}`] === true)

export interface Scale {
  low: number
  high: number
  marks: number[]
  /** Decimal digits of the marks. */
  digits: number
}

const MARKS_MAX = 6

/** A range around all values, limits and centres with round marks. */
export function scaleOf(rows: readonly SpcRow[]): Scale {
  const all = rows.flatMap((row) => [row.value, row.lower_limit, row.upper_limit])
  const least = Math.min(...all)
  const most = Math.max(...all)
  const spare = Math.max((most - least) * 0.08, Number.EPSILON)
  const [low, high] = [least - spare, most + spare]
  const { marks, digits } = roundMarks(low, high, MARKS_MAX)
  return { low, high, marks, digits }
}
