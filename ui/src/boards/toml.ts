/** Edits of the text of a board: values of tiles, in place, so that comments and the order of the file remain. */

/** A `[[tile]]` in its lines, from 0; `to` is the line after its last one. */
export interface TileText {
  name: string
  from: number
  to: number
}

/** Whether each line begins inside a text of several lines. */
function insideText(lines: readonly string[]): boolean[] {
  let open: string | null = null
  return lines.map((line) => {
    const isInside = open !== null
    let rest = line
    while (rest !== '') {
      if (open !== null) {
        const end = rest.indexOf(open)
        if (end < 0) break
        rest = rest.slice(end + 3)
        open = null
      } else {
        const found = /"""|'''|#|"(?:[^"\\]|\\.)*"|'[^']*'/.exec(rest)
        if (!found || found[0] === '#') break
        rest = rest.slice(found.index + found[0].length)
        if (found[0] === '"""' || found[0] === "'''") open = found[0]
      }
    }
    return isInside
  })
}

const TABLE = /^\s*\[/
const TILE = /^\s*\[\[\s*tile\s*\]\]/

/** The tiles of a text in their order. */
export function tilesOf(text: string): TileText[] {
  const lines = text.split('\n')
  const inside = insideText(lines)
  const starts = lines.flatMap((line, at) => (!inside[at] && TILE.test(line) ? [at] : []))
  return starts.map((from, nth) => {
    const to = starts[nth + 1] ?? lines.length
    return { name: stringOf(rawOf(text, { from, to }, 'name')) ?? '', from, to }
  })
}

/** The last line of the tile's own keys: a table below it, such as `[tile.columns]`, begins there. */
function ownEnd(lines: readonly string[], inside: readonly boolean[], { from, to }: Lines): number {
  for (let at = from + 1; at < to; at += 1) {
    if (!inside[at] && TABLE.test(lines[at] ?? '')) return at
  }
  return to
}

type Lines = Pick<TileText, 'from' | 'to'>

/** The lines of the value of a key; null if the tile does not have it. */
function linesOf(
  lines: readonly string[],
  inside: readonly boolean[],
  tile: Lines,
  key: string,
): Lines | null {
  const end = ownEnd(lines, inside, tile)
  const opening = new RegExp(`^\\s*${key}\\s*=`)
  for (let at = tile.from + 1; at < end; at += 1) {
    if (inside[at] || !opening.test(lines[at] ?? '')) continue
    let to = at + 1
    while (to < end && inside[to]) to += 1
    return { from: at, to }
  }
  return null
}

/** The value of a key as it is written; null if the tile does not have it. */
export function rawOf(text: string, tile: Lines, key: string): string | null {
  const lines = text.split('\n')
  const found = linesOf(lines, insideText(lines), tile, key)
  if (!found) return null
  const written = lines.slice(found.from, found.to).join('\n')
  return written.slice(written.indexOf('=') + 1).trim()
}

/** The text of a value in quotes; null for another value. */
export function stringOf(raw: string | null): string | null {
  const text = raw === null ? null : /^("""|''')\n?([\s\S]*?)\1/.exec(raw)?.[2]
  if (text != null) return text
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(raw ?? '')
  if (quoted) {
    try {
      return JSON.parse(`"${quoted[1]}"`) as string
    } catch {
      return null
    }
  }
  return /^'([^']*)'/.exec(raw ?? '')?.[1] ?? null
}

/** A text in quotes. */
export const quoted = (text: string): string => JSON.stringify(text)

/** The text with the value of a key of a tile replaced or added; null removes it. */
export function withValue(text: string, tile: Lines, key: string, raw: string | null): string {
  const lines = text.split('\n')
  const inside = insideText(lines)
  const found = linesOf(lines, inside, tile, key)
  const written = raw === null ? [] : [`${key} = ${raw}`]
  if (found) {
    lines.splice(found.from, found.to - found.from, ...written)
  } else {
    let at = ownEnd(lines, inside, tile)
    while (at > tile.from + 1 && (lines[at - 1] ?? '').trim() === '') at -= 1
    lines.splice(at, 0, ...written)
  }
  return lines.join('\n')
}

/** The English text of a title, which is one text or several by language. */
export function englishOf(raw: string | null): string {
  const one = stringOf(raw)
  if (one !== null) return one
  return stringOf(/\ben\s*=\s*("(?:[^"\\]|\\.)*")/.exec(raw ?? '')?.[1] ?? null) ?? ''
}

/** A title with another English text; the other languages remain. */
export function withEnglish(raw: string | null, text: string): string {
  if (raw === null || !raw.startsWith('{')) return quoted(text)
  return raw.replace(/\ben\s*=\s*"(?:[^"\\]|\\.)*"/, () => `en = ${quoted(text)}`)
}

/** The text with one more tile at its end. */
export function withTile(text: string, tile: string): string {
  const before = text.trimEnd()
  return `${before}${before === '' ? '' : '\n\n'}${tile.trim()}\n`
}

/** The text without a tile. */
export function withoutTile(text: string, { from, to }: Lines): string {
  const lines = text.split('\n')
  lines.splice(from, to - from)
  return `${lines.join('\n').trimEnd()}\n`
}

/** The text with a tile and the one after it in each other's place. */
export function swapped(text: string, first: Lines, second: Lines): string {
  const lines = text.split('\n')
  const trimmed = (part: Lines) => lines.slice(part.from, part.to).join('\n').trimEnd()
  const parts = [
    lines.slice(0, first.from).join('\n').trimEnd(),
    trimmed(second),
    trimmed(first),
    lines.slice(second.to).join('\n').trimEnd(),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

/** A name that no tile has. */
export function freeName(text: string, wanted: string): string {
  const taken = new Set(tilesOf(text).map(({ name }) => name))
  let nth = 1
  let name = wanted
  while (taken.has(name)) {
    nth += 1
    name = `${wanted}_${nth}`
  }
  return name
}
