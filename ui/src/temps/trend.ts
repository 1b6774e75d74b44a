/** Axes of a trend. */
import { clock } from '../kit/time'
import type { Point } from './temps'

export interface Axis {
  low: number
  high: number
  marks: number[]
  /** The lowest and the highest value there is. */
  least: number
  most: number
}

const STEPS = [1, 2, 5, 10, 20, 50, 100]

/** Whole degrees around all values and the limit, with at most five marks. */
export function axis(points: readonly Point[], limit: number): Axis {
  const least = Math.min(...points.map((point) => point.temp_c_min))
  const most = Math.max(...points.map((point) => point.temp_c_max))
  const low = Math.min(least, limit) - 1
  const high = Math.max(most, limit) + 1
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

/** Round moments of a span in plant time: at most `count`, told by the clock or by the day. */
export function hours(from: number, to: number, count: number, zone: string): Mark[] {
  const span = to - from
  const unit = UNITS.find((minutes) => span / (minutes * MINUTE_MS) <= Math.max(1, count)) ?? 86_400
  const step = unit * MINUTE_MS
  const shift = offset(from, zone)
  const marks: Mark[] = []
  for (let ms = Math.ceil((from + shift) / step) * step - shift; ms < to; ms += step) {
    marks.push({ ms, text: unit >= 1440 ? day(ms, zone) : clock(ms, zone).slice(0, 5) })
  }
  return marks
}

const day = (ms: number, zone: string): string =>
  new Intl.DateTimeFormat('en-IN', { timeZone: zone, day: 'numeric', month: 'short' }).format(ms)

/** How far plant time is ahead of UTC, in milliseconds, so that marks are round in plant time. */
function offset(ms: number, zone: string): number {
  const [hour = 0, minute = 0] = clock(ms, zone).split(':').map(Number)
  const at = new Date(ms)
  const ahead = hour * 60 + minute - (at.getUTCHours() * 60 + at.getUTCMinutes())
  const minutes = ahead > 14 * 60 ? ahead - 1440 : ahead < -12 * 60 ? ahead + 1440 : ahead
  return minutes * MINUTE_MS
}
