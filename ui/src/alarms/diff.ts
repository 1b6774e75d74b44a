/** Lines of a unified diff. */

export interface DiffLine {
  kind: 'added' | 'removed' | 'same' | 'place'
  text: string
}

/** The lines of a unified diff without the names of the files. */
export function diffLines(diff: string): DiffLine[] {
  return diff
    .split('\n')
    .filter((line) => !/^(---|\+\+\+) /.test(line) && line !== '')
    .map((line) => {
      if (line.startsWith('@@')) return { kind: 'place', text: line }
      if (line.startsWith('+')) return { kind: 'added', text: line.slice(1) }
      if (line.startsWith('-')) return { kind: 'removed', text: line.slice(1) }
      return { kind: 'same', text: line.replace(/^ /, '') }
    })
}

/** The position in a text at which a line begins; lines count from 1. */
export function lineStart(text: string, line: number): number {
  let at = 0
  for (let nth = 1; nth < line; nth += 1) {
    const next = text.indexOf('\n', at)
    if (next < 0) return at
    at = next + 1
  }
  return at
}
