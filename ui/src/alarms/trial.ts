/** The result of a what-if trial in words. */
import { t } from '../kit/i18n'
import { int } from '../kit/numbers'
import { span } from './alarm'
import type { Backtest } from './api'

/** Sentences of the comparison, the most important first. */
export function trialTexts(trial: Backtest): string[] {
  if (trial.is_not_replayable) return [t('rules.trial.skipped')]
  const { alarms, alarms_before: before } = trial
  const count =
    alarms === before
      ? t('rules.trial.same', { alarms: int(alarms) })
      : t('rules.trial.summary', { alarms: int(alarms), before: int(before) })
  return [
    count,
    t('rules.trial.floods', { floods: int(trial.floods), before: int(trial.floods_before) }),
    t('rules.trial.chattering', { count: int(trial.chattering) }),
    ...keptText(trial),
    ...delayText(trial.first_delay_s),
  ]
}

/** How many faults are still shown, and how much later the last of them at most. */
function keptText({ kept, missed }: Backtest): string[] {
  if (kept.length + missed.length === 0) return []
  const faults = t('rules.trial.kept', {
    kept: int(kept.length),
    all: int(kept.length + missed.length),
  })
  const latest_s = Math.max(0, ...kept.map(({ delay_s }) => delay_s ?? 0))
  if (latest_s === 0) return [faults]
  return [faults, t('rules.trial.kept.later', { delay: span(latest_s) })]
}

function delayText(delay_s: number | null): string[] {
  if (delay_s === null) return []
  if (delay_s === 0) return [t('rules.trial.first')]
  const delay = span(Math.abs(delay_s))
  return [t(delay_s > 0 ? 'rules.trial.later' : 'rules.trial.earlier', { delay })]
}
