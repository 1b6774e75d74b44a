/** The life line of an alarm: its period, and spans of its states on the time axis. */
import type { LedgerRow } from '../production/ledger'
import type { Alarm, AlarmEvent, AlarmState } from './alarm'

const MINUTE_MS = 60_000
/** Shown before the alarm was raised, and after it ended. */
const BEFORE_MS = 15 * MINUTE_MS
const AFTER_MS = 5 * MINUTE_MS
const LONGEST_MS = 24 * 60 * MINUTE_MS

export interface Period {
  from_ms: number
  to_ms: number
}

/** From before the alarm was raised until after its end, or until now; at most a day. */
export function periodOf(alarm: Alarm, events: readonly AlarmEvent[], now_ms: number): Period {
  const own = events.filter((event) => event.id === alarm.id)
  const raised = Date.parse(alarm.raised_at ?? own[0]?.at ?? alarm.since_at ?? '')
  const start = Number.isNaN(raised) ? now_ms : raised
  const last = Date.parse(own.at(-1)?.at ?? '')
  const isOver = alarm.state === 'normal' && !Number.isNaN(last)
  const end = Math.max(start, isOver ? last : now_ms) + AFTER_MS
  const from_ms = start - BEFORE_MS
  return { from_ms, to_ms: Math.min(end, from_ms + LONGEST_MS) }
}

export interface StateSpan {
  from_ms: number
  to_ms: number
  state: AlarmState
}

/** The states of an alarm in a period, from the transitions of its journal in ascending order. */
export function stateSpans(events: readonly AlarmEvent[], period: Period): StateSpan[] {
  const spans: StateSpan[] = []
  let state: AlarmState = events[0]?.from ?? 'normal'
  let from_ms = period.from_ms
  for (const event of events) {
    const at = Date.parse(event.at)
    if (event.to === state || Number.isNaN(at)) continue
    addSpan(spans, { from_ms, to_ms: at, state }, period)
    from_ms = at
    state = event.to
  }
  addSpan(spans, { from_ms, to_ms: period.to_ms, state }, period)
  return spans
}

/** Adds the part of a span within the period, unless the alarm is normal in it. */
function addSpan(spans: StateSpan[], span: StateSpan, period: Period): void {
  const from_ms = Math.max(span.from_ms, period.from_ms)
  const to_ms = Math.min(span.to_ms, period.to_ms)
  if (span.state !== 'normal' && to_ms > from_ms) spans.push({ from_ms, to_ms, state: span.state })
}

/** The rows of the time ledger within a period, cut at its ends. */
export function within<T extends Pick<LedgerRow, 'from_at' | 'to_at'>>(
  rows: readonly T[],
  period: Period,
): (T & Period)[] {
  return rows.flatMap((row) => {
    const from_ms = Math.max(Date.parse(row.from_at), period.from_ms)
    const to_ms = Math.min(Date.parse(row.to_at), period.to_ms)
    return to_ms > from_ms ? [{ ...row, from_ms, to_ms }] : []
  })
}

/** The position in a period as a CSS percentage. */
export const position = (ms: number, { from_ms, to_ms }: Period): string =>
  `${(100 * (ms - from_ms)) / Math.max(1, to_ms - from_ms)}%`

const DAY_MS = 24 * 60 * MINUTE_MS
/** How far a time zone is ahead of UTC at most. */
const ZONE_MS = 14 * 60 * MINUTE_MS

/** The production days that a period may belong to, in any time zone: a day can end after midnight. */
export function daysOf({ from_ms, to_ms }: Period): string[] {
  const days: string[] = []
  const first_ms = Math.floor((from_ms - DAY_MS) / DAY_MS) * DAY_MS
  for (let ms = first_ms; ms <= to_ms + ZONE_MS; ms += DAY_MS) {
    days.push(new Date(ms).toISOString().slice(0, 10))
  }
  return days
}

/** Whether an object has the levels of a sensor: plant, lane, component and manufacturer. */
export const isSensor = (object: string): boolean =>
  object.split('.').length >= 4 && !object.includes('/')
