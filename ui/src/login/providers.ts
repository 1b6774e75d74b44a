/** Logins at providers of OpenID Connect: their addresses, and the failures that the server reports. */
import type { MessageKey } from '../kit/i18n'

export interface Provider {
  name: string
  title: string
  /** The address that begins the login, on this host. */
  start: string
  is_available: boolean
}

const FAILURES: Record<string, MessageKey> = {
  openid_stale: 'login.openid.stale',
  openid_unavailable: 'login.openid.unavailable',
  openid_cancelled: 'login.openid.cancelled',
  openid_refused: 'login.openid.refused',
  openid_no_account: 'login.openid.no-account',
  openid_no_role: 'login.openid.no-role',
  openid_busy: 'login.openid.busy',
}

/** The message for the code of a failure; `null` for an address with any other text. */
export function failureMessage(code: string | null): MessageKey | null {
  return code !== null && Object.hasOwn(FAILURES, code) ? (FAILURES[code] ?? null) : null
}

/** The address that begins a login which leads to `next`. */
export function startHref({ start }: Provider, next: string): string {
  return next === '/' ? start : `${start}?${new URLSearchParams({ next })}`
}
