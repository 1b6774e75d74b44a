/** The output of the day that the pages show as current: made and planned so far, and where it lands. */
import type { DaySum, Hour } from '../production/boards'

/**
 * The current day: today if boards are recorded, else the last day until today with a plan and boards,
 * else the last one with boards. Plans of days to come are not current.
 */
export function currentDay(days: readonly DaySum[], today: string): string | null {
  const past = days.filter((day) => day.day_local <= today)
  const last = past.findLast((day) => day.actual > 0)
  const planned = past.findLast((day) => day.actual > 0 && day.planned > 0)
  const current = last?.day_local === today ? last : (planned ?? last)
  return (current ?? past.at(-1) ?? days.at(0))?.day_local ?? null
}

export interface Output {
  made: number
  planned: number
  /** Boards planned until `until`. */
  plannedSoFar: number
  /** Made and planned are complete until this hour of the day, with its fraction. */
  until: number
  /** Expected boards at the end of the plan; null if nothing was planned so far. */
  landing: number | null
  /** No planned hour remains: `landing` is what was made. */
  isOver: boolean
}

/**
 * Output until the end of the last hour with boards, or until `now` if that is earlier: later hours
 * have no boards because their dump has not arrived. What remains of the plan is expected to be made
 * at the rate of the plan so far.
 */
export function outputOf(hours: readonly Hour[], now: number): Output {
  const last = hours.findLast((one) => one.actual > 0)
  const until = Math.min(now, (last?.hour ?? -1) + 1)
  const made = hours.reduce((sum, one) => sum + one.actual, 0)
  const planned = hours.reduce((sum, one) => sum + one.planned, 0)
  const plannedSoFar = hours.reduce(
    (sum, one) => sum + one.planned * shareBefore(one.hour, until),
    0,
  )
  const remaining = planned - plannedSoFar
  const isOver = remaining <= 0 || now >= HOURS_OF_DAY
  const rate = plannedSoFar > 0 ? made / plannedSoFar : null
  const landing = isOver ? made : rate === null ? null : Math.round(made + remaining * rate)
  return { made, planned, plannedSoFar: Math.round(plannedSoFar), until, landing, isOver }
}

export const HOURS_OF_DAY = 24

/** The part of an hour of the day that is before a time. */
const shareBefore = (hour: number, until: number): number => Math.max(0, Math.min(1, until - hour))

/** The hours from the first to the last with a row, at least `HOURS_MIN`. */
export function shownHours(hours: readonly Hour[]): Hour[] {
  const first = hours.findIndex((one) => one.hasData)
  if (first < 0) return []
  const last = hours.findLastIndex((one) => one.hasData)
  const from = Math.min(first, HOURS_OF_DAY - HOURS_MIN)
  return hours.slice(from, Math.max(last + 1, from + HOURS_MIN))
}

const HOURS_MIN = 8
