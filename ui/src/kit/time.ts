/** Days and times in the plant's time zone. A day is text (`2022-06-05`); a time is UTC text with a Z. */

import { locale } from './i18n'

/** The locale of texts that are the same in all languages: 21:53:07, IST. */
const LOCALE = 'en-IN'
const DAY = /^\d{4}-\d{2}-\d{2}$/

/** Whether the text is a valid calendar day. */
export function isDay(text: string | null | undefined): text is string {
  if (!text || !DAY.test(text)) return false
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** A format in the language of the person; each is created once. */
function dayFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${JSON.stringify(options)}`
  let format = formats.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(locale(), options)
    formats.set(key, format)
  }
  return format
}

const DAY_MONTH = { timeZone: 'UTC', day: 'numeric', month: 'short' } as const
const LONG = { ...DAY_MONTH, weekday: 'short', year: 'numeric' } as const

const noon = (day: string) => new Date(`${day}T12:00:00Z`)

/** Sun 5 Jun 2022. */
export const dayLong = (day: string): string =>
  isDay(day) ? dayFormat(LONG).format(noon(day)).replaceAll(',', '') : day

/** 5 Jun */
export const dayShort = (day: string): string =>
  isDay(day) ? dayFormat(DAY_MONTH).format(noon(day)) : day

/** 5 Jun 2022 */
export const dayYear = (day: string): string =>
  isDay(day) ? `${dayShort(day)} ${day.slice(0, 4)}` : day

/** Sun */
export const weekday = (day: string): string =>
  isDay(day) ? dayFormat({ timeZone: 'UTC', weekday: 'short' }).format(noon(day)) : ''

/** 5 Jun: the day of a time in a time zone. */
export const dayShortAt = (at_ms: number, zone: string): string =>
  dayFormat({ timeZone: zone, day: 'numeric', month: 'short' }).format(at_ms)

const dateFormat = (zone: string): Intl.DateTimeFormat =>
  dayFormat({ timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' })

/** 22 Nov 2026, 21:53 IST: always with the time zone. */
export function dateTime(utc: string | null | undefined, zone: string): string {
  const text = dateTimePlain(utc, zone)
  return isTime(utc) ? `${text} ${zoneName(zone, Date.parse(utc))}` : text
}

const isTime = (utc: string | null | undefined): utc is string =>
  Boolean(utc) && !Number.isNaN(Date.parse(utc ?? ''))

/** 22 Nov 2026, 21:53: without the time zone, for tables whose heading names it. */
export function dateTimePlain(utc: string | null | undefined, zone: string): string {
  if (!utc) return '\u2013'
  if (!isTime(utc)) return utc
  const at = new Date(utc)
  return `${dateFormat(zone).format(at)}, ${clock(at.getTime(), zone).slice(0, 5)}`
}

/** 22 Nov 2026, 21:53:07: with seconds, for logs. */
export function clockSeconds(utc: string, zone: string): string {
  const at = new Date(utc)
  if (Number.isNaN(at.getTime())) return utc
  return `${dateFormat(zone).format(at)}, ${clock(at.getTime(), zone)}`
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** 14:10:05 in plant time, with or without the time zone. */
export function clock(ms: number, zone: string, withZone = false): string {
  const key = `${zone} ${withZone}`
  let format = clocks.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(LOCALE, {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      ...(withZone && { timeZoneName: 'short' }),
    })
    clocks.set(key, format)
  }
  return format.format(ms)
}

/** The abbreviation of a time zone, at a time if it has several: IST. */
export function zoneName(zone: string, at_ms = 0): string {
  const parts = new Intl.DateTimeFormat(LOCALE, {
    timeZone: zone,
    timeZoneName: 'short',
  }).formatToParts(at_ms)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone
}

/** 09: a number with at least two digits. */
export const twoDigits = (value: number): string => String(value).padStart(2, '0')

/** The same day a number of months later, or the last day of that month if it is shorter. */
export function addMonths(day: string, months: number): string {
  const at = noon(day)
  const date = at.getUTCDate()
  at.setUTCDate(1)
  at.setUTCMonth(at.getUTCMonth() + months)
  const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()
  at.setUTCDate(Math.min(date, last))
  return at.toISOString().slice(0, 10)
}

/** How far a time zone is ahead of UTC at a time, in milliseconds. */
export function zoneOffset_ms(at_ms: number, zone: string): number {
  const [hour = 0, minute = 0] = clock(at_ms, zone).split(':').map(Number)
  const at = new Date(at_ms)
  const ahead = hour * 60 + minute - (at.getUTCHours() * 60 + at.getUTCMinutes())
  const minutes = ahead > 14 * 60 ? ahead - 1440 : ahead < -12 * 60 ? ahead + 1440 : ahead
  return minutes * 60_000
}

const DAY_MS = 86_400_000

/** The day of a time in a time zone: 2022-06-05. */
export function dayOf(at_ms: number, zone: string): string {
  return new Date(at_ms + zoneOffset_ms(at_ms, zone)).toISOString().slice(0, 10)
}

/** The hour of the day of a time in a time zone, with its fraction: 13.5 at half past one. */
export function hourOf(at_ms: number, zone: string): number {
  const at = new Date(at_ms + zoneOffset_ms(at_ms, zone))
  return at.getUTCHours() + at.getUTCMinutes() / 60
}

/** The start of a day in plant time, as UTC; null if the text is not a day. */
export function dayStart(day: string | null, zone: string): string | null {
  if (!isDay(day)) return null
  const utc_ms = Date.parse(`${day}T00:00:00Z`)
  return new Date(utc_ms - zoneOffset_ms(utc_ms, zone)).toISOString()
}

/** The end of a day in plant time, as UTC: the first time after it. */
export function dayEnd(day: string | null, zone: string): string | null {
  if (!isDay(day)) return null
  const next = new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10)
  return dayStart(next, zone)
}
