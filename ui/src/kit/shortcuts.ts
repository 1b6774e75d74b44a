import type { MessageKey } from './i18n'

export interface Shortcut {
  /** One key, or two in sequence: `g p`. */
  key: string
  label: MessageKey
  run: () => void
}

const globalShortcuts: Shortcut[] = []
/** One group per component of the open page. */
let pageShortcuts: readonly Shortcut[][] = []

export function setGlobalShortcuts(shortcuts: Shortcut[]): void {
  globalShortcuts.splice(0, globalShortcuts.length, ...shortcuts)
}

/** Registers shortcuts of the open page, or of a part of it; the returned function removes them. */
export function addPageShortcuts(shortcuts: Shortcut[]): () => void {
  pageShortcuts = [...pageShortcuts, shortcuts]
  return () => {
    pageShortcuts = pageShortcuts.filter((group) => group !== shortcuts)
  }
}

export const activeShortcuts = (): Shortcut[] => [...pageShortcuts.flat(), ...globalShortcuts]

/** Whether the key press enters text. */
function isTextInput(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null
  return !!element?.closest?.(
    'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable="true"]',
  )
}

let previousKey = ''

export function handleKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key !== 'Escape' && isTextInput(event.target)) return
  const key = event.key.toLowerCase()
  const sequence = `${previousKey} ${key}`
  previousKey = key
  const shortcuts = activeShortcuts()
  const found =
    shortcuts.find((shortcut) => shortcut.key === sequence) ??
    shortcuts.find((shortcut) => shortcut.key === key)
  if (!found) return
  event.preventDefault()
  found.run()
}

/** J and K: focuses the next or the previous table row of the page. */
export function focusRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')]
  if (rows.length === 0) return
  const current = rows.findIndex((row) => row.contains(document.activeElement))
  const next = current < 0 ? (step > 0 ? 0 : rows.length - 1) : current + step
  rows[Math.min(Math.max(next, 0), rows.length - 1)]?.focus()
}
