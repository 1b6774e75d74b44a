/** The live stream: connection, decoding and loss detection, independent of any page. */
import type { Alarm } from '../alarms/alarm'

export interface Heartbeat {
  /** Milliseconds since 1970 at the server. */
  now: number
  link: 'connected' | 'lost' | 'failed' | 'none'
  reason: string | null
  lag_messages: number
  /** Rejected messages of the last ten minutes. */
  rejected: number
}

/** An event for the pages. Temperatures are degrees; NaN for a sensor without a reading. */
export type FeedEvent =
  | { kind: 'sensors'; names: string[]; limits: number[] }
  | { kind: 'snapshot'; at: number; values: Float64Array<ArrayBuffer>; silent: number[] }
  | {
      kind: 'readings'
      at: number
      indexes: number[]
      values: number[]
      silent: number[] | null
    }
  | { kind: 'heartbeat'; heartbeat: Heartbeat }
  | { kind: 'version'; table: string; version: number }
  | { kind: 'alarm'; change: AlarmChange }
  /** Alarm events may have been missed: the alarms must be fetched again. */
  | { kind: 'alarm_reset' }
  | { kind: 'status'; stale: boolean; since: number | null }

/** A transition of an alarm, and the alarm after it. */
export interface AlarmChange {
  /** Number of the event in the journal. */
  n: number
  transition: string
  at: string
  alarm: Alarm
}

/** The part of an EventSource that is used. */
export interface Source {
  readonly readyState: number
  onerror: ((event: Event) => void) | null
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void
  close(): void
}

const CLOSED = 2
/** The server sends a heartbeat every 5 s: a longer silence is a lost connection. */
const SILENCE_MS = 9_500
/** A broken connection that has not recovered after this is reported. */
const BROKEN_MS = 2_000
const CHECK_INTERVAL_MS = 500
/** Wait before a stream that the browser has given up is opened again. */
const REOPEN_MS = 1_000

interface SensorsMessage {
  s: [name: string, unit: string, scale: number, limits: number[]][]
}
interface ValuesMessage {
  t: number
  i: number[]
  v: (number | null)[]
  q?: number[]
}

export class Feed {
  #emit: (event: FeedEvent) => void
  #open: (url: string) => Source
  #clock: () => number
  #url = ''
  #source: Source | null = null
  #checkTimer: ReturnType<typeof setInterval> | undefined
  #reopenTimer: ReturnType<typeof setTimeout> | undefined

  #names: string[] = []
  #limits: number[] = []
  #scales: number[] = []
  #values = new Float64Array(0)
  #silent: number[] = []
  #at = 0
  #heartbeat: Heartbeat | null = null

  /** When the last event arrived, and when the connection broke, by the local clock. */
  #receivedAt = 0
  #brokenAt: number | null = null
  #stale = false
  /** Server time minus local clock. */
  #clockOffset: number | null = null
  #isOpen = false

  constructor(
    emit: (event: FeedEvent) => void,
    open: (url: string) => Source = (url) => new EventSource(url),
    clock: () => number = () => performance.now(),
  ) {
    this.#emit = emit
    this.#open = open
    this.#clock = clock
  }

