/** Calls of the routes for accounts, users and the audit log. */
import { API_ROOT, call } from '../kit/http'
import type { RoleAssignment, RoleName } from '../kit/session.svelte'

export interface Account {
  name: string
  full_name: string | null
  roles: RoleAssignment[]
  has_password: boolean
  must_change_password: boolean
  has_second_factor: boolean
  recovery_codes_left: number
  created_at: string
  last_login_at: string | null
}

export interface SessionRow {
  id: string
  user: string
  created_at: string
  last_seen_at: string
  expires_at: string
  address: string | null
  agent: string | null
  method: string
  is_current: boolean
}

export interface TokenRow {
  id: string
  user: string
  name: string
  actions: string[]
  scope: string
  created_at: string
  expires_at: string
  last_used_at: string | null
  revoked_at: string | null
}

export interface UserRow {
  id: string
  name: string
  full_name: string | null
  roles: RoleAssignment[]
  has_password: boolean
  must_change_password: boolean
  has_second_factor: boolean
  external: { issuer: string; subject: string }[]
  created_at: string
  last_login_at: string | null
  disabled_at: string | null
}

export interface PermissionRow {
  name: string
  /** What it allows, to follow "may". */
  text: string
  reach: 'scoped' | 'plant' | 'own'
  by_token: boolean
  roles: RoleName[]
}

export interface RoleTable {
  roles: RoleName[]
  permissions: PermissionRow[]
  /** The scopes of the plant's equipment, as texts. */
  scopes: string[]
}

export interface AuditEntry {
  seq: number
  at: string
  kind: string
  actor: string
  address: string | null
  detail: unknown
}

export interface AuditPage {
  entries: AuditEntry[]
  next_before_seq: number | null
}

export interface AuditVerification {
  entries: number
  last: { seq: number; hash: string } | null
  broken: { seq: number; reason: string } | null
}

/** A role in a scope, without its source: the form that changes are sent in. */
export type RoleChange = Pick<RoleAssignment, 'role' | 'scope'>

const path = (...parts: (string | number)[]): string =>
  `/${parts.map((part) => encodeURIComponent(part)).join('/')}`

export const account = {
  get: () => call<Account>('GET', '/account'),
  changePassword: (current: string, next: string) =>
    call('PUT', '/account/password', { current, new: next }),
  beginSecondFactor: (password: string) =>
    call<{ key: string; uri: string }>('POST', '/account/second-factor', { password }),
  confirmSecondFactor: (code: string) =>
    call<RecoveryCodes>('POST', '/account/second-factor/confirm', { code }),
  removeSecondFactor: (password: string) =>
    call('POST', '/account/second-factor/remove', { password }),
  replaceRecoveryCodes: (password: string) =>
    call<RecoveryCodes>('POST', '/account/recovery-codes', { password }),
  sessions: async () =>
    (await call<{ sessions: SessionRow[] }>('GET', '/account/sessions')).sessions,
  endSession: (id: string) => call('DELETE', path('account', 'sessions', id)),
  tokens: async () => (await call<{ tokens: TokenRow[] }>('GET', '/account/tokens')).tokens,
  createToken: (token: NewToken) =>
    call<{ secret: string; token: TokenRow }>('POST', '/account/tokens', token),
  revokeToken: (id: string) => call('DELETE', path('account', 'tokens', id)),
}

export interface RecoveryCodes {
  recovery_codes: string[]
}

export interface NewToken {
  name: string
  actions: string[]
  scope: string
  life_s: number
}

interface TemporaryPassword {
  temporary_password: string
}

export const users = {
  list: async () => (await call<{ users: UserRow[] }>('GET', '/users')).users,
  add: (user: { name: string; full_name?: string; roles: RoleChange[] }) =>
    call<TemporaryPassword>('POST', '/users', user),
  setRoles: (name: string, roles: RoleChange[]) =>
    call('PUT', path('users', name, 'roles'), { roles }),
  disable: (name: string) => call('POST', path('users', name, 'disable')),
  enable: (name: string) => call('POST', path('users', name, 'enable')),
  revoke: (name: string) => call('POST', path('users', name, 'revoke')),
  resetSecondFactor: (name: string) => call('POST', path('users', name, 'reset-second-factor')),
  resetPassword: (name: string) =>
    call<TemporaryPassword>('POST', path('users', name, 'reset-password')),
  sessions: async () => (await call<{ sessions: SessionRow[] }>('GET', '/sessions')).sessions,
  endSession: (id: string) => call('DELETE', path('sessions', id)),
  roles: () => call<RoleTable>('GET', '/roles'),
}

export interface AuditFilter {
  kind: string | null
  actor: string | null
  /** UTC. */
  from: string | null
  to: string | null
}

const AUDIT_PAGE_ROWS = 100

export const audit = {
  page: ({ kind, actor, from, to }: AuditFilter, beforeSeq: number | null) => {
    const params = new URLSearchParams({ limit: String(AUDIT_PAGE_ROWS) })
    for (const [name, value] of Object.entries({ kind, actor, from, to })) {
      if (value) params.set(name, value)
    }
    if (beforeSeq !== null) params.set('before_seq', String(beforeSeq))
    return call<AuditPage>('GET', `/audit?${params}`)
  },
  verify: () => call<AuditVerification>('GET', '/audit/verify'),
  exportUrl: `${API_ROOT}/audit/export`,
}
