/** The address is the state: what a page shows stands in its query string, in plain nouns. */

/** The query with some parameters changed; null or '' takes one away, the others stay as they are. */
export function withQuery(search: string, changes: Record<string, string | null>): string {
  const params = new URLSearchParams(search)
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(key)
    else params.set(key, value)
  }
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':')
  return text ? `?${text}` : ''
}

/** One of the allowed values, or the first of them. */
export function oneOf<T extends string>(value: string | null, allowed: readonly T[]): T {
  return allowed.find((one) => one === value) ?? (allowed[0] as T)
}

/** Values parted by comma, without empty ones. */
export function list(value: string | null): string[] {
  return (value ?? '').split(',').filter((one) => one !== '')
}

export interface Sort {
  key: string
  down: boolean
}

/** `-value` is value, highest first. */
export function parseSort(value: string | null, allowed: readonly string[], usual: string): Sort {
  const read = (text: string): Sort => ({ key: text.replace(/^-/, ''), down: text.startsWith('-') })
  const asked = read(value ?? '')
  return allowed.includes(asked.key) ? asked : read(usual)
}

/** The next order of a column: numbers begin with the highest, words with the first. */
export function nextSort(now: Sort, key: string, numeric: boolean): string {
  const down = now.key === key ? !now.down : numeric
  return down ? `-${key}` : key
}

/** Parameters a page does not know; they are shown, not dropped in silence. */
export function unknown(search: string, known: readonly string[]): string[] {
  return [...new Set(new URLSearchParams(search).keys())].filter((key) => !known.includes(key))
}
