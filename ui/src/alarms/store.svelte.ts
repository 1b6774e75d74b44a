import type { AlarmChange } from '../kit/feed'
import { type ApiError, toApiError } from '../kit/http'
import { live } from '../kit/live.svelte'
import { session } from '../kit/session.svelte'
import type { Alarm } from './alarm'
import { alarmApi, type Flood } from './api'
import { countsOf, isCall, mostUrgent, newCalls } from './queue'
import { AlarmReplica } from './replica'
import { sound } from './sound.svelte'

/** After a change, the load and the flood are read again at most this often. */
const REFRESH_MS = 5_000
/** Without changes, the load is read this often, because old alarms leave its window. */
const IDLE_REFRESH_MS = 60_000
const RETRY_MS = 2_000
const TICK_MS = 1_000

/** The alarms of the plant, current on every page. */
class AlarmStore {
  /** Every alarm that is not normal, by its key. */
  alarms = $state.raw<ReadonlyMap<string, Alarm>>(new Map())
  flood = $state.raw<Flood | null>(null)
  error = $state.raw<ApiError | null>(null)
  isLoaded = $state(false)
  /** Time of the alarm system in milliseconds, advanced every second. */
  now_ms = $state(0)
  /** Text of the newest P1 or P2, for screen readers. */
  announced = $state.raw<Alarm | null>(null)

  readonly counts = $derived(countsOf(this.alarms.values()))

  #replica = new AlarmReplica()
  #isStarted = false
  #isFetching = false
  #isOutdated = false
  #frame = 0
  #refreshTimer: ReturnType<typeof setTimeout> | undefined
  /** Time of the alarm system less the monotonic clock of this page. */
  #offset_ms: number | null = null

  /** Follows the alarms, if the person may. Called whenever the session is read. */
  start(): void {
    if (!session.may('follow_live')) return
    if (this.#isStarted) {
      if (!this.isLoaded) this.fetch()
      return
    }
    this.#isStarted = true
    live.followAlarms(
      (event) => {
        if (event.kind === 'alarm') this.#take(event.change)
        else this.fetch()
      },
      () => sound.isOn,
    )
    this.fetch()
    setInterval(() => this.#tick(), TICK_MS)
  }

  /** The server runs without alarms. */
  get isOff(): boolean {
    return session.info?.has_alarms === false
  }

  latest(key: string): Alarm | undefined {
    return this.#replica.latest(key)
  }

  /** The alarm after a command, without waiting for the stream. */
  put(alarm: Alarm): void {
    this.#replica.put(alarm)
    this.#show()
  }

  /** Reads all alarms again; without alarms there is nothing to read. */
  async fetch(): Promise<void> {
    if (this.isOff) return
    if (this.#isFetching) {
      this.#isOutdated = true
      return
    }
    this.#isFetching = true
    this.#isOutdated = false
    this.#replica.beginLoading()
    try {
      const list = await alarmApi.list()
      if (list.at) this.#offset_ms = Date.parse(list.at) - performance.now()
      this.flood = list.flood
      const isGap = this.isLoaded
      const known = this.#replica.current()
      this.#replica.load(list)
      this.error = null
      this.isLoaded = true
      if (isGap) this.#call(mostUrgent(newCalls(known, this.#replica.current())))
      this.#plan(IDLE_REFRESH_MS)
    } catch (error) {
      this.#replica.abandon()
      this.error = toApiError(error)
      if (!this.error.isForbidden) this.#plan(RETRY_MS)
    }
    this.#isFetching = false
    this.#tick()
    this.#show()
    if (this.#isOutdated) await this.fetch()
  }

  #take(change: AlarmChange): void {
    if (!this.#replica.apply(change)) return
    const { alarm } = change
    if (isCall(change.transition)) this.#call(alarm)
    this.#plan(REFRESH_MS)
    // Many changes within a frame are drawn once; a hidden page has no frames.
    if (document.hidden) this.#show()
    else if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#show())
  }

  /** Announces a P1 or P2, and sounds if the rule asks for it and sound is turned on. */
  #call(alarm: Alarm | undefined): void {
    if (!alarm) return
    if (alarm.priority <= 2) this.announced = alarm
    if (alarm.sound) sound.play(alarm.priority)
  }

  #show(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
    this.alarms = this.#replica.current()
  }

  /** Plans the next reading, unless an earlier one is planned. */
  #plan(delay_ms: number): void {
    const due = performance.now() + delay_ms
    if (this.#refreshTimer !== undefined && this.#due <= due) return
    clearTimeout(this.#refreshTimer)
    this.#due = due
    this.#refreshTimer = setTimeout(() => {
      this.#refreshTimer = undefined
      if (document.hidden) this.#plan(IDLE_REFRESH_MS)
      else this.fetch()
    }, delay_ms)
  }
  #due = 0

  #tick(): void {
    const offset = this.#offset_ms
    this.now_ms = offset === null ? (live.now() ?? Date.now()) : performance.now() + offset
  }
}

export const alarmStore = new AlarmStore()
