import { type QueueRow, range } from './queue'

/** The rows a person selected, for commands on several alarms. */
export class Selection {
  keys = $state.raw<ReadonlySet<string>>(new Set())
  /** Where a range begins. */
  #anchor: string | null = null

  /** Selects only this row as the start of a range. */
  begin(key: string): void {
    this.#anchor = key
  }

  toggle(key: string): void {
    const keys = new Set(this.keys)
    if (!keys.delete(key)) keys.add(key)
    this.keys = keys
    this.#anchor = key
  }

  /** Adds the rows between the start of the range and this one. */
  extend(rows: readonly QueueRow[], key: string): void {
    this.keys = new Set([...this.keys, ...range(rows, this.#anchor, key)])
  }

  selectAll(keys: Iterable<string>): void {
    this.keys = new Set(keys)
  }

  clear(): void {
    if (this.keys.size > 0) this.keys = new Set()
  }

  /** Keeps only rows that are still shown. */
  retain(rows: readonly QueueRow[]): void {
    const shown = new Set(rows.map((row) => row.key))
    const kept = [...this.keys].filter((key) => shown.has(key))
    if (kept.length !== this.keys.size) this.keys = new Set(kept)
  }
}
