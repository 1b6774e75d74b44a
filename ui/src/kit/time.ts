/** Days and moments in plant time. A day is text (`2022-06-05`); a moment is UTC text with a Z. */

const LOCALE = 'en-IN'
const DAY = /^\d{4}-\d{2}-\d{2}$/

/** Whether the text is a day that exists in the calendar. */
export function isDay(text: string | null | undefined): text is string {
  if (!text || !DAY.test(text)) return false
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

const long = new Intl.DateTimeFormat(LOCALE, {
  timeZone: 'UTC',
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})
const short = new Intl.DateTimeFormat(LOCALE, { timeZone: 'UTC', day: 'numeric', month: 'short' })
const week = new Intl.DateTimeFormat(LOCALE, { timeZone: 'UTC', weekday: 'short' })

const noon = (day: string) => new Date(`${day}T12:00:00Z`)

/** Sun 5 Jun 2022 */
export const dayLong = (day: string): string =>
  isDay(day) ? long.format(noon(day)).replaceAll(',', '') : day

/** 5 Jun */
export const dayShort = (day: string): string => (isDay(day) ? short.format(noon(day)) : day)

/** 5 Jun 2022 */
export const dayYear = (day: string): string =>
  isDay(day) ? `${dayShort(day)} ${day.slice(0, 4)}` : day

/** Sun */
export const weekday = (day: string): string => (isDay(day) ? week.format(noon(day)) : '')

/** 22 Nov 2026, 21:53 IST: the zone is always named. */
export function moment(utc: string | null | undefined, zone: string): string {
  if (!utc) return '\u2013'
  const at = new Date(utc)
  if (Number.isNaN(at.getTime())) return utc
  return new Intl.DateTimeFormat(LOCALE, {
    timeZone: zone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).format(at)
}

const clocks = new Map<string, Intl.DateTimeFormat>()

/** 14:10:05 in plant time, with or without its zone. */
export function clock(ms: number, zone: string, named = false): string {
  const key = `${zone} ${named}`
  let format = clocks.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(LOCALE, {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      ...(named && { timeZoneName: 'short' }),
    })
    clocks.set(key, format)
  }
  return format.format(ms)
}

/** How the zone is called in short: IST. */
export function zoneName(zone: string): string {
  const parts = new Intl.DateTimeFormat(LOCALE, {
    timeZone: zone,
    timeZoneName: 'short',
  }).formatToParts(new Date(0))
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? zone
}

/** 09: the hour of the day in two digits. */
export const hour = (of: number): string => String(of).padStart(2, '0')

/** The same day so many months later, or the last day of that month if it is shorter. */
export function addMonths(day: string, months: number): string {
  const at = noon(day)
  const date = at.getUTCDate()
  at.setUTCDate(1)
  at.setUTCMonth(at.getUTCMonth() + months)
  const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()
  at.setUTCDate(Math.min(date, last))
  return at.toISOString().slice(0, 10)
}
