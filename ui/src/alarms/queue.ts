/** The order of the alarm queue, and how it holds its order while a person works in it. */
import { type Alarm, isOpen, isUnacknowledged, keyOf, PRIORITIES, type Priority } from './alarm'

export const VIEWS = ['open', 'shelved', 'suppressed', 'out_of_service', 'history'] as const
export type View = (typeof VIEWS)[number]

export interface QueueFilter {
  priorities: readonly Priority[]
  lane: string | null
  /** Words of the text, the object or the rule. */
  words: string
}

export interface Counts {
  /** Open alarms by priority. */
  open: Record<Priority, number>
  unacknowledged: Record<Priority, number>
  shelved: number
  suppressed: number
  out_of_service: number
}

const none = (): Record<Priority, number> => ({ 1: 0, 2: 0, 3: 0, 4: 0 })

export function countsOf(alarms: Iterable<Alarm>): Counts {
  const counts = {
    open: none(),
    unacknowledged: none(),
    shelved: 0,
    suppressed: 0,
    out_of_service: 0,
  }
  for (const alarm of alarms) {
    if (isOpen(alarm)) counts.open[alarm.priority] += 1
    if (isUnacknowledged(alarm)) counts.unacknowledged[alarm.priority] += 1
    if (alarm.state === 'shelved') counts.shelved += 1
    if (alarm.state === 'suppressed') counts.suppressed += 1
    if (alarm.state === 'out_of_service') counts.out_of_service += 1
  }
  return counts
}

export const total = (counts: Record<Priority, number>): number =>
  PRIORITIES.reduce((sum, priority) => sum + counts[priority], 0)

/** Whether the alarm is in a view of the queue. */
export function isInView(alarm: Alarm, view: View): boolean {
  return view === 'open' ? isOpen(alarm) : alarm.state === view
}

export function passes(alarm: Alarm, filter: QueueFilter): boolean {
  if (filter.priorities.length > 0 && !filter.priorities.includes(alarm.priority)) return false
  if (filter.lane !== null && alarm.place?.lane !== filter.lane) return false
  const text = `${alarm.text} ${alarm.object} ${alarm.rule} ${alarm.owner ?? ''}`.toLowerCase()
  return filter.words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

const timeOf = (alarm: Alarm): string => alarm.raised_at ?? alarm.since_at ?? ''

/** Unacknowledged first, then by priority, then the newest first. */
export function compare(one: Alarm, other: Alarm): number {
  return (
    Number(isUnacknowledged(other)) - Number(isUnacknowledged(one)) ||
    one.priority - other.priority ||
    timeOf(other).localeCompare(timeOf(one)) ||
    keyOf(one).localeCompare(keyOf(other))
  )
}

export interface QueueRow {
  key: string
  alarm: Alarm
  /** The alarm left the view while the order was held; the row shows its last state. */
  hasLeft: boolean
}

export interface Queue {
  rows: QueueRow[]
  /** Alarms that are shown when the order is released. */
  waiting: Alarm[]
}

/**
 * The rows of the queue. While the order is held, rows keep their place: an alarm that changes is
 * updated in its row, one that left the view stays until the release, and a new one waits.
 */
export function arrange(
  previous: readonly QueueRow[],
  current: readonly Alarm[],
  isHeld: boolean,
  latest: (key: string) => Alarm | undefined,
): Queue {
  const byKey = new Map(current.map((alarm) => [keyOf(alarm), alarm]))
  if (!isHeld) {
    const rows = [...current].sort(compare).map((alarm) => rowOf(alarm))
    return { rows, waiting: [] }
  }
  const rows = previous.map((row) => {
    const alarm = byKey.get(row.key)
    if (alarm) return rowOf(alarm)
    return { ...row, alarm: latest(row.key) ?? row.alarm, hasLeft: true }
  })
  const shown = new Set(previous.map((row) => row.key))
  const waiting = current.filter((alarm) => !shown.has(keyOf(alarm))).sort(compare)
  return { rows, waiting }
}

const rowOf = (alarm: Alarm): QueueRow => ({ key: keyOf(alarm), alarm, hasLeft: false })

/** The keys from one row to another, both included, in the order of the rows. */
export function range(rows: readonly QueueRow[], from: string | null, to: string): string[] {
  const keys = rows.map((row) => row.key)
  const [start, end] = [from === null ? -1 : keys.indexOf(from), keys.indexOf(to)]
  if (start < 0 || end < 0) return [to]
  return keys.slice(Math.min(start, end), Math.max(start, end) + 1)
}

/** Alarms of one place in a flood; the first-out alarm is the one that was raised first. */
export interface FloodGroup {
  title: string
  first: Alarm
  alarms: Alarm[]
  /** The highest priority of the group. */
  priority: Priority
}

/** Groups of open alarms, those with the highest priority and then the earliest alarm first. */
export function floodGroups(
  alarms: readonly Alarm[],
  titleOf: (alarm: Alarm) => string,
): FloodGroup[] {
  const groups = new Map<string, Alarm[]>()
  for (const alarm of alarms) {
    const title = titleOf(alarm)
    groups.set(title, [...(groups.get(title) ?? []), alarm])
  }
  const found = [...groups].flatMap(([title, members]) => {
    const sorted = [...members].sort((one, other) => timeOf(one).localeCompare(timeOf(other)))
    const [first] = sorted
    if (!first) return []
    const priority = sorted.reduce<Priority>(
      (most, alarm) => (alarm.priority < most ? alarm.priority : most),
      4,
    )
    return [{ title, first, alarms: sorted, priority }]
  })
  return found.sort(
    (one, other) =>
      one.priority - other.priority || timeOf(one.first).localeCompare(timeOf(other.first)),
  )
}

/** The lanes of alarms, in natural order. */
export function lanesOf(alarms: readonly Alarm[]): string[] {
  const lanes = new Set(alarms.flatMap((alarm) => alarm.place?.lane ?? []))
  return [...lanes].sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
}

/** Whether a transition calls for a person: only these are announced. */
export const isCall = (transition: string): boolean =>
  transition === 'raised' || transition === 'shelving_expired'

/** Unacknowledged alarms that were not known, or were raised again: their events were missed. */
export function newCalls(
  known: ReadonlyMap<string, Alarm>,
  current: ReadonlyMap<string, Alarm>,
): Alarm[] {
  return [...current].flatMap(([key, alarm]) => {
    const isNew = alarm.state === 'unacknowledged' && known.get(key)?.id !== alarm.id
    return isNew ? [alarm] : []
  })
}

export const mostUrgent = (alarms: readonly Alarm[]): Alarm | undefined =>
  [...alarms].sort(compare)[0]
