/** The URL is the state of a page: filters and selections are query parameters. */

/** The query string with some parameters changed; null or '' removes one, the others are kept. */
export function withQuery(search: string, changes: Record<string, string | null>): string {
  const params = new URLSearchParams(search)
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(key)
    else params.set(key, value)
  }
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':')
  return text ? `?${text}` : ''
}

/** The value if it is allowed, else the first allowed one. */
export function oneOf<T extends string>(value: string | null, allowed: readonly T[]): T {
  return allowed.find((candidate) => candidate === value) ?? (allowed[0] as T)
}

/** Comma-separated values, without empty ones. */
export function list(value: string | null): string[] {
  return (value ?? '').split(',').filter((text) => text !== '')
}

export interface Sort {
  key: string
  down: boolean
}

/** `-value` is `value` in descending order. */
export function parseSort(value: string | null, allowed: readonly string[], initial: string): Sort {
  const parse = (text: string): Sort => ({
    key: text.replace(/^-/, ''),
    down: text.startsWith('-'),
  })
  const sort = parse(value ?? '')
  return allowed.includes(sort.key) ? sort : parse(initial)
}

/** The sort order after a click on a column: numbers start descending, text ascending. */
export function nextSort(current: Sort, key: string, numeric: boolean): string {
  const down = current.key === key ? !current.down : numeric
  return down ? `-${key}` : key
}

/** Parameters that a page does not know; they are shown instead of being ignored silently. */
export function unknown(search: string, known: readonly string[]): string[] {
  return [...new Set(new URLSearchParams(search).keys())].filter((key) => !known.includes(key))
}

/** The pages with the parameter `plant`: live data of one plant of the site. */
export const LIVE_PATHS: readonly string[] = ['/now', '/temps']
