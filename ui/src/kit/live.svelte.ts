import { clearCache } from './api'
import { app } from './app.svelte'
import { Feed, type FeedEvent, type Heartbeat, liveUrl } from './feed'
import type { Demand } from './live.worker'
import { session } from './session.svelte'

type AlarmFeedEvent = Extract<FeedEvent, { kind: 'alarm' | 'alarm_reset' }>

/** Called with the indexes of the changed sensors, or null if all may have changed. */
type Draw = (indexes: readonly number[] | null) => void

/** Frames per second of a page that does not request another rate. */
const DEFAULT_HZ = 1
/** Without a worker the stream is closed this long after the page is hidden. */
const HIDDEN_LINGER_MS = 60_000

/**
 * The current values of the sensors. They are kept in plain arrays and drawn by watchers: a number
 * that changes every second is not component state.
 */
class Live {
  names = $state.raw<readonly string[]>([])
  limits = $state.raw<readonly number[]>([])
  /** No event arrives: the values are old. */
  stale = $state(false)
  /** Server time of the last event, in milliseconds, while stale. */
  since = $state<number | null>(null)
  heartbeat = $state.raw<Heartbeat | null>(null)
  /** Event time of the newest frame, in milliseconds. */
  at = $state(0)

  values = new Float64Array(0)
  silent: ReadonlySet<number> = new Set()

  #watchers = new Map<Draw, number>()
  #onAlarm: ((event: AlarmFeedEvent) => void) | undefined
  #needsAlarmsHidden: () => boolean = () => false
  #request: ((demand: Demand) => void) | undefined
  #clockOffset: number | null = null

  /** Watches until the returned function is called. */
  watch(draw: Draw, hz = DEFAULT_HZ): () => void {
    this.#watchers.set(draw, hz)
    this.#start()
    this.#requestRate()
    return () => {
      this.#watchers.delete(draw)
      this.#requestRate()
    }
  }

  /** Receives alarm events on all pages; hidden pages too if `whileHidden` is true at that time. */
  followAlarms(handle: (event: AlarmFeedEvent) => void, whileHidden: () => boolean): void {
    this.#onAlarm = handle
    this.#needsAlarmsHidden = whileHidden
    this.#start()
    this.#requestRate()
  }

  /** Server time in milliseconds, independent of the local clock; null before the first event. */
  now(): number | null {
    return this.#clockOffset === null ? null : performance.now() + this.#clockOffset
  }

  #start(): void {
    if (this.#request) return
    this.#request = 'SharedWorker' in window ? this.#startWorker() : this.#startLocal()
    document.addEventListener('visibilitychange', () => this.#requestRate())
    addEventListener('pagehide', () => this.#request?.({ hz: null, alarms: false }))
    addEventListener('pageshow', () => this.#requestRate())
  }

  #requestRate(): void {
    const isHidden = document.hidden
    const hz = isHidden ? 0 : Math.max(0, ...this.#watchers.values())
    const alarms = this.#onAlarm !== undefined && (!isHidden || this.#needsAlarmsHidden())
    this.#request?.({ hz, alarms })
  }

  #startWorker(): (demand: Demand) => void {
    // A single expression, because the bundler only recognizes a worker in this form.
    const { port } = new SharedWorker(new URL('./live.worker.ts', import.meta.url), {
      type: 'module',
      name: 'live',
    })
    port.onmessage = (message: MessageEvent<FeedEvent>) => this.#handle(message.data)
    return (demand) => port.postMessage(demand)
  }

  #startLocal(): (demand: Demand) => void {
    const feed = new Feed((event) => this.#handle(event))
    let lingerTimer: ReturnType<typeof setTimeout> | undefined
    return ({ hz, alarms }) => {
      clearTimeout(lingerTimer)
      if (hz || alarms) feed.start(liveUrl(hz ?? 0))
      else lingerTimer = setTimeout(() => feed.stop(), hz === null ? 0 : HIDDEN_LINGER_MS)
    }
  }

  #handle(event: FeedEvent): void {
    if (event.kind === 'sensors') this.#setSensors(event.names, event.limits)
    else if (event.kind === 'snapshot') this.#setValues(event.at, event.values, event.silent)
    else if (event.kind === 'readings') {
      this.#update(event.at, event.indexes, event.values, event.silent)
    } else if (event.kind === 'heartbeat') this.#setHeartbeat(event.heartbeat)
    else if (event.kind === 'status') this.#setStatus(event.stale, event.since)
    else if (event.kind === 'version') this.#refreshTables()
    else this.#onAlarm?.(event)
  }

  #setSensors(names: readonly string[], limits: readonly number[]): void {
    this.names = names
    this.limits = limits
    const values = new Float64Array(names.length).fill(Number.NaN)
    values.set(this.values.subarray(0, names.length))
    this.values = values
    this.#draw(null)
  }

  #setValues(at: number, values: Float64Array<ArrayBuffer>, silent: number[]): void {
    this.values = values
    this.#setFrame(at, silent, null)
  }

  #update(at: number, indexes: number[], values: number[], silent: number[] | null): void {
    indexes.forEach((index, nth) => {
      this.values[index] = values[nth] ?? Number.NaN
    })
    this.#setFrame(at, silent, indexes)
  }

  #setHeartbeat(heartbeat: Heartbeat): void {
    this.heartbeat = heartbeat
    this.#clockOffset = heartbeat.now - performance.now()
  }

  #setStatus(stale: boolean, since: number | null): void {
    const isChanged = stale !== this.stale
    this.stale = stale
    this.since = since
    this.#draw(null)
    // The server closes the stream of a session that expired or was revoked; one that was restarted may have
    // other properties.
    if (isChanged) session.load()
  }

  /** A table has new rows: cached responses are outdated. */
  #refreshTables(): void {
    clearCache()
    app.dataVersion += 1
  }

  #setFrame(at: number, silent: number[] | null, indexes: readonly number[] | null): void {
    this.at = at
    if (silent) this.silent = new Set(silent)
    this.#draw(silent ? null : indexes)
  }

  #draw(indexes: readonly number[] | null): void {
    for (const draw of this.#watchers.keys()) draw(indexes)
  }
}

export const live = new Live()
