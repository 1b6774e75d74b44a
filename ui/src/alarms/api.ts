/** Calls of the routes for alarms, their rules and their notifications. */
import { call } from '../kit/http'
import type { Alarm, AlarmEvent, Priority } from './alarm'
import { refOf } from './alarm'
import type { Counts } from './queue'

export interface Flood {
  is_flood: boolean
  since_at: string | null
  /** Alarms raised in the last ten minutes. */
  in_10_min: number
  /** Alarms raised in each of the last twelve spans of ten minutes, the oldest first. */
  per_10_min: number[]
}

export interface AlarmList {
  /** Time of the alarm system: event time of the readings, advanced by the clock of the server. */
  at?: string
  alarms: Alarm[]
  counts: Counts
  flood: Flood
  /** Number of the newest event that the list includes. */
  cursor: number
}

export interface AlarmDetail {
  alarm: Alarm
  events: AlarmEvent[]
  statistics: { times_30d: number; median_s: number | null; chattering: number }
}

export interface JournalFilter {
  rule: string | null
  object: string | null
  from: string | null
  to: string | null
}

export interface JournalPage {
  events: AlarmEvent[]
  next_before: number | null
}

export interface ShelveRequest {
  minutes?: number
  until?: 'end_of_shift'
  reason: string
}

type Ref = Pick<Alarm, 'id' | 'rule' | 'object'>

const JOURNAL_ROWS = 100

function command(alarm: Ref, name: string, body: object = {}): Promise<Alarm> {
  return call<Alarm>('POST', `/alarms/${refOf(alarm)}/${name}`, body)
}

/** The query of the parameters that have a value. */
function query(values: Record<string, string | number | null>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text && `?${text}`
}

export const alarmApi = {
  list: () => call<AlarmList>('GET', '/alarms?state=all'),
  detail: (ref: string) => call<AlarmDetail>('GET', `/alarms/${ref}`),
  journal: (filter: JournalFilter, before: number | null) =>
    call<JournalPage>('GET', `/alarms/journal${query({ ...filter, before, limit: JOURNAL_ROWS })}`),
  acknowledge: (alarm: Ref, comment: string | null = null) =>
    command(alarm, 'acknowledge', comment === null ? {} : { comment }),
  acknowledgeAll: (ids: number[]) =>
    call<{ acknowledged: number; refused: unknown[] }>('POST', '/alarms/acknowledge', { ids }),
  shelve: (alarm: Ref, request: ShelveRequest) => command(alarm, 'shelve', request),
  unshelve: (alarm: Ref) => command(alarm, 'unshelve'),
  comment: (alarm: Ref, text: string) => command(alarm, 'comment', { text }),
  assign: (alarm: Ref, user: string) => command(alarm, 'assign', { user }),
  takeOutOfService: (alarm: Ref, reason: string) => command(alarm, 'out-of-service', { reason }),
  returnToService: (alarm: Ref) => command(alarm, 'in-service'),
  performance: (from: string, to: string) =>
    call<Performance>('GET', `/alarms/performance${query({ from, to })}`),
}

/** An alarm that the figures name. */
interface Named {
  rule: string
  object: string
}

/** Figures of ISA-18.2 over a period. Only annunciations count. Shares are 0 to 1. */
export interface Performance {
  from: string
  to: string
  positions: number
  annunciations: number
  /** Means for each operator position. */
  per_hour: number
  per_10_min: number
  max_10_min: number
  hours_above_30_share: number
  flood_time_share: number
  floods: {
    from: string
    to: string | null
    annunciations: number
    first: (Named & { id: number; text: string }) | null
  }[]
  chattering: (Named & { times: number })[]
  fleeting: (Named & { times: number })[]
  stale: (Named & { id: number; text: string; priority: Priority; since_at: string })[]
  top: (Named & { annunciations: number; share: number })[]
  by_priority: Record<Priority, number>
  acknowledge_s: { median: number | null; p90: number | null; unacknowledged: number }
  buckets: { at: string; annunciations: number }[]
}

export interface Problem {
  file: string | null
  line: number | null
  message: string
  remedy: string | null
  /** The rule works, but probably not as intended. */
  is_warning?: boolean
}

export interface RuleRow {
  name: string
  /** Priority, text and kind are null if the rule has a mistake. */
  priority: Priority | null
  text: string | null
  kind: string | null
  toml: string
  line: number
  objects: number
  is_enabled: boolean
  problem: string | null
}

export interface RuleList {
  rules: RuleRow[]
  revision: string
  problems: Problem[]
  is_writable?: boolean
  reason?: string | null
}

export interface Backtest {
  alarms: number
  alarms_before: number
  per_day: { day: string; alarms: number; alarms_before: number }[]
  floods: number
  floods_before: number
  chattering: number
  /** By how much the first alarm comes later; negative if earlier. */
  first_delay_s: number | null
  /** Faults that only the rule in use shows. */
  missed: BacktestAlarm[]
  /** Faults that both show, with their delays. */
  kept: BacktestAlarm[]
  /** Whether the condition is not on readings: then nothing was replayed. */
  is_not_replayable: boolean
  /** Faults that only the tried rule shows. */
  added: BacktestAlarm[]
  suggestion: {
    deadband: number | null
    on_delay_s: number | null
    text: string
    toml?: string | null
  } | null
  events: AlarmEvent[]
}

export interface BacktestAlarm extends Named {
  at: string
  priority: Priority
  value: number | null
  delay_s?: number | null
}

export const ruleApi = {
  list: () => call<RuleList>('GET', '/alarms/rules'),
  /** Problems of a text that would replace the rule `name`. */
  check: async (toml: string, name: string) =>
    (await call<{ problems: Problem[] }>('POST', '/alarms/rules/check', { toml, name })).problems,
  /** The change as a diff; nothing is written. */
  preview: (name: string, toml: string, revision: string) =>
    call<{ diff: string; revision: string }>('PUT', `/alarms/rules/${encodeURIComponent(name)}`, {
      toml,
      revision,
      dry_run: true,
    }),
  save: (name: string, toml: string, revision: string) =>
    call<{ diff: string; revision: string }>('PUT', `/alarms/rules/${encodeURIComponent(name)}`, {
      toml,
      revision,
    }),
  backtest: (toml: string, from: string, to: string) =>
    call<Backtest>('POST', '/alarms/backtest', { toml, from, to }),
}

export const NOTIFICATION_STATES = [
  'waiting',
  'sending',
  'sent',
  'grouped',
  'failed',
  'dropped',
] as const
export type NotificationState = (typeof NOTIFICATION_STATES)[number]

export interface Notification {
  id: number
  alarm_id: number | null
  kind: string
  channel: string
  recipient: string
  priority: Priority | null
  subject: string
  body: string
  queued_at: string
  due_at: string | null
  sent_at: string | null
  state: NotificationState
  attempts: number
  last_error: string | null
}

export interface Channel {
  name: string
  kind: string
  is_demo: boolean
}

export interface NotificationList {
  notifications: Notification[]
  channels: Channel[]
}

const NOTIFICATION_ROWS = 200

export const notificationApi = {
  list: (state: string | null) =>
    call<NotificationList>('GET', `/notifications${query({ state, limit: NOTIFICATION_ROWS })}`),
  retry: (id: number) => call<unknown>('POST', `/notifications/${id}/retry`, {}),
  test: (channel: string, recipient: string) =>
    call<unknown>('POST', '/notifications/test', { channel, ...(recipient && { recipient }) }),
}
