/** Entries of the audit log as text, and the times of its filter. */
import { clockSeconds } from '../kit/time'

/** The kinds of entries, as the server names them. */
export const KINDS = [
  'logged_in',
  'login_failed',
  'address_delayed',
  'logged_out',
  'session_revoked',
  'denied',
  'user_added',
  'user_disabled',
  'user_enabled',
  'password_changed',
  'password_reset',
  'roles_changed',
  'second_factor_enabled',
  'second_factor_disabled',
  'recovery_codes_replaced',
  'token_created',
  'token_revoked',
  'external_linked',
  'setup_offered',
  'setup_completed',
  'clock_set_back',
  'backed_up',
  'restored',
  'queried',
  'downloaded',
  'changed',
] as const

/** `roles_changed` as "roles changed". */
export const kindText = (kind: string): string => kind.replaceAll('_', ' ')

/** The fields of an entry as `name=value`, separated by commas; `name_us` is a time, in plant time. */
export function detailText(detail: unknown, zone: string): string {
  if (detail === null || typeof detail !== 'object') return String(detail ?? '')
  const texts = Object.entries(detail).map(([name, value]) => {
    if (name.endsWith('_us') && typeof value === 'number') {
      return `${name.slice(0, -'_us'.length)}=${clockSeconds(new Date(value / 1000).toISOString(), zone)}`
    }
    return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
  })
  return texts.join(', ')
}
