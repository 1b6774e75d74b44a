/** Pareto analysis: the few causes of most rejected boards. */

export interface Share {
  key: string | null
  boards: number
}

export interface Bar extends Share {
  /** The part of all boards, and of this bar and those before it, from 0 to 1. */
  part: number
  cumulative: number
  /** How many causes a bar of the rest stands for; 1 otherwise. */
  causes: number
}

/** Sums by cause, most first; causes without boards are left out. Beyond `most` they are one bar. */
export function paretoOf(rows: readonly Share[], most: number): Bar[] {
  const sums = new Map<string | null, number>()
  for (const { key, boards } of rows) sums.set(key, (sums.get(key) ?? 0) + boards)
  const sorted = [...sums]
    .filter(([, boards]) => boards > 0)
    .sort(([a, left], [b, right]) => right - left || String(a).localeCompare(String(b)))
  const kept = sorted.slice(0, most)
  const rest = sorted.slice(most)
  const total = sorted.reduce((sum, [, boards]) => sum + boards, 0)
  let cumulative = 0
  const bars = kept.map(([key, boards]) => {
    cumulative += boards
    return { key, boards, part: boards / total, cumulative: cumulative / total, causes: 1 }
  })
  if (rest.length === 0) return bars
  const boards = total - cumulative
  return [...bars, { key: null, boards, part: boards / total, cumulative: 1, causes: rest.length }]
}

/** What all names begin with, up to a hyphen: `Items-` of `Items-EP-1` and `Items-TS-2`. */
export function commonPrefix(names: readonly string[]): string {
  const [first = '', ...others] = names
  if (others.length === 0) return ''
  let length = 0
  while (length < first.length && others.every((name) => name[length] === first[length]))
    length += 1
  return first.slice(0, first.slice(0, length).lastIndexOf('-') + 1)
}
