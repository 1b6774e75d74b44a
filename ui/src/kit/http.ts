/** Requests to the HTTP interface, and its errors. */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** Seconds to wait before another attempt, if the server names them. */
    readonly retryAfter_s: number | null = null,
  ) {
    super(message)
    this.name = 'ApiError'
  }

  /** The table does not exist yet: no dump has been ingested. */
  get isMissing(): boolean {
    return this.status === 404 || this.code === 'unknown_table'
  }

  /** There is no data yet, other than a name that nothing has, such as that of a removed board. */
  get isWithoutData(): boolean {
    return this.code === 'unknown_table' || this.code === 'not_found'
  }

  /** The person is logged in and lacks the permission. */
  get isForbidden(): boolean {
    return this.status === 403
  }
}

export const API_ROOT = '/api/v1'

let onUnauthenticated: () => void = () => {}

/** Registers what happens when a session is missing, expired or revoked. */
export function whenUnauthenticated(run: () => void): void {
  onUnauthenticated = run
}

async function errorFrom(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as {
    error?: { code?: string; message?: string }
  } | null
  const code = body?.error?.code ?? `http_${response.status}`
  const message = body?.error?.message ?? response.statusText
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new ApiError(response.status, code, message, Number.isNaN(seconds) ? null : seconds)
}

/** Any failure of a request as an `ApiError`; a failure of the page itself has the code `page`. */
export function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, 'page', String(error))
}

async function send(url: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiError(0, 'no_connection', 'the server does not respond')
  }
  if (response.ok) return response
  const error = await errorFrom(response)
  if (error.code === 'unauthenticated') onUnauthenticated()
  throw error
}

/** The JSON body of a response. `url` is absolute on this host. */
export async function requestJson<T>(url: string, init: RequestInit = {}): Promise<T> {
  const response = await send(url, init)
  return (response.status === 204 ? undefined : await response.json()) as T
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Calls a route below `/api/v1` and does not cache its response. */
export function call<T = void>(method: Method, path: string, body?: unknown): Promise<T> {
  return requestJson<T>(API_ROOT + path, {
    method,
    cache: 'no-store',
    headers: { accept: 'application/json', ...(body !== undefined && JSON_BODY) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

const JSON_BODY = { 'content-type': 'application/json' }
