/** The search palette: what can be opened by name, and which entries match a text. */

export const KINDS = [
  'page',
  'report',
  'board',
  'station',
  'alarm',
  'order',
  'sensor',
  'item',
  'lot',
  'table',
  'action',
] as const
export type Kind = (typeof KINDS)[number]

export interface Entry {
  kind: Kind
  name: string
  /** More words by which it is found; shown beside the name. */
  detail?: string
  /** The address that it opens, or what it does. */
  href?: string
  run?: () => void
  /** Not offered before a text is typed. */
  isRare?: boolean
}

/** Better matches have a lower rank: the whole name, its beginning, a word of it, any part; null without a match. */
export function rankOf(entry: Entry, words: readonly string[]): number | null {
  const name = entry.name.toLowerCase()
  const hay = `${name} ${entry.detail?.toLowerCase() ?? ''}`
  if (!words.every((word) => hay.includes(word))) return null
  const text = words.join(' ')
  if (name === text) return 0
  if (name.startsWith(text)) return 1
  const parts = name.split(/[^\p{L}\p{N}]+/u)
  if (words.every((word) => parts.some((part) => part.startsWith(word)))) return 2
  return 3
}

/** The best matches, at most `most`; equal ones in the order of kinds and then of names. Without a text only pages and actions. */
export function search(entries: readonly Entry[], text: string, most: number): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) {
    const isOffered = ({ kind, isRare }: Entry) => (kind === 'page' || kind === 'action') && !isRare
    return entries.filter(isOffered).slice(0, most)
  }
  const found: { entry: Entry; rank: number }[] = []
  for (const entry of entries) {
    const rank = rankOf(entry, words)
    if (rank !== null) found.push({ entry, rank })
  }
  const place = ({ kind }: Entry) => KINDS.indexOf(kind)
  return found
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        place(a.entry) - place(b.entry) ||
        a.entry.name.localeCompare(b.entry.name, 'en', { numeric: true }),
    )
    .slice(0, most)
    .map(({ entry }) => entry)
}
