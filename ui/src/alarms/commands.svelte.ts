import { type ApiError, toApiError } from '../kit/http'
import { type Alarm, keyOf } from './alarm'
import { alarmApi } from './api'
import { alarmStore } from './store.svelte'

/** Commands on alarms: which of them are being sent, and the last error. */
class Commands {
  /** Keys of the alarms whose command the server has not recorded yet. */
  sending = $state.raw<ReadonlySet<string>>(new Set())
  error = $state.raw<ApiError | null>(null)
  /** Alarms that the server refused in the last command on several. */
  refused = $state(0)

  /** Runs a command on each alarm. Whether all succeeded. */
  async run(alarms: readonly Alarm[], command: (alarm: Alarm) => Promise<Alarm>): Promise<boolean> {
    this.error = null
    this.refused = 0
    this.#mark(alarms, true)
    const results = await Promise.allSettled(alarms.map((alarm) => this.#runOne(alarm, command)))
    this.#mark(alarms, false)
    const failed = results.filter((result) => result.status === 'rejected')
    if (alarms.length > 1) this.refused = failed.length
    else if (failed[0]) this.error = toApiError(failed[0].reason)
    return failed.length === 0
  }

  /** Acknowledges alarms, several with one request. */
  async acknowledge(alarms: readonly Alarm[]): Promise<boolean> {
    const [only] = alarms
    if (!only) return true
    if (alarms.length === 1) return this.run([only], (alarm) => alarmApi.acknowledge(alarm))
    this.error = null
    this.refused = 0
    this.#mark(alarms, true)
    try {
      const { refused } = await alarmApi.acknowledgeAll(alarms.map(({ id }) => id))
      this.refused = refused.length
    } catch (error) {
      this.error = toApiError(error)
    }
    this.#mark(alarms, false)
    return this.error === null && this.refused === 0
  }

  async #runOne(alarm: Alarm, command: (alarm: Alarm) => Promise<Alarm>): Promise<void> {
    const key = keyOf(alarm)
    const before = alarmStore.latest(key)
    const after = await command(alarm)
    // The stream may have brought this state, or a later one, before the response.
    if (alarmStore.latest(key) === before) alarmStore.put(after)
  }

  #mark(alarms: readonly Alarm[], isSending: boolean): void {
    const keys = new Set(this.sending)
    for (const alarm of alarms) {
      if (isSending) keys.add(keyOf(alarm))
      else keys.delete(keyOf(alarm))
    }
    this.sending = keys
  }
}

export const commands = new Commands()
