/** Texts of schedules, recipients and differences. */
import { t } from '../kit/i18n'
import type { Difference, IssuedReport, ReportRecipient, ReportSchedule } from './api'

const WEEK_DAYS = 7

/** "daily at 06:30", "after shift G", "when the day is final". */
export function scheduleText(schedule: ReportSchedule | null): string {
  if (!schedule) return t('reports.schedule.none')
  if (schedule.when_final) return t('reports.schedule.final')
  if (schedule.after_shift) {
    const values = { shift: schedule.after_shift, minutes: schedule.delay_min ?? 0 }
    return t(schedule.delay_min ? 'reports.schedule.delayed' : 'reports.schedule.shift', values)
  }
  const at = schedule.at ?? ''
  if (schedule.days.length === WEEK_DAYS) return t('reports.schedule.daily', { at })
  return t('reports.schedule.days', { days: schedule.days.join(', '), at })
}

/** "e-mail: manager, a@plant.example". */
export const recipientText = ({ kind, to }: ReportRecipient): string =>
  `${t(`reports.recipient.${kind}`)}: ${to.join(', ')}`

/** The values of the parameters, such as "2026-02-02, G". */
export const parameterText = (parameters: IssuedReport['parameters']): string =>
  Object.values(parameters)
    .filter((value) => value !== '')
    .join(', ')

/** A value of a difference. */
export const valueText = (value: unknown): string =>
  value === null || value === undefined ? '–' : String(value)

/** "hours, 10: Made 5 → 6 boards". */
export function differenceText(difference: Difference): string {
  const { query, row, change, column, unit, before, after } = difference
  const place = row ? `${query}, ${row}` : query
  if (change !== 'changed') return `${place}: ${t(`reports.difference.${change}`)}`
  const values = `${valueText(before)} → ${valueText(after)}`
  return `${place}: ${column ?? ''} ${values}${unit ? ` ${unit}` : ''}`
}

const KB = 1_000
const MB = 1_000_000

/** 84 KB, 1.2 MB. */
export function sizeText(bytes: number): string {
  if (bytes < KB) return `${bytes} B`
  return bytes < MB ? `${Math.round(bytes / KB)} KB` : `${(bytes / MB).toFixed(1)} MB`
}

/** The address of a page of SVG as an image. */
export const pageImage = (svg: string): string =>
  `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
