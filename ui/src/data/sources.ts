/** The sources of the plant: databases, HTTP interfaces, topics and dumps, and how their last reads went. */
import { API_ROOT, requestJson } from '../kit/http'
import { type MessageKey, t } from '../kit/i18n'
import { dec, int, NONE } from '../kit/numbers'
import type { Answer } from '../kit/schema'

export type SourcesAnswer = Answer<'SourcesAnswer'>
export type Source = SourcesAnswer['sources'][number]

export const listSources = (): Promise<SourcesAnswer> =>
  requestJson<SourcesAnswer>(`${API_ROOT}/sources`)

export type SourceStatus = 'ok' | 'late' | 'failing' | 'refused'

/** The state of a source on the page: one whose next read is overdue is late. */
export function sourceStatus(source: Source): SourceStatus {
  if (source.state === 'failing' || source.state === 'refused') return source.state
  return source.is_late ? 'late' : 'ok'
}

export const isWorking = (source: Source): boolean => sourceStatus(source) === 'ok'

/** The kind in words; one that this version does not know, as it is. */
export function kindText(kind: string): string {
  const keys: Record<string, MessageKey> = {
    files: 'data.sources.kind.files',
    sql: 'data.sources.kind.sql',
    http: 'data.sources.kind.http',
    topics: 'data.sources.kind.topics',
    mqtt: 'data.sources.kind.mqtt',
  }
  const key = keys[kind]
  return key ? t(key) : kind
}

const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86_400

/** A time span in its largest unit: 12 s, 5 min, 3.5 h, 12 d. */
export function span(seconds: number | null | undefined): string {
  if (seconds == null) return NONE
  if (seconds < MINUTE_S) return `${int(Math.round(seconds))} s`
  if (seconds < HOUR_S) return `${int(Math.round(seconds / MINUTE_S))} min`
  if (seconds < DAY_S) return `${dec(seconds / HOUR_S, 1)} h`
  return `${int(Math.round(seconds / DAY_S))} d`
}

/** How far the lake is behind a source: messages that are not read yet, or the time since the last successful read. */
export const lagText = (source: Source): string =>
  source.unread == null
    ? span(source.lag_s)
    : t('data.sources.unread', { count: int(source.unread) })

/** New records per second of the last read that returned some. */
export function rateText(source: Source): string {
  const rate = source.records_per_s
  if (rate == null) return NONE
  return rate < 10 ? dec(rate, 1) : int(Math.round(rate))
}
