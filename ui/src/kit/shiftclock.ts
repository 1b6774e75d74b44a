/** The shift that runs now, by the calendar in the hours of past shifts. */
import type { ShiftHour } from './period'

export interface RunningShift {
  shift: string
  /** Hours of the day in plant time; above 24 on the next day. */
  from_h: number
  to_h: number
  gone_min: number
  left_min: number
}

const HOURS = 24

/** The hours of each shift of a production day: those of its newest day that is complete. */
export function shiftHoursOf(
  rows: readonly ShiftHour[],
  today: string,
): Map<string, [number, number]> {
  const hours = new Map<string, { day: string; from_h: number; to_h: number }>()
  for (const { production_day: day, day_local, hour_local, shift } of rows) {
    if (shift === null || day >= today) continue
    const hour = hour_local + (day_local > day ? HOURS : 0)
    const known = hours.get(shift)
    if (!known || day > known.day) hours.set(shift, { day, from_h: hour, to_h: hour + 1 })
    else if (day === known.day) {
      known.from_h = Math.min(known.from_h, hour)
      known.to_h = Math.max(known.to_h, hour + 1)
    }
  }
  return new Map([...hours].map(([shift, { from_h, to_h }]) => [shift, [from_h, to_h]]))
}

/** Null between shifts, and without a complete day. `hour` is the hour of the day with its fraction. */
export function runningShift(
  rows: readonly ShiftHour[],
  today: string,
  hour: number,
): RunningShift | null {
  for (const [shift, [from_h, to_h]] of shiftHoursOf(rows, today)) {
    const at = hour < to_h - HOURS ? hour + HOURS : hour
    if (at < from_h || at >= to_h) continue
    const gone_min = Math.floor((at - from_h) * 60)
    return { shift, from_h, to_h, gone_min, left_min: (to_h - from_h) * 60 - gone_min }
  }
  return null
}
