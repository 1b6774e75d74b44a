/** Axes of a trend chart. */
import { clock, dayShortAt, zoneOffset_ms } from '../kit/time'
import type { Point } from './sensors'

export interface Axis {
  low: number
  high: number
  marks: number[]
  /** The lowest and the highest reading. */
  least: number
  most: number
}

const STEPS = [1, 2, 5, 10, 20, 50, 100]

/** A limit this far above all readings is not shown: it would flatten the line. */
const FAR_C = 15

/** A range in whole degrees around all readings, and the limit if it is near, with at most five ticks. */
export function axis(points: readonly Point[], limit: number): Axis {
  const least = Math.min(...points.map((point) => point.temp_c_min))
  const most = Math.max(...points.map((point) => point.temp_c_max))
  const near = points.length === 0 || most > limit - FAR_C
  const low = (near ? Math.min(least, limit) : least) - 1
  const high = (near ? Math.max(most, limit) : most) + 1
  const step = STEPS.find((one) => (high - low) / one <= 5) ?? 200
  const marks: number[] = []
  for (let mark = Math.ceil(low / step) * step; mark <= high; mark += step) marks.push(mark)
  return { low, high, marks, least, most }
}

const MINUTE_MS = 60_000
const UNITS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 7200, 14_400, 43_200]

export interface Mark {
  ms: number
  text: string
}

/** Round times of a period in plant time, at most `count`, formatted as clock times or days. */
export function hours(from: number, to: number, count: number, zone: string): Mark[] {
  const span = to - from
  const unit = UNITS.find((minutes) => span / (minutes * MINUTE_MS) <= Math.max(1, count)) ?? 86_400
  const step = unit * MINUTE_MS
  const shift = zoneOffset_ms(from, zone)
  const marks: Mark[] = []
  for (let ms = Math.ceil((from + shift) / step) * step - shift; ms < to; ms += step) {
    marks.push({ ms, text: unit >= 1440 ? dayShortAt(ms, zone) : clock(ms, zone).slice(0, 5) })
  }
  return marks
}
