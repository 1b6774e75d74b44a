/** The words of the transitions in the journal. */
import { type MessageKey, t } from '../kit/i18n'

const KEYS = {
  raised: 'alarm.transition.raised',
  returned: 'alarm.transition.returned',
  cleared: 'alarm.transition.cleared',
  acknowledged: 'alarm.transition.acknowledged',
  shelved: 'alarm.transition.shelved',
  unshelved: 'alarm.transition.unshelved',
  shelving_expired: 'alarm.transition.shelving_expired',
  suppressed: 'alarm.transition.suppressed',
  unsuppressed: 'alarm.transition.unsuppressed',
  out_of_service: 'alarm.transition.out_of_service',
  in_service: 'alarm.transition.in_service',
  commented: 'alarm.transition.commented',
  assigned: 'alarm.transition.assigned',
  rule_changed: 'alarm.transition.rule_changed',
} as const satisfies Record<string, MessageKey>

/** A transition in words; one that this page does not know keeps its name. */
export function transitionText(transition: string): string {
  const key = KEYS[transition as keyof typeof KEYS]
  return key ? t(key) : transition.replaceAll('_', ' ')
}
