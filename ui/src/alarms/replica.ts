/** The alarms that are not normal, kept current by numbered changes. */
import type { AlarmChange } from '../kit/feed'
import { type Alarm, keyOf } from './alarm'

export interface Snapshot {
  alarms: readonly Alarm[]
  cursor: number
}

/**
 * Combines snapshots of the server with the changes of the stream: each change is applied once, in
 * the order of its number, whether it arrives before, during or after the snapshot is loaded.
 */
export class AlarmReplica {
  #alarms = new Map<string, Alarm>()
  /** The last state of alarms that became normal, for pages that still show them. */
  #left = new Map<string, Alarm>()
  #cursor = 0
  #isLoading = true
  #early: AlarmChange[] = []

  /** Number of the newest change that is included. */
  get cursor(): number {
    return this.#cursor
  }

  current(): Map<string, Alarm> {
    return new Map(this.#alarms)
  }

  /** The newest known state of an alarm, also if it is normal by now. */
  latest(key: string): Alarm | undefined {
    return this.#alarms.get(key) ?? this.#left.get(key)
  }

  /** A snapshot is requested: changes wait until it is loaded. */
  beginLoading(): void {
    this.#isLoading = true
  }

  /** Replaces all alarms by a snapshot, and applies the changes that it does not include. */
  load({ alarms, cursor }: Snapshot): AlarmChange[] {
    this.#alarms = new Map(
      alarms.filter(({ state }) => state !== 'normal').map((alarm) => [keyOf(alarm), alarm]),
    )
    this.#cursor = cursor
    this.#isLoading = false
    const early = this.#early.splice(0)
    return early.filter((change) => this.apply(change))
  }

  /** The snapshot could not be loaded: the alarms that are known stay, and changes apply to them. */
  abandon(): void {
    this.#isLoading = false
    for (const change of this.#early.splice(0)) this.apply(change)
  }

  /** Applies a change; false if it is a repetition, or waits for a snapshot. */
  apply(change: AlarmChange): boolean {
    if (this.#isLoading) {
      this.#early.push(change)
      return false
    }
    if (change.n <= this.#cursor) return false
    this.#cursor = change.n
    this.put(change.alarm)
    return true
  }

  /** The state of an alarm in the response to a command; its change follows in the stream. */
  put(alarm: Alarm): void {
    const key = keyOf(alarm)
    if (alarm.state === 'normal') {
      this.#alarms.delete(key)
      this.#left.set(key, alarm)
      const oldest = this.#left.keys().next().value
      if (this.#left.size > LEFT_MAX && oldest !== undefined) this.#left.delete(oldest)
    } else {
      this.#alarms.set(key, alarm)
      this.#left.delete(key)
    }
  }
}

/** Alarms that became normal and are still known. */
const LEFT_MAX = 500
