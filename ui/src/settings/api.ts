/** Calls of the routes for accounts, users and the audit log. */
import { API_ROOT, call } from '../kit/http'
import type { Answer } from '../kit/schema'
import type { RoleAssignment, RoleName } from '../kit/session.svelte'

export type Account = Answer<'Account', { roles: RoleAssignment[] }>

export type SessionRow = Answer<'Session'>

export type TokenRow = Answer<'Token'>

export type UserRow = Answer<'User', { roles: RoleAssignment[] }>

/** `text` is what it allows, to follow "may". */
export type PermissionRow = Answer<
  'Permission',
  { reach: 'scoped' | 'plant' | 'own'; roles: RoleName[] }
>

/** `scopes`: those of the plant's equipment, as texts. */
export type RoleTable = Answer<'Roles', { roles: RoleName[]; permissions: PermissionRow[] }>

export type AuditEntry = Answer<'AuditEntry'>

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
  endSession: (id: number) => call('DELETE', path('account', 'sessions', id)),
  tokens: async () => (await call<{ tokens: TokenRow[] }>('GET', '/account/tokens')).tokens,
  createToken: (token: NewToken) =>
    call<{ secret: string; token: TokenRow }>('POST', '/account/tokens', token),
  revokeToken: (id: number) => call('DELETE', path('account', 'tokens', id)),
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
  endSession: (id: number) => call('DELETE', path('sessions', id)),
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
