import { t } from '../kit/i18n'
import type { Span } from './ledger'

/** The state of a span in words: delay, no material, W-281127. */
export function contentOf(span: Span | null): string {
  if (!span) return '\u2013'
  const why =
    span.category === 'unknown' ? t('time.unknown.why') : span.reason?.replaceAll('_', ' ')
  return [t(`time.${span.category}`), why, span.work_order].filter(Boolean).join(', ')
}
