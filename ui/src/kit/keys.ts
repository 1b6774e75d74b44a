import type { Word } from './i18n'

export interface Key {
  /** One key, or two after each other: `g p`. */
  key: string
  word: Word
  run: () => void
}

/** Keys of the whole program, and of the page that is open. */
const always: Key[] = []
let ofPage: Key[] = []

export function alwaysKeys(keys: Key[]): void {
  always.splice(0, always.length, ...keys)
}

/** Called by a page when it opens; the returned function takes the keys away again. */
export function pageKeys(keys: Key[]): () => void {
  ofPage = keys
  return () => {
    if (ofPage === keys) ofPage = []
  }
}

export const keysNow = (): Key[] => [...ofPage, ...always]

/** Whether the reader is typing, so that a letter is a letter. */
function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null
  return !!element?.closest?.('input, textarea, select, [contenteditable="true"]')
}

let before = ''

export function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key !== 'Escape' && typing(event.target)) return
  const key = event.key.toLowerCase()
  const both = `${before} ${key}`
  before = key
  const found =
    keysNow().find((one) => one.key === both) ?? keysNow().find((one) => one.key === key)
  if (!found) return
  event.preventDefault()
  found.run()
}

/** J and K: the next or the previous row of the tables on the page. */
export function stepRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')]
  if (rows.length === 0) return
  const now = rows.findIndex((row) => row.contains(document.activeElement))
  const next = now < 0 ? (by > 0 ? 0 : rows.length - 1) : now + by
  rows[Math.min(Math.max(next, 0), rows.length - 1)]?.focus()
}
