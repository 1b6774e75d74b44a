/** The figures of the alarm system against the targets of ISA-18.2. */

import { PRIORITIES, type Priority } from './alarm'
import type { Performance } from './api'

export const PERIODS = { '24h': 24, '7d': 168, '30d': 720 } as const
export type PeriodName = keyof typeof PERIODS
export const PERIOD_NAMES = Object.keys(PERIODS) as PeriodName[]

/** Targets for each operator position, from ISA-18.2. */
export const TARGETS = {
  per_hour: 12,
  per_10_min: 2,
  max_10_min: 10,
  hours_above_30_share: 0.01,
  flood_time_share: 0.01,
  top_share: 0.05,
} as const

/** The share of each priority that ISA-18.2 recommends; P4 has none. */
export const SPLIT: Record<Priority, number | null> = { 1: 0.05, 2: 0.15, 3: 0.8, 4: null }

export interface Split {
  priority: Priority
  count: number
  share: number
  target: number | null
}

export function splitOf(counts: Performance['by_priority']): Split[] {
  const total = PRIORITIES.reduce((sum, priority) => sum + (counts[priority] ?? 0), 0)
  return PRIORITIES.map((priority) => {
    const count = counts[priority] ?? 0
    return { priority, count, share: total === 0 ? 0 : count / total, target: SPLIT[priority] }
  })
}

/** Annunciations of each step of a period, zero where a bucket is left out. */
export function loadBars(
  buckets: Performance['buckets'],
  from_ms: number,
  to_ms: number,
  step_ms: number,
): number[] {
  const count = Math.max(1, Math.ceil((to_ms - from_ms) / step_ms))
  const bars = Array.from({ length: count }, () => 0)
  for (const bucket of buckets) {
    const nth = Math.floor((Date.parse(bucket.at) - from_ms) / step_ms)
    if (nth >= 0 && nth < count) bars[nth] = (bars[nth] ?? 0) + bucket.annunciations
  }
  return bars
}

/** The highest of neighbouring bars, so that at most `most` are drawn and no peak is lost. */
export function condense(bars: readonly number[], most: number): number[] {
  const step = Math.ceil(bars.length / most)
  if (step <= 1) return [...bars]
  const found: number[] = []
  for (let at = 0; at < bars.length; at += step) found.push(Math.max(...bars.slice(at, at + step)))
  return found
}

/** The share of all annunciations that the listed ones have together. */
export const topShare = (top: Performance['top']): number =>
  top.reduce((sum, one) => sum + one.share, 0)

/** A share as a percentage with a digit: 0.4 %. */
export const shareText = (share: number): string => `${(100 * share).toFixed(1)} %`
