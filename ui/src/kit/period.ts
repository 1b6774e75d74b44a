/** The time that a page shows, as URL state (`t`): shifts, days and ranges of days in plant time. */
import { isDay } from './time'

/** Choices of the time control; `live` is the newest day with data. */
export const CHOICES = ['live', 'this', 'last', 'today', '7d'] as const
export type Choice = (typeof CHOICES)[number]

/** What the parameter names: a choice, a shift (`shift:2022-06-05.G`), or days (`2022-06-01..2022-06-05`). */
export type Wanted =
  | { kind: 'choice'; choice: Choice }
  | { kind: 'shift'; day: string; shift: string }
  | { kind: 'range'; from: string; to: string }

/** Null if the text names no time. */
export function parseTime(text: string): Wanted | null {
  const choice = CHOICES.find((one) => one === text)
  if (choice) return { kind: 'choice', choice }
  const shift = /^shift:(\d{4}-\d{2}-\d{2})\.(.+)$/.exec(text)
  if (shift?.[1] && shift[2] && isDay(shift[1])) {
    return { kind: 'shift', day: shift[1], shift: shift[2] }
  }
  const [from, to] = text.split('..')
  if (isDay(from) && isDay(to) && from <= to) return { kind: 'range', from, to }
  return null
}

export const shiftText = ({ day, shift }: { day: string; shift: string }): string =>
  `shift:${day}.${shift}`

export interface ShiftHour {
  production_day: string
  day_local: string
  hour_local: number
  shift: string | null
}

/** A shift of a production day that has data. */
export interface ShiftRun {
  day: string
  shift: string
  /** Day and hour of its first data; it orders the shifts of a day. */
  start: string
}

/** The shifts with data, oldest first. */
export function shiftRunsOf(rows: readonly ShiftHour[]): ShiftRun[] {
  const runs = new Map<string, ShiftRun>()
  for (const { production_day: day, day_local, hour_local, shift } of rows) {
    if (shift === null) continue
    const start = `${day_local} ${String(hour_local).padStart(2, '0')}`
    const known = runs.get(`${day} ${shift}`)
    if (!known || start < known.start) runs.set(`${day} ${shift}`, { day, shift, start })
  }
  return [...runs.values()].sort((a, b) => a.start.localeCompare(b.start))
}

/** Production days, both included, and one shift or all. */
export interface Period {
  from: string
  to: string
  shift: string | null
}

/** The days of the choice `7d`, with the newest one. */
const WEEK_DAYS = 7

/** The period of a choice; null without data that it refers to. */
export function periodOf(wanted: Wanted, runs: readonly ShiftRun[], today: string): Period | null {
  if (wanted.kind === 'range') return { from: wanted.from, to: wanted.to, shift: null }
  if (wanted.kind === 'shift') return { from: wanted.day, to: wanted.day, shift: wanted.shift }
  if (wanted.choice === 'today') return { from: today, to: today, shift: null }
  const newest = runs.at(-1)
  if (!newest) return null
  if (wanted.choice === 'live') return { from: newest.day, to: newest.day, shift: null }
  if (wanted.choice === '7d') {
    return { from: daysBefore(newest.day, WEEK_DAYS - 1), to: newest.day, shift: null }
  }
  const run = wanted.choice === 'this' ? newest : runs.at(-2)
  return run ? { from: run.day, to: run.day, shift: run.shift } : null
}

/** The shift before or after the one that is shown. */
export function neighbourShift(
  period: Period,
  runs: readonly ShiftRun[],
  by: 1 | -1,
): ShiftRun | null {
  const at = runs.findLastIndex(
    (run) => run.day === period.to && (period.shift === null || run.shift === period.shift),
  )
  return at < 0 ? (runs.at(-1) ?? null) : (runs[at + by] ?? null)
}

function daysBefore(day: string, count: number): string {
  const at = new Date(`${day}T12:00:00Z`)
  at.setUTCDate(at.getUTCDate() - count)
  return at.toISOString().slice(0, 10)
}
