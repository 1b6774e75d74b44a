/** The losses between planned busy time and the ideal time of good boards. */

export interface LossRow {
  shift: string | null
  unit: string
  loss: string
  lost_ms: number
}

/** The names that `gold.losses_shift` documents. */
export const LOSSES = [
  'breakdown',
  'setup',
  'minor_stop',
  'no_order',
  'unknown_time',
  'reduced_speed',
  'scrap',
  'rework',
  'verdict_unknown',
] as const
export type LossName = (typeof LOSSES)[number]

export interface LossSum {
  loss: string
  lost_ms: number
  /** The unit that lost most by this, and how much. */
  unit: string
  unit_ms: number
  /** The part of all losses above 0. */
  part: number
}

/** Sums by loss, most first. Speed may be gained, then it is last and below 0. */
export function lossSums(rows: readonly LossRow[]): LossSum[] {
  const sums = new Map<string, { lost_ms: number; units: Map<string, number> }>()
  for (const { loss, unit, lost_ms } of rows) {
    const sum = sums.get(loss) ?? { lost_ms: 0, units: new Map() }
    sum.lost_ms += lost_ms
    sum.units.set(unit, (sum.units.get(unit) ?? 0) + lost_ms)
    sums.set(loss, sum)
  }
  const total = [...sums.values()].reduce((all, { lost_ms }) => all + Math.max(0, lost_ms), 0)
  return [...sums]
    .map(([loss, { lost_ms, units }]) => {
      const [unit, unit_ms] = [...units].reduce((most, one) => (one[1] > most[1] ? one : most))
      return { loss, lost_ms, unit, unit_ms, part: total > 0 ? Math.max(0, lost_ms) / total : 0 }
    })
    .sort((a, b) => b.lost_ms - a.lost_ms)
}
