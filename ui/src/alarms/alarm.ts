/** Types of the alarm API, and functions on single alarms. */
import { type MessageKey, t } from '../kit/i18n'

export const PRIORITIES = [1, 2, 3, 4] as const
export type Priority = (typeof PRIORITIES)[number]

/** The states of ISA-18.2. */
export type AlarmState =
  | 'normal'
  | 'unacknowledged'
  | 'acknowledged'
  | 'returned_unacknowledged'
  | 'shelved'
  | 'suppressed'
  | 'out_of_service'

/** What the person may do with an alarm. */
export type AlarmAction =
  | 'acknowledge'
  | 'shelve'
  | 'unshelve'
  | 'comment'
  | 'assign'
  | 'out_of_service'
  | 'in_service'

export interface Place {
  plant: string | null
  lane: string | null
  unit: string | null
  line: string | null
  area: string | null
}

/** The current state of a rule on one object. Times are UTC. */
export interface Alarm {
  /** Number of the event that raised it; 0 if it was never raised. */
  id: number
  rule: string
  object: string
  text: string
  priority: Priority
  state: AlarmState
  /** Whether the condition holds, after its delays. */
  is_active: boolean
  since_at: string | null
  raised_at: string | null
  returned_at: string | null
  acknowledged_at: string | null
  acknowledged_by: string | null
  shelved_until_at: string | null
  value: number | null
  limit: number | null
  /** Kind of the condition; null if the rule no longer exists. */
  kind: string | null
  /** Where the condition is met; null for conditions that compare no value. */
  direction: 'above' | 'below' | null
  unit: string | null
  owner: string | null
  assignee: string | null
  cause: string | null
  response: string | null
  consequence: string | null
  place: Place | null
  evidence: string | null
  comments: number
  /** Whether the rule asks for a sound. */
  sound: boolean
  may: AlarmAction[]
}

/** A row of the journal. */
export interface AlarmEvent {
  number: number
  at: string
  rule: string
  object: string
  /** Number of the event that raised the alarm; 0 if there is none. */
  id: number
  transition: string
  from: AlarmState
  to: AlarmState
  priority: Priority
  value: number | null
  limit: number | null
  actor: string | null
  comment: string | null
  evidence: string | null
}

/** A rule on one object has one alarm at a time. */
export const keyOf = (alarm: { rule: string; object: string }): string =>
  `${alarm.rule}/${alarm.object}`

/** The segment of an alarm in paths: its number, or its key if it was never raised. */
export const refOf = (alarm: { id: number; rule: string; object: string }): string =>
  alarm.id > 0 ? String(alarm.id) : encodeURIComponent(keyOf(alarm))

export const hrefOf = (alarm: { id: number; rule: string; object: string }): string =>
  `/alarms/${refOf(alarm)}`

const UNACKNOWLEDGED: readonly AlarmState[] = ['unacknowledged', 'returned_unacknowledged']

export const isUnacknowledged = (alarm: Alarm): boolean => UNACKNOWLEDGED.includes(alarm.state)

/** Whether the alarm belongs to the queue: neither normal nor taken out of it. */
export const isOpen = (alarm: Alarm): boolean =>
  isUnacknowledged(alarm) || alarm.state === 'acknowledged'

export const may = (alarm: Alarm, action: AlarmAction): boolean => alarm.may.includes(action)

/** The levels of an object that a person recognizes: `Plant1, lane 4, solder paste printer`. */
export function objectText(object: string): string {
  return object.replaceAll('_', ' ')
}

const STATE_KEYS = {
  normal: 'alarm.state.normal',
  unacknowledged: 'alarm.state.unacknowledged',
  acknowledged: 'alarm.state.acknowledged',
  returned_unacknowledged: 'alarm.state.returned_unacknowledged',
  shelved: 'alarm.state.shelved',
  suppressed: 'alarm.state.suppressed',
  out_of_service: 'alarm.state.out_of_service',
} as const satisfies Record<AlarmState, MessageKey>

export const stateKey = (state: AlarmState): MessageKey => STATE_KEYS[state]

/** 00:03:10, or 3 d 04:10 from a day on: a time that passed, or that is left. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`
  return `${two(hours)}:${two(minutes)}:${two(seconds % 60)}`
}

/** A duration in words with at most two units: 45 s, 12 min, 2 h 05 min, 3 d 4 h. */
export function span(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 120) return `${whole} s`
  const minutes = Math.round(whole / 60)
  if (minutes < 120) return `${minutes} min`
  if (minutes < 2_880) {
    return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
  }
  const hours = Math.round(minutes / 60)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

const MINUS = '\u2212'

/** A value with at most two decimal digits: 82.4, 95, −42. */
export function valueText(value: number | null): string {
  if (value === null) return '\u2013'
  return String(Math.round(value * 100) / 100).replace('-', MINUS)
}

type Compared = Pick<Alarm, 'value' | 'limit' | 'unit' | 'direction' | 'is_active'>

/**
 * Whether the value is back behind the limit while the condition still holds: it returns only behind
 * the deadband and after the off-delay.
 */
function isWithinDeadband({ value, limit, direction, is_active }: Compared): boolean {
  if (!is_active || direction === null || value === null || limit === null) return false
  return direction === 'above' ? value <= limit : value >= limit
}

/** A text with units as they are written on pages. */
export const shownUnits = (text: string): string => text.replaceAll('degC', '°C')

/** The value beside its limit: `82.4 > 80 °C`, or `79.7 °C, within deadband of 80 °C`. */
export function comparisonText(alarm: Compared): string {
  const { value, limit, unit } = alarm
  const suffix = unit ? ` ${shownUnits(unit)}` : ''
  if (value === null && limit === null) return '\u2013'
  if (limit === null) return valueText(value) + suffix
  if (value === null) return `\u2013 / ${valueText(limit)}${suffix}`
  if (isWithinDeadband(alarm)) {
    const [shown, of] = [valueText(value) + suffix, valueText(limit) + suffix]
    return t('alarm.value.deadband', { value: shown, limit: of })
  }
  const sign = value > limit ? '>' : value < limit ? '<' : '='
  return `${valueText(value)} ${sign} ${valueText(limit)}${suffix}`
}

/** Who has the alarm: the assignee, else the owner, with spaces in names of roles. */
export const personText = ({ assignee, owner }: Pick<Alarm, 'assignee' | 'owner'>): string =>
  assignee || owner?.replaceAll('_', ' ') || '\u2013'

/** Milliseconds since 1970, or null. */
export const msOf = (utc: string | null): number | null => (utc === null ? null : Date.parse(utc))
