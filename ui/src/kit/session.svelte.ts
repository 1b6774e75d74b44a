import { type ApiError, call, toApiError, whenUnauthenticated } from './http'
import { isPublicPath, loginHref } from './login'
import type { Answer } from './schema'

export type RoleName = 'viewer' | 'operator' | 'supervisor' | 'engineer' | 'administrator'

/** A role in a scope: `plant`, `area:SMT` or `line:SMT/Assembly`. */
export type RoleAssignment = Omit<Answer<'RoleInScope', { role: RoleName }>, 'source'> & {
  source?: string | null
}

/** The names of docs/permissions.md that the pages check. */
export type Permission =
  | 'read_tables'
  | 'follow_live'
  | 'download'
  | 'run_sql'
  | 'read_sources'
  | 'manage_own_account'
  | 'manage_own_tokens'
  | 'manage_users'
  | 'read_audit'
  | 'acknowledge_alarm'
  | 'shelve_alarm'
  | 'edit_rules'
  | 'manage_reports'

export type SessionInfo = Answer<
  'CurrentSession',
  {
    /** `open` and `demo`: everyone on this machine is the local administrator. */
    via: 'session' | 'token' | 'open' | 'demo'
    roles: RoleAssignment[]
    /** The scopes of each granted permission. */
    permissions: Partial<Record<Permission, string[]>>
  }
>

/** The person who uses the pages, and what they may do. */
class Session {
  info = $state.raw<SessionInfo | null>(null)
  error = $state.raw<ApiError | null>(null)

  /** Whether the program requires no login: then there is no account and nothing to log out of. */
  readonly isOpen = $derived(this.info?.via === 'open' || this.info?.via === 'demo')

  start(): void {
    whenUnauthenticated(redirectToLogin)
    if (!isPublicPath(location.pathname)) this.load()
  }

  /** Reads the session again; without one the browser goes to the login page. */
  async load(): Promise<void> {
    try {
      this.info = await call<SessionInfo>('GET', '/session')
      this.error = null
    } catch (error) {
      this.error = toApiError(error)
    }
  }

  may(permission: Permission): boolean {
    return (this.info?.permissions[permission]?.length ?? 0) > 0
  }

  /** Whether the permission holds for the whole plant, not only for an area or a line. */
  mayEverywhere(permission: Permission): boolean {
    return this.info?.permissions[permission]?.includes('plant') ?? false
  }

  /** Whether the person may read a table; rows outside their scope are left out by the server. */
  mayRead(table: string): boolean {
    return isSourceTable(table) ? this.mayEverywhere('read_sources') : this.may('read_tables')
  }

  async logOut(): Promise<void> {
    const rest = await call<{ provider_logout_url: string } | undefined>('DELETE', '/session')
    location.assign(rest?.provider_logout_url ?? '/login')
  }
}

export const session = new Session()

const SOURCE_TABLES = ['silver.rejected', 'meta.files', 'meta.runs', 'meta.expired', 'meta.sources']

/** Whether a table contains received files or rejected records as they came. */
const isSourceTable = (table: string): boolean =>
  table.startsWith('bronze.') || SOURCE_TABLES.includes(table)

/** Leaves the page with a full load, so that no cached data of the ended session remains. */
function redirectToLogin(): void {
  if (isPublicPath(location.pathname)) return
  location.assign(loginHref(location.pathname + location.search, session.info !== null))
}