  start(url: string): void {
    if (this.#url === url && this.#source) return
    this.stop()
    this.#url = url
    this.#receivedAt = this.#clock()
    this.#connect()
    this.#checkTimer = setInterval(() => this.check(), CHECK_INTERVAL_MS)
  }

  stop(): void {
    clearInterval(this.#checkTimer)
    clearTimeout(this.#reopenTimer)
    this.#source?.close()
    this.#source = null
    this.#isOpen = false
  }

  /** The current state as events, for a page that joins later. */
  current(): FeedEvent[] {
    const events: FeedEvent[] = [{ kind: 'status', stale: this.#stale, since: this.#staleSince() }]
    if (this.#names.length > 0) {
      events.push(
        { kind: 'sensors', names: this.#names, limits: this.#limits },
        { kind: 'snapshot', at: this.#at, values: this.#values.slice(), silent: this.#silent },
      )
    }
    if (this.#heartbeat) events.push({ kind: 'heartbeat', heartbeat: this.#heartbeat })
    // A page that joins has missed the alarm events before it; without a connection `hello` follows.
    if (this.#isOpen) events.push({ kind: 'alarm_reset' })
    return events
  }

  /** Reports a connection that is silent or broken for too long. */
  check(): void {
    const now = this.#clock()
    const isSilent = now - this.#receivedAt > SILENCE_MS
    const isBroken = this.#brokenAt !== null && now - this.#brokenAt > BROKEN_MS
    if ((isSilent || isBroken) && !this.#stale) {
      this.#stale = true
      this.#emit({ kind: 'status', stale: true, since: this.#staleSince() })
    }
    // An open socket without events may be dead without the browser noticing.
    if (isSilent && this.#source && this.#brokenAt === null) this.#reopen()
  }

  #connect(): void {
    const source = this.#open(this.#url)
    this.#source = source
    const on = <T>(name: string, handle: (message: T) => void) =>
      source.addEventListener(name, (event) => {
        if (this.#source !== source) return
        this.#markReceived()
        handle(JSON.parse(event.data) as T)
      })
    on<{ now: number }>('hello', (message) => this.#greet(message.now))
    on<AlarmChange>('alarm', (change) => this.#emit({ kind: 'alarm', change }))
    on<object>('alarm_reset', () => this.#emit({ kind: 'alarm_reset' }))
    on<SensorsMessage>('dict', (message) => this.#setSensors(message))
    for (const name of ['snapshot', 'snap']) {
      on<ValuesMessage>(name, (message) => this.#setSnapshot(message))
    }
    for (const name of ['readings', 't']) {
      on<ValuesMessage>(name, (message) => this.#addReadings(message))
    }
    for (const name of ['heartbeat', 'hb']) {
      on<Heartbeat>(name, (message) => this.#setHeartbeat(message))
    }
    for (const name of ['version', 'ver']) {
      on<{ table: string; v: number }>(name, (message) =>
        this.#emit({ kind: 'version', table: message.table, version: message.v }),
      )
    }
    source.onerror = () => {
      if (this.#source !== source) return
      this.#brokenAt ??= this.#clock()
      if (source.readyState === CLOSED) this.#reopen()
    }
  }

  #reopen(): void {
    this.#source?.close()
    this.#brokenAt ??= this.#clock()
    clearTimeout(this.#reopenTimer)
    this.#reopenTimer = setTimeout(() => this.#connect(), REOPEN_MS)
  }

  #markReceived(): void {
    this.#receivedAt = this.#clock()
    this.#brokenAt = null
    if (!this.#stale) return
    this.#stale = false
    this.#emit({ kind: 'status', stale: false, since: null })
  }

  /** Every connection begins with `hello`; events between two connections may be missing. */
  #greet(now: number): void {
    this.#isOpen = true
    this.#setClock(now)
    this.#emit({ kind: 'alarm_reset' })
  }

  #setClock(now: number): void {
    this.#clockOffset = now - this.#clock()
  }

  /** Server time of the last event, while the stream is stale. */
  #staleSince(): number | null {
    return this.#stale && this.#clockOffset !== null ? this.#receivedAt + this.#clockOffset : null
  }

  #setSensors(message: SensorsMessage): void {
    this.#names = message.s.map(([name]) => name)
    this.#scales = message.s.map(([, , scale]) => scale)
    this.#limits = message.s.map(([, , , limits]) => limits[0] ?? Number.POSITIVE_INFINITY)
    const values = new Float64Array(this.#names.length).fill(Number.NaN)
    values.set(this.#values.subarray(0, values.length))
    this.#values = values
    this.#emit({ kind: 'sensors', names: this.#names, limits: this.#limits })
  }

  #degrees(value: number | null | undefined, index: number): number {
    return value == null ? Number.NaN : value / (this.#scales[index] ?? 1)
  }

  #setSnapshot(message: ValuesMessage): void {
    this.#at = message.t
    this.#silent = message.q ?? []
    for (let index = 0; index < this.#values.length; index += 1) {
      this.#values[index] = this.#degrees(message.v[index], index)
    }
    const values = this.#values.slice()
    this.#emit({ kind: 'snapshot', at: message.t, values, silent: this.#silent })
  }

  #addReadings({ t: at, i: indexes, v, q }: ValuesMessage): void {
    this.#at = at
    if (q) this.#silent = q
    const values = indexes.map((index, nth) => this.#degrees(v[nth], index))
    indexes.forEach((index, nth) => {
      this.#values[index] = values[nth] ?? Number.NaN
    })
    this.#emit({ kind: 'readings', at, indexes, values, silent: q ?? null })
  }

  #setHeartbeat(heartbeat: Heartbeat): void {
    this.#setClock(heartbeat.now)
    this.#heartbeat = heartbeat
    this.#emit({ kind: 'heartbeat', heartbeat })
  }
}

/** The URL of the stream of alarms, and of all temperatures at a rate unless it is 0. */
export const liveUrl = (hz: number): string =>
  hz > 0 ? `/api/v1/live?topics=temps,alarms&hz=${hz}` : '/api/v1/live?topics=alarms'
