/** Addresses of the login, and where it leads afterwards. */

const PUBLIC_PATHS = ['/login', '/setup']

/** Whether a page is shown without a session. */
export const isPublicPath = (path: string): boolean => PUBLIC_PATHS.includes(path)

/** The login page that leads back to an address; `isExpired` explains why the login is needed. */
export function loginHref(next: string, isExpired = false): string {
  const params = new URLSearchParams()
  if (next !== '/') params.set('next', next)
  if (isExpired) params.set('reason', 'expired')
  const query = params.toString()
  return query ? `/login?${query}` : '/login'
}

/** The address after the login: a path on this host, or `/` if `next` is anything else. */
export function safeNext(next: string | null, origin: string): string {
  if (!next?.startsWith('/') || !URL.canParse(next, origin)) return '/'
  const url = new URL(next, origin)
  if (url.origin !== origin || isPublicPath(url.pathname) || url.pathname.startsWith('//')) {
    return '/'
  }
  return url.pathname + url.search
}
